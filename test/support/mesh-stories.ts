import fc from 'fast-check';
import type { PausedLanes } from '../../src/store/pauses.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import { type Backup, MeshNetwork, pairsOf } from './mesh-network.ts';

type Pairwise = 'cut' | 'cut-dial' | 'heal' | 'stall' | 'unstall' | 'damage' | 'lose-programs';
type Lone = 'restart' | 'backup' | 'restore' | 'lose' | 'fill-disk' | 'clear-disk';

/** What may happen to a model network. Nodes are named by position, counted round. */
export type Happening =
  | {
      readonly type: 'commit';
      readonly at: number;
      readonly count: number;
      readonly bytes: number;
      readonly program: ProgramDigest | null;
    }
  | { readonly type: 'pause'; readonly a: number; readonly b: number; readonly lanes: PausedLanes | null }
  | { readonly type: Pairwise; readonly a: number; readonly b: number }
  | { readonly type: Lone; readonly at: number }
  | { readonly type: 'drop'; readonly pick: number }
  | { readonly type: 'pass'; readonly ms: number };

/** A topology and what happens to it. */
export interface Story {
  readonly seed: number;
  readonly nodes: number;
  /** For each pair whether the two dial each other; a line is added, so that all are joined. */
  readonly linked: readonly boolean[];
  readonly windowUpdates: number;
  readonly heartbeats: boolean;
  readonly happenings: readonly Happening[];
}

const PROGRAMS = ['a1', 'b2', 'c3'].map((digits) => digits.repeat(32) as ProgramDigest);

const node = fc.nat(6);
const link = { a: node, b: node };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('commit' as const),
      at: node,
      count: fc.integer({ min: 1, max: 40 }),
      bytes: fc.integer({ min: 1, max: 1000 }),
      program: fc.constantFrom(null, null, ...PROGRAMS),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 900 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('cut' as const, 'cut-dial' as const), ...link }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('heal' as const), ...link }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('stall' as const, 'unstall' as const), ...link }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('drop' as const),
      pick: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('pause' as const),
      lanes: fc.constantFrom<PausedLanes | null>('all', 'live', 'catch-up', null),
      ...link,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('damage' as const, 'lose-programs' as const), ...link }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom<Lone>('restart', 'backup', 'restore', 'lose', 'fill-disk', 'clear-disk'),
      at: node,
    }),
  },
);

/** Any story of 2 to 7 nodes. */
export const story: fc.Arbitrary<Story> = fc.record({
  seed: fc.integer(),
  nodes: fc.integer({ min: 2, max: 7 }),
  linked: fc.array(fc.boolean(), { minLength: 21, maxLength: 21 }),
  windowUpdates: fc.integer({ min: 1, max: 40 }),
  heartbeats: fc.boolean(),
  happenings: fc.array(happening, { maxLength: 40 }),
});

/** Most events that a story may take to come to rest, once everything is healed. */
const MAX_EVENTS = 60_000;

/** Tells a story to its end, heals everything, and waits until nothing more happens, or for some heartbeats. */
export function tell({ seed, nodes, linked, windowUpdates, heartbeats, happenings }: Story): MeshNetwork {
  const fabs = Array.from({ length: nodes }, (_, i) => `f${i}`);
  const isLine = ([a, b]: readonly [string, string]) => fabs.indexOf(b) === fabs.indexOf(a) + 1;
  const links = pairsOf(fabs).filter((pair, i) => linked[i] || isLine(pair));
  const window = { updates: windowUpdates, bytes: 10_000 };
  const network = new MeshNetwork({ seed, fabs, links, window, ...(heartbeats && { heartbeatMs: 3_000 }) });
  network.start();
  const tellers = teller(network, fabs);
  for (const happens of happenings) (tellers[happens.type] as (happens: Happening) => void)(happens);
  network.healAll();
  if (heartbeats) network.runFor(20_000);
  else network.settle(MAX_EVENTS);
  return network;
}

type Teller = { readonly [T in Happening['type']]: (happens: Extract<Happening, { type: T }>) => void };

/** What each happening does to a network. */
function teller(network: MeshNetwork, fabs: readonly string[]): Teller {
  const backups = new Map<string, Backup>();
  const fab = (i: number) => fabs[i % fabs.length]!;
  return {
    commit: ({ at, count, bytes, program }) => network.commit(fab(at), count, bytes, program),
    pass: ({ ms }) => network.runFor(ms),
    cut: ({ a, b }) => network.cut(fab(a), fab(b)),
    'cut-dial': ({ a, b }) => network.cutDial(fab(a), fab(b)),
    pause: ({ a, b, lanes }) => network.pause(fab(a), fab(b), lanes),
    heal: ({ a, b }) => network.heal(fab(a), fab(b)),
    stall: ({ a, b }) => network.stall(fab(a), fab(b)),
    unstall: ({ a, b }) => network.stall(fab(a), fab(b), false),
    drop: ({ pick }) => network.dropStream(pick),
    'lose-programs': ({ a, b }) => network.faults.losePrograms(fab(a), fab(b)),
    damage: ({ a, b }) => network.faults.damageNext(fab(a), fab(b)),
    restart: ({ at }) => network.restart(fab(at)),
    backup: ({ at }) => backups.set(fab(at), network.backup(fab(at))),
    restore: ({ at }) => network.restore(fab(at), backups.get(fab(at)) ?? null),
    lose: ({ at }) => network.restore(fab(at), null),
    'fill-disk': ({ at }) => network.fillDisk(fab(at), true),
    'clear-disk': ({ at }) => network.fillDisk(fab(at), false),
  };
}
