import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeClient } from '../../src/api/client.ts';
import type { PeerJson } from '../../src/cli/peers/peer-json.ts';
import { type DemoLot, demoLot } from '../../src/generator/demo-lot.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { Cluster, type ClusterOptions, type Fab } from './cluster.ts';
import { command, type Ran } from './command.ts';
import { closing } from './grpc-client.ts';
import { importFile } from './run-client.ts';

/** What is the matter with one fab of a mesh. */
export type Condition = 'up' | 'down' | 'stopped' | 'slow' | 'paused' | 'skewed';

/** Fabs of the mesh; the last one is the one with which something is the matter. */
export const FABS = ['tw', 'az', 'de'] as const;

/** How far the clock of the fab is ahead where it is skewed: more than an edit may be. */
export const SKEW_MS = 600_000;

const PRELOAD = fileURLToPath(new URL('./skewed-clock-preload.ts', import.meta.url));

/** Of the way to a slow fab: so little that nothing larger than a question arrives while a test runs. */
const SLOW = { bytesPerSecond: 2_000 };
const SLOW_DELAY_MS = 60;

const OPTIONS: Readonly<Record<Condition, ClusterOptions>> = {
  up: {},
  down: {},
  // So that one that stands still is noticed soon.
  stopped: { config: { sync: { keepalive_ms: 3_000 } } },
  slow: {},
  paused: {},
  skewed: {
    preload: PRELOAD,
    environment: { WAFERSYNC_TEST_SKEWS_MS: JSON.stringify({ de: SKEW_MS }) },
  },
};

/** Three fabs as real processes, with one of which something is the matter. */
export interface OperatorMesh {
  readonly cluster: Cluster;
  readonly condition: Condition;
  /** Everywhere, from before. */
  readonly before: DemoLot;
  /** Born at tw since; at de as far as it can come. */
  readonly since: DemoLot;
}

/** Raises a mesh and brings it into a condition; settles once tw has noticed. */
export async function operatorMesh(t: TestContext, condition: Condition): Promise<OperatorMesh> {
  const cluster = await Cluster.start(FABS, {}, OPTIONS[condition]);
  t.after(() => cluster.stop());
  const before = demoLot({ number: 1, wafers: 1 });
  await importFile(cluster.address('tw'), before.fileName, before.stdf, FABS);
  await bring(t, cluster, condition);
  const since = demoLot({ number: 2, wafers: 1 });
  const whole = condition === 'up' || condition === 'skewed';
  await importFile(cluster.address('tw'), since.fileName, since.stdf, whole ? FABS : ['tw', 'az']);
  await peerOnce(t, cluster, 'de', NOTICED[condition]);
  return { cluster, condition, before, since };
}

/** The options that name the node of a fab. */
export function at(cluster: Cluster, fab: Fab): readonly string[] {
  return ['--node', cluster.address(fab)];
}

/** Runs a command; gives what it printed as JSON, and how it ended. */
export async function json(...args: readonly string[]) {
  const { code, stdout, stderr } = await command(...args, '--json');
  assert.notEqual(stdout, '', `${args.join(' ')}: ${stderr}`);
  return { code, told: JSON.parse(stdout), stderr };
}

/** Runs a command that must not fail; gives what it printed. */
export async function ran(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command(...args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Runs a command that must be refused; gives the line that says why. */
export async function refused(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr }: Ran = await command(...args);
  assert.equal(code, 1, `${args.join(' ')}: ${stdout}`);
  return stderr;
}

/** Settles once tw tells something of a peer, looking again whenever anything has changed there. */
export async function peerOnce(
  t: TestContext,
  cluster: Cluster,
  fab: Fab,
  holds: (peer: PeerJson) => boolean,
): Promise<PeerJson> {
  const monitor = closing(t, makeClient(syncMonitor, cluster.address('tw')));
  for await (const _ of monitor.WatchNode({ min_interval_ms: 20 })) {
    const { told } = await json('peers', ...at(cluster, 'tw'));
    const peer = (told as PeerJson[]).find(({ fab_id }) => fab_id === fab);
    if (peer && holds(peer)) return peer;
  }
  throw new Error('the watch of tw ended');
}

/** When it was last heard is told once that was saved, with a heartbeat. */
function isWhole({ state, lacks_updates, clock, reported_at_ms }: PeerJson): boolean {
  return state === 'connected' && lacks_updates === 0 && clock !== null && reported_at_ms > 0;
}

/** What tw tells of de once it has noticed. */
const NOTICED: Readonly<Record<Condition, (peer: PeerJson) => boolean>> = {
  up: (peer) => isWhole(peer),
  down: ({ state, last_failure }) =>
    state === 'dialling' && /^no node answers/.test(last_failure?.reason ?? ''),
  stopped: ({ last_failure }) => /no answer in 4\.5 s/.test(last_failure?.reason ?? ''),
  slow: ({ state, lacks_updates, rtt_ms }) =>
    state === 'connected' && lacks_updates > 0 && rtt_ms >= 2 * SLOW_DELAY_MS,
  paused: ({ state, lacks_updates }) => state === 'paused' && lacks_updates > 0,
  skewed: (peer) => isWhole(peer),
};

async function bring(t: TestContext, cluster: Cluster, condition: Condition): Promise<void> {
  if (condition === 'down') await cluster.stopNode('de', 'SIGKILL');
  if (condition === 'stopped') cluster.freeze('de');
  if (condition === 'slow') await slowDown(t, cluster);
  if (condition !== 'paused') return;
  const pause = ['peer', 'pause', 'de', '--reason', 'we looked', '--author', 'kim'];
  for (const fab of ['tw', 'az'] as const) await ran(...pause, ...at(cluster, fab));
}

/** The delay first: behind a backlog no heartbeat would come through to measure it. */
async function slowDown(t: TestContext, cluster: Cluster): Promise<void> {
  const others = ['tw', 'az'] as const;
  for (const fab of others) {
    for (const link of [cluster.link(fab, 'de'), cluster.link('de', fab)])
      link.set({ delayMs: SLOW_DELAY_MS });
  }
  await peerOnce(t, cluster, 'de', ({ rtt_ms }) => rtt_ms >= 2 * SLOW_DELAY_MS);
  for (const fab of others) {
    cluster.link(fab, 'de').set(SLOW, 'there');
    cluster.link('de', fab).set(SLOW, 'back');
  }
}
