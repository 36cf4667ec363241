import { join, relative, resolve } from 'node:path';
import { WafersyncError } from '../../errors.ts';
import { realWorld } from '../../world.ts';
import { grouped } from '../output.ts';
import { Board, type FabLine, lineText } from './board.ts';
import { dispute } from './dispute.ts';
import { checkPorts, type FabProcess, logPath, startFab } from './fab-process.ts';
import { addressOf, configPath, type DemoFab, demoFabs, writeConfigs } from './fabs.ts';
import { handIn, LOT_FILE, nextLot, verify } from './lot.ts';
import { Outpost } from './outpost.ts';
import { processScreen, Screen } from './screen.ts';

/** Options of `wafersync demo`. */
export interface DemoOptions {
  /** Folder of the five databases. */
  readonly data: string;
  /** Port of the first fab; the others follow. */
  readonly port: number;
  /** Wafers of the lot. */
  readonly wafers: number;
  /** Stop when the lot has arrived everywhere. */
  readonly once?: boolean;
}

/** The fab whose links can be cut. */
const OUTPOST = 'az';

/** How often a terminal's rates fall when nothing arrives, and the parent is looked after, milliseconds. */
const TICK_MS = 500;

/** Runs five fabs and shows a lot reaching them all. Resolves to the exit code. */
export async function demo(options: DemoOptions): Promise<number> {
  const data = resolve(options.data);
  const fabs = demoFabs(data, options.port);
  await checkPorts(fabs);
  const outpost = await Outpost.open(fabs, OUTPOST);
  try {
    writeConfigs(fabs, outpost.dialled);
    return await run(options, data, fabs, outpost);
  } finally {
    await outpost.close();
  }
}

/** Runs the fabs until they are told to stop, or their story is told. */
async function run(
  options: DemoOptions,
  data: string,
  fabs: readonly DemoFab[],
  outpost: Outpost,
): Promise<number> {
  const stopping = new AbortController();
  const stopAsked = untilStopped(stopping);
  const board = new Board(fabs, realWorld.steadyMs, () => screen.redraw());
  const screen = new Screen(processScreen, () => board.lines.map((line) => lineText(line, fabs.length)));
  const processes: FabProcess[] = [];
  const stopTicking = tick(board, screen, stopping);
  try {
    screen.say(`Five fabs on this machine, data in ${data}`);
    processes.push(...board.lines.map((line) => start(line, board, screen)));
    await Promise.race([Promise.all(processes.map(({ ready }) => ready)), stopAsked]);
    if (stopping.signal.aborted) return 0;
    for (const line of board.lines) void board.follow(line);
    await show(options, data, { board, screen, outpost }, stopping.signal);
    if (!options.once) await Promise.race([stopAsked, allEnded(processes)]);
    return 0;
  } catch (thrown) {
    if (!stopping.signal.aborted) throw thrown;
    return 0;
  } finally {
    stopTicking();
    board.close();
    screen.end();
    for (const process of processes) process.stop();
    await Promise.all(processes.map(({ ended }) => ended));
    screen.say('All five fabs have stopped. The next start goes on where this one left off.');
  }
}

function start(line: FabLine, board: Board, screen: Screen): FabProcess {
  const process = startFab(line.fab);
  void process.ended.then((how) => {
    if (board.closed) return;
    board.end(line, how);
    screen.say(endedText(line.fab, how));
    void board.followAgain(line);
  });
  return process;
}

/** What a person can do about a node that has ended; paths as they are written from here. */
function endedText(fab: DemoFab, how: string): string {
  const [log, config] = [logPath(fab), configPath(fab)].map((path) => relative('', path));
  return [
    `The node of ${fab.fab} ${how}; its log is ${log}. To start it again, in another terminal, where Ctrl-C then stops it:`,
    `  npx wafersync serve --config ${config}`,
  ].join('\n');
}

interface Stage {
  readonly board: Board;
  readonly screen: Screen;
  readonly outpost: Outpost;
}

/** Hands in a lot, and tells what came of it; then lets two fabs disagree about its first wafer. */
async function show(
  options: DemoOptions,
  data: string,
  { board, screen, outpost }: Stage,
  signal: AbortSignal,
): Promise<void> {
  const fabs = board.lines.map(({ fab }) => fab);
  const [first] = fabs;
  if (!first) throw new WafersyncError('internal', 'the demo has no fabs');
  const lot = nextLot(data, options.wafers, Math.floor(realWorld.nowMs() / 1000));
  screen.say(
    `Lot ${lot.lot}: ${counted(lot.wafers.length, 'wafer')}, ${counted(lot.attempts, 'attempt')}, ${counted(lot.results, 'result')}. Handing it to ${first.place} (${first.fab}).`,
  );
  const arrival = await handIn(lot, first, realWorld.steadyMs, signal);
  const { equal, other } = await verify(arrival, fabs);
  if (other.length > 0) {
    throw new WafersyncError('damaged', `lot ${lot.lot} reads back differently at ${other.join(', ')}`, {
      hint: 'This must not be: keep the data folder, and report it.',
    });
  }
  screen.say(
    `Lot ${lot.lot} was durable at all five fabs after ${(arrival.tookMs / 1000).toFixed(2)} s; read back, it is equal at ${equal.join(', ')}:`,
  );
  screen.say(`  attempts SHA-256 ${lot.digests.attempts_sha256}`);
  const wafer = { lot: lot.lot, waferId: lot.wafers[0]!, insertion: lot.insertion };
  await dispute(wafer, fabs, outpost, { say: (text) => screen.say(text), nowMs: realWorld.steadyMs, signal });
  await board.look();
  screen.print();
  if (!options.once)
    screen.say(nextCommands(fabs, arrival.runId, wafer.waferId, join(options.data, LOT_FILE)));
}

function counted(count: number, name: string): string {
  return `${grouped(count)} ${name}${count === 1 ? '' : 's'}`;
}

/** What to try once the demo has shown all: commands at the first two of the fabs. */
export function nextCommands(
  fabs: readonly Pick<DemoFab, 'port' | 'folder'>[],
  runId: string,
  wafer: string,
  file: string,
): string {
  const [first, second] = fabs.map(addressOf);
  const [config] = fabs.map((fab) => relative('', configPath(fab)));
  return [
    'To try next, in another terminal:',
    `  npx wafersync status --node ${first}`,
    `  npx wafersync inspect --node ${second} --run ${runId}`,
    `  npx wafersync wafer show ${wafer} --map --node ${second}`,
    `  npx wafersync conflicts list --state settled --node ${first}`,
    `  npx wafersync import ${file} --node ${second} --wait all`,
    `  npx wafersync doctor --config ${config}`,
    `  grpcurl -plaintext ${first} list`,
    'Ctrl-C stops all five.',
  ].join('\n');
}

/** Settles when a signal asks to stop, or the process that started this one is gone. */
function untilStopped(stopping: AbortController): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
  return new Promise((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
}

/** Node tells nobody that its parent died: its parent's id changes. */
function tick(board: Board, screen: Screen, stopping: AbortController): () => void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    board.refresh();
    screen.redraw();
    if (process.ppid !== parent) stopping.abort();
  }, TICK_MS);
  return () => clearInterval(timer);
}

async function allEnded(processes: readonly FabProcess[]): Promise<void> {
  await Promise.all(processes.map(({ ended }) => ended));
  throw new WafersyncError('unavailable', 'all five fabs have ended', {
    hint: 'Their node.log files say why.',
  });
}
