import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * A wrong version of the code.
 * @typedef {object} Patch
 * @property {string} name of the file, without `.patch`
 * @property {string} file path
 * @property {string} bug what is wrong, in one sentence
 * @property {string[]} tests files that must notice, relative to the repository
 * @property {boolean} hangs whether the tests may notice by never ending
 * @property {string[]} changed files that it changes, relative to the repository
 */

/**
 * All patches of a folder, by name.
 * @param {string} folder
 * @returns {Patch[]}
 */
export function readPatches(folder) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.patch'));
  return names.sort().map((name) => readPatch(join(folder, name)));
}

/**
 * @param {string} file
 * @returns {Patch}
 */
function readPatch(file) {
  const text = readFileSync(file, 'utf8');
  const name = basename(file, '.patch');
  const header = (/** @type {string} */ key) => new RegExp(`^# ${key}: (.+)$`, 'm').exec(text)?.[1]?.trim();
  const bug = header('Bug');
  const tests = header('Tests')?.split(/\s+/);
  if (!bug || !tests) throw new Error(`${name}.patch lacks a line "# Bug: …" or "# Tests: …"`);
  const changed = [...text.matchAll(/^\+\+\+ b\/(\S+)/gm)].map((match) => String(match[1]));
  if (changed.length === 0) throw new Error(`${name}.patch changes no file`);
  return { name, file, bug, tests, hangs: header('Hangs') === 'yes', changed };
}
