import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** Longest run of one mutant's tests. */
const LIMIT_MS = 120_000;
/** Longest run of the simulator on one mutant. */
const SIMULATION_LIMIT_MS = 600_000;
/** Longest output that is kept of a program, characters. */
const MAX_OUTPUT = 32 * 1024 * 1024;
/** @type {['ignore', 'pipe', 'pipe']} */
const PIPES = ['ignore', 'pipe', 'pipe'];
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
  /** @type {Set<import('node:child_process').ChildProcess>} */
  #running = new Set();

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

  /** Ends what runs in it, and deletes it. */
  remove() {
    for (const child of this.#running) end(child);
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
    // In a group of its own, so that what it starts ends with it.
    const child = spawn(program, args, { cwd: this.folder, env, detached: true, stdio: PIPES });
    this.#running.add(child);
    const outputs = [child.stdout, child.stderr].map(collected);
    return new Promise((resolve, reject) => {
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        end(child);
      }, timeout);
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(timer);
        this.#running.delete(child);
        resolve({ ok: code === 0, timedOut, output: outputs.flat().join('') });
      });
    });
  }
}

/** The pieces that a stream brings, up to a bound. @param {import('node:stream').Readable} stream */
function collected(stream) {
  /** @type {string[]} */
  const pieces = [];
  let kept = 0;
  stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    kept += text.length;
    if (kept <= MAX_OUTPUT) pieces.push(text);
  });
  return pieces;
}

/** Ends a process and all that it has started. @param {import('node:child_process').ChildProcess} child */
function end({ pid }) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}
