import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A folder into which the packed product was put as an install puts it. */
export interface InstalledPackage {
  /** Folder of whoever installed it: a package of its own, with node_modules. */
  readonly folder: string;
  /** Paths of the packed files, relative to the package. */
  readonly files: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * Packs the product as `npm pack` does, with its scripts, and unpacks it below `folder`. Of the clone's packages only
 * those that the product depends on are linked beside it: nothing comes over the network, and none for development helps.
 */
export function installPackage(folder: string): InstalledPackage {
  const { name, dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const modules = join(folder, 'node_modules');
  const files = pack(folder, join(modules, name));
  for (const dependency of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', dependency), join(modules, dependency));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }\n');
  return { folder, files };
}

function pack(folder: string, target: string): readonly string[] {
  const npm = process.env.npm_execpath ?? '';
  const [program, ...first] = npm.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm'];
  const args = [...first, 'pack', '--json', '--offline', '--loglevel=error', '--pack-destination', folder];
  const said = execFileSync(program!, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [packed] = JSON.parse(said) as { filename: string; files: { path: string }[] }[];
  execFileSync('tar', ['-xzf', join(folder, packed!.filename), '-C', folder]);
  mkdirSync(dirname(target), { recursive: true });
  renameSync(join(folder, 'package'), target);
  return packed!.files.map(({ path }) => path);
}
