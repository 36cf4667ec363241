import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Why there is no systemd-analyze here; null where there is, if need be because it was installed: by root, in CI. */
export function systemdLacks(): string | null {
  if (systemdVersion() > 0) return null;
  const why = "systemd-analyze is not here: install Debian's systemd";
  if (process.getuid?.() !== 0 || process.env.CI !== 'true') return why;
  const quiet = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  execFileSync('apt-get', ['update'], quiet);
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'systemd'], quiet);
  return systemdVersion() > 0 ? null : why;
}

/** Version of systemd-analyze; 0 where there is none. */
export function systemdVersion(): number {
  const { stdout } = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
  return Number(/^systemd (\d+)/.exec(stdout ?? '')?.[1] ?? 0);
}

/** Runs systemd-analyze; answers its exit code and all that it said. */
export function systemdAnalyze(...args: string[]): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--no-pager', ...args], {
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
}

/** A setting of a unit. */
export interface Setting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** Whether a comment stands above it, or above the settings right before it. */
  readonly explained: boolean;
}

/** The settings of a unit file, in order. */
export function settingsOf(file: string): Setting[] {
  const settings: Setting[] = [];
  let section = '';
  let explained = false;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
    if (key !== undefined) settings.push({ section, key, value: value!, explained });
    else explained = line.startsWith('#');
  }
  return settings;
}
