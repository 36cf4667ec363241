import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where promtool is unpacked, without installing the server that it comes with. */
const UNPACKED = join(tmpdir(), 'wafersync-test-promtool');

/** Why there is no promtool here; null where there is, if need be because it was fetched: by root, in CI. */
export function promtoolLacks(): string | null {
  if (promtoolPath() !== null) return null;
  const why = "promtool is not here: install Debian's prometheus";
  if (process.getuid?.() !== 0 || process.env.CI !== 'true') return why;
  const quiet = { stdio: 'ignore', cwd: UNPACKED } as const;
  mkdirSync(UNPACKED, { recursive: true });
  execFileSync('apt-get', ['update'], quiet);
  execFileSync('apt-get', ['download', 'prometheus'], quiet);
  const archive = readdirSync(UNPACKED).find((name) => name.endsWith('.deb'));
  execFileSync('dpkg-deb', ['-x', String(archive), UNPACKED], quiet);
  return promtoolPath() === null ? why : null;
}

/** Runs promtool; answers its exit code and all that it said. */
export function promtool(
  args: readonly string[],
  input = '',
): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(promtoolPath() ?? 'promtool', args, {
    input,
    encoding: 'utf8',
  });
  return { code: status, said: `${stdout}${stderr}`.trim() };
}

function promtoolPath(): string | null {
  if (spawnSync('promtool', ['--version']).status === 0) return 'promtool';
  const unpacked = join(UNPACKED, 'usr', 'bin', 'promtool');
  return existsSync(unpacked) ? unpacked : null;
}
