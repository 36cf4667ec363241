import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { inspectRun } from '../../src/cli/inspect.ts';
import { renderConfig } from '../../src/config/render.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { freePorts } from '../support/free-ports.ts';
import { keptAt } from '../support/node-results.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** How often the node is killed, in the middle of what it takes as far as chance has it. */
const KILLS = 5;
/** Longest time from a start, or from when the node serves, to a kill, milliseconds. */
const LONGEST_LIFE_MS = 600;
const FILES = 40;

test('files in the drop folder are taken once however often the node is killed', async (t) => {
  const root = temporaryFolder(t);
  const folder = join(root, 'drop');
  const logFile = join(root, 'node.log');
  const [port] = await freePorts(1);
  const config = join(root, 'tw.yaml');
  writeFileSync(
    config,
    renderConfig({
      ...{ fab: 'tw', data_dir: 'data', listen: { port: port! }, log: { level: 'debug' } },
      intake: { folder: 'drop', folder_settle_ms: 10, folder_rescan_ms: 200 },
    }),
  );
  const lots = Array.from({ length: FILES }, (_, i) =>
    demoLot({ number: i + 1, wafers: 1, parameters: { dies: 60 } }),
  );
  mkdirSync(folder);
  for (const [i, lot] of lots.entries()) {
    writeFileSync(join(folder, lot.fileName), i % 3 === 0 ? gzipSync(lot.stdf) : lot.stdf);
  }
  writeFileSync(join(folder, 'no.stdf'), 'no STDF');
  // The last life is as long as it takes.
  for (let life = 1; life <= KILLS; life++) {
    const node = start(config, logFile);
    if (life % 3 !== 0) await ready(node);
    const ms = LONGEST_LIFE_MS * Math.random();
    await new Promise((resolve) => setTimeout(resolve, ms));
    t.diagnostic(`killed after ${ms.toFixed(0)} ms, ${inside(folder, 'done').length} files done`);
    await end(node, 'SIGKILL');
  }
  const node = start(config, logFile);
  t.after(() => end(node, 'SIGKILL'));
  await ready(node);
  const address = `127.0.0.1:${port}`;
  const names = lots.map(({ fileName }) => fileName).sort();
  while (inside(folder).length > 2) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(inside(folder, 'done'), names);
  assert.deepEqual(inside(folder, 'failed'), ['no.stdf', 'no.stdf.reason.txt']);
  assert.equal(
    (await keptAt(address)).attempts,
    lots.reduce((sum, { attempts }) => sum + attempts, 0),
  );
  const runs = runsOf(logFile);
  for (const lot of lots) {
    const { digests } = await inspectRun(address, runs.get(lot.fileName)!);
    assert.equal(digests.attempts_sha256, lot.digests.attempts_sha256, lot.fileName);
  }
  await end(node, 'SIGTERM');
});

function inside(folder: string, ...more: string[]): string[] {
  try {
    return readdirSync(join(folder, ...more)).sort();
  } catch {
    return [];
  }
}

function start(config: string, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const stdio = ['ignore', log, log, 'ipc'] as const;
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', config], { stdio: [...stdio] });
  closeSync(log);
  return child;
}

function ready(node: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    node.once('message', () => resolve());
    node.once('exit', (code) => reject(new Error(`the node ended with ${code}`)));
  });
}

function end(node: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (node.exitCode !== null || node.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    node.once('exit', () => resolve());
    node.kill(signal);
  });
}

/** Runs by file, as the log tells them. */
function runsOf(logFile: string): Map<string, string> {
  const runs = new Map<string, string>();
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    if (!line.endsWith('"event":"folder.taken"}')) continue;
    // A kill may leave half a line before a whole one.
    const { file, run } = JSON.parse(line.slice(line.lastIndexOf('{"level"')));
    assert.equal(runs.get(file) ?? run, run, 'a file is the same run each time');
    runs.set(file, run);
  }
  return runs;
}
