import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Terminal } from '../../src/cli/output.ts';
import { runCommand } from '../../src/cli/program.ts';

/** Entry of the program. */
export const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Environment of the processes that tests start. Compiling the sources is most of a start: that is done once. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_COMPILE_CACHE: join(tmpdir(), 'wafersync-test-compiled'),
};

/** What a command printed, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `wafersync` as a process. @param nodeOptions of Node itself */
export function startWafersync(
  args: readonly string[],
  options: SpawnOptions = {},
  nodeOptions: readonly string[] = [],
): ChildProcess {
  return spawn(process.execPath, [...nodeOptions, MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: ENVIRONMENT,
    ...options,
  });
}

/** Runs `wafersync` as a process, to its end. */
export function wafersync(...args: string[]): Promise<Ran> {
  return ended(startWafersync(args));
}

/** What a process with pipes prints until its end. */
export function ended(child: ChildProcess): Promise<Ran> {
  const [stdout, stderr] = [collected(child.stdout), collected(child.stderr)];
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
  });
}

function collected(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

/** Runs `wafersync` in this process: the same command, without the time that a process takes to start. */
export function command(...args: string[]): Promise<Ran> {
  return commandAt({}, ...args);
}

/** The same at a terminal of which some is given. */
export async function commandAt(terminal: Partial<Terminal>, ...args: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommand(['node', 'wafersync', ...args], {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    interactive: false,
    ...terminal,
  });
  const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
  return { code, stdout: text(out), stderr: text(err) };
}
