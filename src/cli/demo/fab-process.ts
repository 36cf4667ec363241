import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WafersyncError } from '../../errors.ts';
import { configPath, DEMO_HOST, type DemoFab } from './fabs.ts';

/** The node of one fab as a process of its own. It ends with this process, however that ends. */
export interface FabProcess {
  readonly fab: DemoFab;
  /** Settles when it serves. @throws WafersyncError `unavailable` where it ended instead */
  readonly ready: Promise<void>;
  /** Settles with a sentence when the process has ended. */
  readonly ended: Promise<string>;
  stop(): void;
}

/** Entry of the program: beside this file's folders, in src and in dist alike. */
const MAIN = fileURLToPath(
  new URL(`../../main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
);

/** Bytes of a log's end that an error is looked for in. */
const TAIL_BYTES = 4096;

/** Path of the log of a fab's node. */
export function logPath({ folder }: DemoFab): string {
  return join(folder, 'node.log');
}

/** Starts the node of a fab. */
export function startFab(fab: DemoFab): FabProcess {
  const log = openSync(logPath(fab), 'a+');
  const begin = fstatSync(log).size;
  const child = fork(MAIN, ['serve', '--config', configPath(fab)], { stdio: ['ignore', log, log, 'ipc'] });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`did not start: ${error.message}`));
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with code ${code}`));
  });
  const message = new Promise<null>((resolve) => child.once('message', () => resolve(null)));
  const ready = Promise.race([message, ended]).then((how) => {
    const reason = how === null ? '' : lastLine(log, begin);
    closeSync(log);
    if (how === null) return;
    throw new WafersyncError('unavailable', `the node of ${fab.fab} ${how}${reason && `: ${reason}`}`, {
      hint: `Its log is ${logPath(fab)}.`,
    });
  });
  // Whoever awaits it sees it reject; one that ends while another has failed already is told by that.
  ready.catch(() => {});
  return { fab, ready, ended, stop: () => stop(child) };
}

function stop(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
}

/** What the log says last of why the program ended, of what was written behind `begin`; without its last full stop. */
function lastLine(file: number, begin: number): string {
  const { size } = fstatSync(file);
  const from = Math.max(begin, size - TAIL_BYTES);
  const tail = Buffer.alloc(size - from);
  readSync(file, tail, 0, tail.length, from);
  const lines = tail.toString('utf8').trim().split('\n');
  const told = lines.findLastIndex((line) => line.startsWith('wafersync: '));
  // A broken configuration is told in several lines.
  const words = told < 0 ? lines.slice(-1) : lines.slice(told).map((line) => line.trim());
  return words
    .join(' ')
    .replace(/^wafersync: /, '')
    .replace(/\.$/, '');
}

/** Checks that the fabs' ports are free. @throws WafersyncError `unavailable` naming the first that is not */
export async function checkPorts(fabs: readonly DemoFab[]): Promise<void> {
  for (const { fab, port } of fabs) {
    await new Promise<void>((resolve, reject) => {
      const probe = createServer();
      probe.once('error', (error: NodeJS.ErrnoException) => reject(taken(fab, port, error)));
      probe.listen({ host: DEMO_HOST, port, exclusive: true }, () => probe.close(() => resolve()));
    });
  }
}

function taken(fab: string, port: number, error: NodeJS.ErrnoException): WafersyncError {
  const what = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be opened (${error.code})`;
  return new WafersyncError('unavailable', `port ${port} on ${DEMO_HOST}, for ${fab}, ${what}`, {
    hint: 'Stop what uses it (another demo?), or choose other ports: npm start -- --port 51051',
    cause: error,
  });
}
