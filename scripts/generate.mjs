// Writes src/gen/: protobuf codecs, their types, and the descriptors that reflection serves.
// Everything is made aside first and moved into place whole, so that nobody reads half a file.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const gen = join(root, 'src', 'gen');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const run = (name, args) =>
  execFileSync(bin(name), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
const protos = readdirSync(join(root, 'proto'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.proto'))
  .sort()
  .map((name) => join('proto', name));

mkdirSync(gen, { recursive: true });
// In gen itself: a rename is only whole within one file system.
const aside = mkdtempSync(join(gen, '.making-'));
try {
  run('pbjs', [
    ...['-t', 'static-module', '-w', 'esm', '--es6', '-d', '--keep-case', '--force-long'],
    ...['--no-verify', '--no-convert', '--no-delimited', '--no-typeurl', '--no-service'],
    ...['-p', 'proto', '-o', join(aside, 'wafersync.js'), ...protos],
  ]);
  run('buf', ['build', '--as-file-descriptor-set', '-o', join(aside, 'descriptors.binpb')]);
  for (const name of readdirSync(aside)) renameSync(join(aside, name), join(gen, name));
} finally {
  rmSync(aside, { recursive: true, force: true });
}
