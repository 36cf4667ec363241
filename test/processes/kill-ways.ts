import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Random } from '../../src/generator/random.ts';
import type { Cluster, Fab } from '../support/cluster.ts';
import { type Armed, KILL_VARIABLE } from './kill-points.ts';
import type { MeshLoad } from './mesh-load.ts';
import { receivedAtAny } from './mesh-watch.ts';
import { storedVector } from './stored-vector.ts';
import { within } from './within.ts';

/** A node that is to be killed under load. */
export interface Site {
  readonly cluster: Cluster;
  readonly victim: Fab;
  readonly load: MeshLoad;
  readonly random: Random;
}

/** Kills the node once, at its point. It is down afterwards. False where it died otherwise: the point was not met. */
export type KillWay = (site: Site) => Promise<boolean>;

/** How long a point is waited for, milliseconds. */
const LIMIT_MS = 60_000;
/** Statements and pragmas of a start, at least: see `start` in kill-preload.ts. */
const START_STEPS = 120;
/** Results that others take in while a node is away before it catches up. */
const AWAY_RESULTS = 400;
/** Dies of a file during which a node is killed, 12 tests each. */
const LARGE_FILE_DIES = 4_000;

/** Kills at any moment. */
const atRandom: KillWay = async ({ cluster, victim, load, random }) => {
  await Promise.race([load.stream(victim).more(1 + random.below(400)), setTimeout(5_000)]);
  await cluster.stopNode(victim, 'SIGKILL');
  return true;
};

/** Kills at a moment around or inside a commit, some commits on. */
function atCommit(moment: Armed['moment'], insideUs?: number): KillWay {
  return async ({ cluster, victim, random }) => {
    const inside = insideUs === undefined ? {} : { insideUs: random.below(insideUs) };
    return endsItself(cluster, victim, { moment, after: random.below(40), ...inside });
  };
}

/** Kills while pages of the write-ahead log are moved into the database. */
const atCheckpoint: KillWay = ({ cluster, victim, random }) => {
  const shm = join(cluster.dataFolder(victim), 'wafersync.db-shm');
  const insideUs = random.below(1_500);
  return endsItself(cluster, victim, { moment: 'in-checkpoint', after: random.below(20), insideUs, shm });
};

/** Kills while a file is taken in. What is left of it in the spool shows that it was. */
const duringImport: KillWay = async ({ cluster, victim, load, random }) => {
  const giveUp = new AbortController();
  const spool = join(cluster.dataFolder(victim), 'spool');
  const child = cluster.process(victim);
  const came = filled(spool, giveUp.signal);
  load.later(load.files.handIn(cluster.address(victim), LARGE_FILE_DIES));
  try {
    await within(LIMIT_MS, 'the file', came);
    const moment = random.pick(['before-commit', 'after-commit'] as const);
    child.send({ moment, after: random.below(6) } satisfies Armed);
    await exited(child);
    return readdirSync(spool).length > 0;
  } finally {
    giveUp.abort();
  }
};

/** Kills a node that was away while it fetches what it missed. */
const duringCatchUp: KillWay = async ({ cluster, victim, load, random }) => {
  const others = cluster.fabs.filter((fab) => fab !== victim);
  await cluster.stopNode(victim, 'SIGKILL');
  await Promise.all(others.map((fab) => load.stream(fab).more(AWAY_RESULTS)));
  const missed = await receivedAtAny(others.map((fab) => cluster.address(fab)));
  const moment = random.pick(['before-commit', 'in-commit', 'after-commit'] as const);
  const wish: Armed = {
    ...{ moment, after: random.below(4) },
    ...(moment === 'in-commit' ? { insideUs: random.below(2_000) } : {}),
  };
  await exited(cluster.spawnNode(victim, { environment: { [KILL_VARIABLE]: JSON.stringify(wish) } }));
  return !storedVector(cluster.databaseFile(victim)).covers(missed);
};

/** Kills a node that was killed, while it starts again. */
const duringStart: KillWay = async ({ cluster, victim, load, random }) => {
  await cluster.stopNode(victim, 'SIGKILL');
  const others = cluster.fabs.filter((fab) => fab !== victim);
  await load.stream(random.pick(others)).more(100);
  const wish: Armed = { moment: 'start', after: random.below(START_STEPS) };
  const child = cluster.spawnNode(victim, { environment: { [KILL_VARIABLE]: JSON.stringify(wish) } });
  let served = false;
  child.once('message', () => {
    served = true;
  });
  await exited(child);
  return !served;
};

/** Kills a node that was asked to stop, before it has. */
const duringStop: KillWay = async ({ cluster, victim, random }) => {
  const child = cluster.process(victim);
  const moment = random.pick(['before-commit', 'before-close', 'in-close', 'after-close'] as const);
  const inside = moment === 'in-close' ? { insideUs: random.below(3_000) } : {};
  child.kill('SIGTERM');
  child.send({ moment, after: 0, ...inside } satisfies Armed);
  return (await exited(child)) === 'SIGKILL';
};

/** The named points. */
export const KILL_WAYS: Readonly<Record<string, KillWay>> = {
  'at random': atRandom,
  'before commit': atCommit('before-commit'),
  'in commit': atCommit('in-commit', 6_000),
  'after commit, before ack': atCommit('after-commit'),
  'during import': duringImport,
  'during catch-up': duringCatchUp,
  'during start': duringStart,
  'during checkpoint': atCheckpoint,
  'during stop': duringStop,
};

/** Arms a node that runs; true once it has ended itself. */
async function endsItself(cluster: Cluster, victim: Fab, wish: Armed): Promise<boolean> {
  const child = cluster.process(victim);
  child.send(wish);
  return (await exited(child)) === 'SIGKILL';
}

/** Settles with the signal or exit code by which a process ended. */
async function exited(child: ChildProcess): Promise<NodeJS.Signals | number | null> {
  const exit = new Promise<NodeJS.Signals | number | null>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.signalCode ?? child.exitCode);
    else child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  return within(LIMIT_MS, 'the moment at which the node ends', exit);
}

/** Settles once something comes into a folder. */
async function filled(folder: string, signal: AbortSignal): Promise<void> {
  for await (const _ of watch(folder, { signal })) if (readdirSync(folder).length > 0) return;
}
