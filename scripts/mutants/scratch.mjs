import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** Longest run of one mutant's tests. */
const LIMIT_MS = 120_000;
/** Longest run of the simulator on one mutant. */
const SIMULATION_LIMIT_MS = 600_000;
/** Longest output that is kept of a program. */
const MAX_OUTPUT = 32 * 1024 * 1024;
/** Not part of what is tested, or linked. */
const LEFT_OUT = new Set(['.git', 'node_modules', 'dist', 'data']);

/**
 * How a program ended.
 * @typedef {object} Ended
 * @property {boolean} ok
 * @property {boolean} timedOut
 * @property {string} output
 */

/** A copy of the repository outside of it, in which code may be broken. */
export class Scratch {
  /** @param {string} root folder that is copied */
  constructor(root) {
    this.folder = mkdtempSync(join(tmpdir(), 'wafersync-mutant-'));
    cpSync(root, this.folder, {
      recursive: true,
      filter: (source) => !LEFT_OUT.has(relative(root, source)),
    });
    const modules = join(root, 'node_modules');
    if (existsSync(modules)) symlinkSync(modules, join(this.folder, 'node_modules'));
  }

  /** @param {import('./patch.mjs').Patch} patch @param {boolean} [back] takes it out again */
  apply(patch, back = false) {
    return this.#run('git', ['apply', ...(back ? ['-R'] : []), patch.file]);
  }

  /** Whether modules load. @param {readonly string[]} files */
  load(files) {
    const code = files.map((file) => `await import(${JSON.stringify(`./${file}`)});`).join('\n');
    return this.#run(process.execPath, ['--input-type=module', '-e', code]);
  }

  /** @param {readonly string[]} files tests */
  test(files) {
    return this.#run(process.execPath, ['--test', '--test-reporter=tap', ...files]);
  }

  /** Seeds of the simulator, each with an error of its own or none; it ends when three have failed. @param {number} seeds */
  simulate(seeds) {
    const bounds = ['--seeds', String(seeds), '--failures', '3'];
    const args = [...bounds, '--seed', '1', '--workers', '1', '--json'];
    return this.#run(process.execPath, ['test/simulation/run.ts', ...args], SIMULATION_LIMIT_MS);
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * @param {string} program
   * @param {readonly string[]} args
   * @param {number} [timeout] milliseconds
   * @returns {Promise<Ended>}
   */
  #run(program, args, timeout = LIMIT_MS) {
    // A runner inside a test must not report to the one around it.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const options = { cwd: this.folder, env, timeout, maxBuffer: MAX_OUTPUT };
    return new Promise((resolve) => {
      execFile(program, args, options, (error, stdout, stderr) => {
        resolve({ ok: !error, timedOut: error?.killed === true, output: `${stdout}${stderr}` });
      });
    });
  }
}
