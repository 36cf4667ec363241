// What the scripts share. Plain JS without dependencies: it runs before anything is installed, on Node 18.17 or newer.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Environment in which `node` and the tools are those of node_modules. */
export const toolEnvironment = {
  ...process.env,
  PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH,
};

/**
 * Runs a program to its end, its streams being ours.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env] variables to set beside ours
 * @returns {number} its exit code
 */
export function run(program, args, env = {}) {
  const { status, signal, error } = spawnSync(program, args, {
    cwd: root,
    env: { ...toolEnvironment, ...env },
    stdio: 'inherit',
  });
  if (error) throw new Error(`cannot run ${program}: ${error.message}`, { cause: error });
  if (signal) throw new Error(`${program} was ended by ${signal}`);
  return status ?? 1;
}

/**
 * Runs the body of a script; an error becomes one line and exit code 1.
 * @param {string} name of the script
 * @param {() => void} body
 */
export function script(name, body) {
  try {
    body();
  } catch (error) {
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = 1;
  }
}

/**
 * Every file below a folder, or the file itself, sorted. Files whose name begins with a dot are left out.
 * @param {string} path relative to the repository
 * @returns {string[]} relative to the repository; empty where there is nothing
 */
export function filesIn(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return readdirSync(full, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesIn(join(path, entry.name)) : [join(path, entry.name)]));
}

/**
 * Fingerprint of files: their names and contents, so that neither clocks nor deleted files deceive it.
 * @param {readonly string[]} files relative to the repository
 */
export function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const content = readFileSync(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * A stamp beside made files tells what they were made from. It is taken away first and written last, so that work
 * that was interrupted is done again.
 * @param {string} folder of the made files, relative to the repository
 */
export function stampOf(folder) {
  const file = join(root, folder, '.stamp');
  return {
    /** @param {string} inputs fingerprint */
    matches(inputs) {
      if (!existsSync(file)) return false;
      const [made, ...outputs] = readFileSync(file, 'utf8').split('\n');
      return made === inputs && outputs.every((output) => existsSync(join(root, output)));
    },
    remove() {
      rmSync(file, { force: true });
    },
    /** @param {string} inputs fingerprint, taken before the work began */
    write(inputs) {
      writeFileSync(file, [inputs, ...filesIn(relative(root, dirname(file)))].join('\n'));
    },
  };
}
