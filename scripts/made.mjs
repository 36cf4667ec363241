// The two things that are made from sources: src/gen from the contract, dist from src.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filesIn, fingerprint, root, run, stampOf } from './support.mjs';

/** Makes src/gen unless it is up to date. */
export function ensureGenerated() {
  const stamp = stampOf('src/gen');
  const inputs = fingerprint(['package-lock.json', 'scripts/generate.mjs', ...filesIn('proto')]);
  if (stamp.matches(inputs)) return;
  stamp.remove();
  if (run('node', ['scripts/generate.mjs']) !== 0) throw new Error('src/gen could not be made from proto/');
  stamp.write(inputs);
}

/**
 * Makes dist.
 * @param {{ always?: boolean }} [options] `always`: even if it is up to date
 */
export function ensureBuilt({ always = false } = {}) {
  ensureGenerated();
  const stamp = stampOf('dist');
  const sources = filesIn('src');
  const inputs = fingerprint(['package-lock.json', 'scripts/made.mjs', 'tsconfig.json', ...sources]);
  if (!always && stamp.matches(inputs)) return;
  stamp.remove();
  // Types are taken out and nothing else is changed, so that what runs is what was tested. For an older target tsc puts
  // an alias in place of a class's own name, and a static field that makes an instance then finds it undefined
  // (microsoft/TypeScript#58244).
  if (run('tsc', ['-p', 'tsconfig.json', '--target', 'esnext', '--declaration']) !== 0)
    throw new Error('src does not compile; dist is not built');
  const assets = sources.filter((file) => !file.endsWith('.ts') || file.endsWith('.d.ts'));
  for (const asset of assets) copy(asset, inDist(asset));
  prune(new Set([...assets.map(inDist), ...compiledNames(sources)]));
  stamp.write(inputs);
}

/** @param {string} source */
const inDist = (source) => join('dist', source.slice('src/'.length));

/** @param {readonly string[]} sources */
function compiledNames(sources) {
  return sources
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => inDist(file).replace(/\.ts$/, '.js'))
    .flatMap((file) => [file, `${file}.map`, file.replace(/\.js$/, '.d.ts')]);
}

/**
 * @param {string} from
 * @param {string} to
 */
function copy(from, to) {
  mkdirSync(dirname(join(root, to)), { recursive: true });
  copyFileSync(join(root, from), join(root, to));
}

/**
 * Takes away what earlier sources left in dist.
 * @param {ReadonlySet<string>} wanted
 */
function prune(wanted) {
  for (const file of filesIn('dist')) if (!wanted.has(file)) rmSync(join(root, file));
}
