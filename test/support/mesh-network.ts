import assert from 'node:assert/strict';
import { type FabId, fabId, mintEpoch, type Origin } from '../../src/clocks/dot.ts';
import type { PausedLanes } from '../../src/store/pauses.ts';
import type { BackoffBounds } from '../../src/sync/backoff.ts';
import type { CatchUpBounds } from '../../src/sync/catch-up.ts';
import type { Window } from '../../src/sync/messages.ts';
import type { Paused } from '../../src/sync/neighbours.ts';
import type { Report } from '../../src/sync/report.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import { MeshFaults } from './mesh-faults.ts';
import { MeshLaws } from './mesh-laws.ts';
import { MeshNode } from './mesh-node.ts';
import { type Disk, emptyDisk, ModelReplica } from './mesh-replica.ts';
import { seededRandom, VirtualTime, virtualWorld } from './mesh-time.ts';
import { Traffic } from './mesh-traffic.ts';
import { MeshWires } from './mesh-wires.ts';

/** What a model network is made of. */
export interface MeshNetworkOptions {
  /** Drives delays, jitter and notices. */
  readonly seed: number;
  readonly fabs: readonly string[];
  /** Pairs that dial each other; all pairs where not given. */
  readonly links?: readonly (readonly [string, string])[];
  readonly window?: Window;
  readonly catchUp?: CatchUpBounds;
  readonly reconnect?: BackoffBounds;
  /** One way, for every message anew, from … to. */
  readonly delayMs?: readonly [number, number];
  /** Until a side notices that its stream is gone, from … to. */
  readonly noticeMs?: readonly [number, number];
  readonly commitMs?: number;
  /** Heartbeats never come where not given. */
  readonly heartbeatMs?: number;
  /** Size of the largest update that will be born. */
  readonly maxUpdateBytes?: number;
  /** Whether a node may push an update to a peer; always where not given. */
  readonly mayPush?: (peer: FabId, bytes: number) => boolean;
}

type Settings = Required<Omit<MeshNetworkOptions, 'heartbeatMs' | 'mayPush'>> &
  Pick<MeshNetworkOptions, 'mayPush'> & { readonly heartbeatMs: number | null };

const DEFAULTS = {
  window: { updates: 64, bytes: 64_000 },
  catchUp: { chunkBytes: 8_000, chunkUpdates: 32, requestsPerLane: 2, pendingBytes: 64_000 },
  reconnect: { minMs: 100, maxMs: 2_000 },
  delayMs: [1, 20],
  noticeMs: [1, 200],
  commitMs: 5,
  maxUpdateBytes: 1_000,
} as const;

/** What a node has on disk, its database and what it kept of others. */
export interface Backup {
  readonly disk: Disk;
  readonly known: readonly Report[];
}

/**
 * Meshes of several nodes joined in memory, in virtual time: one seed, one history. Streams keep the order of their
 * messages; links are cut and healed, one direction of dialling at a time.
 */
export class MeshNetwork {
  readonly time = new VirtualTime();
  readonly traffic = new Traffic();
  readonly faults = new MeshFaults();
  readonly laws: MeshLaws;
  readonly #settings: Settings;
  readonly #random: () => number;
  readonly #wires: MeshWires;
  readonly #paused = new Map<string, Paused>();
  readonly #nodes = new Map<FabId, MeshNode>();
  /** How often each fab's database began anew. */
  readonly #lives = new Map<FabId, number>();

  constructor(options: MeshNetworkOptions) {
    const links = options.links ?? pairsOf(options.fabs);
    this.#settings = { heartbeatMs: null, ...DEFAULTS, ...options, links };
    this.#random = seededRandom(options.seed);
    this.laws = new MeshLaws(this.#settings);
    this.#wires = new MeshWires({
      time: this.time,
      faults: this.faults,
      traffic: this.traffic,
      delayMs: () => this.#between(this.#settings.delayMs),
      noticeMs: () => this.#between(this.#settings.noticeMs),
      node: (fab) => this.#nodes.get(fab),
    });
    for (const name of options.fabs) {
      const fab = fabId(name);
      this.#raise(fab, emptyDisk(this.#mint(fab)), []);
    }
  }

  /** Starts all nodes. */
  start(): void {
    for (const node of this.#nodes.values()) node.start();
  }

  at(fab: string): MeshNode {
    return this.#nodes.get(fabId(fab))!;
  }

  get nodes(): MeshNode[] {
    return [...this.#nodes.values()];
  }

  /** Updates are born at a fab, in one commit. */
  commit(fab: string, count = 1, bytes = 100, program: ProgramDigest | null = null): void {
    this.at(fab).commit(count, bytes, program);
  }

  runFor(ms: number): void {
    this.time.runFor(ms);
  }

  /** Runs until nothing more happens. */
  settle(maxEvents = 200_000): void {
    this.time.drain(maxEvents);
  }

  /** Neither of the two reaches the other; their streams die, which both notice after a while. */
  cut(a: string, b: string): void {
    this.cutDial(a, b);
    this.cutDial(b, a);
  }

  /** What `dialler` dialled at `peer` dies, and cannot be dialled again. */
  cutDial(dialler: string, peer: string): void {
    this.faults.cutDial(dialler, peer);
    this.#wires.lose('the link is cut', ({ from, to }) => from === dialler && to === peer);
  }

  /** A fab pauses a peer, as it does over its restarts; null: it syncs with it again. */
  pause(fab: string, peer: string, lanes: PausedLanes | null): void {
    const paused = new Map(this.#paused.get(fab));
    if (lanes === null) paused.delete(fabId(peer));
    else paused.set(fabId(peer), { lanes, reason: 'a test' });
    this.#paused.set(fab, paused);
    this.#nodes.get(fabId(fab))?.post({ type: 'pauses', paused });
  }

  heal(a: string, b: string): void {
    this.faults.heal(a, b);
  }

  /** Nothing can be stored at a fab, which its next commit finds out; or again, which it is told. */
  fillDisk(fab: string, full: boolean): void {
    this.at(fab).replica.diskFull = full;
    if (!full) this.at(fab).tellStorage(false);
  }

  /** Heals and wakes all links, ends all pauses, and makes room on all disks. */
  healAll(): void {
    for (const [fab, paused] of this.#paused) for (const peer of paused.keys()) this.pause(fab, peer, null);
    for (const { fab } of this.nodes) this.fillDisk(fab, false);
    this.faults.healAll();
    this.#wires.applyStalls();
  }

  /** `to` reads nothing that `from` sends, on any stream, or reads again. */
  stall(from: string, to: string, stalled = true): void {
    this.faults.stall(from, to, stalled);
    this.#wires.applyStalls();
  }

  /** One stream dies; which, is chosen by `pick` in [0, 1). */
  dropStream(pick: number): void {
    this.#wires.loseOne(pick);
  }

  backup(fab: string): Backup {
    const node = this.at(fab);
    return { disk: node.replica.disk, known: [...node.kept.values()] };
  }

  /** Kills a node and starts it again from what it had committed. */
  restart(fab: string): void {
    const { disk, known } = this.backup(fab);
    this.kill(fab);
    this.#raise(fabId(fab), disk, known).start();
  }

  /** Kills a node, if it runs, and starts it from a backup, or from nothing: another epoch. */
  restore(fab: string, backup: Backup | null): void {
    if (this.#nodes.has(fabId(fab))) this.kill(fab);
    const origin = this.#mint(fabId(fab));
    const disk = backup ? { ...backup.disk, origin } : emptyDisk(origin);
    this.#raise(fabId(fab), disk, backup?.known ?? []).start();
  }

  /** Ends a node, as by SIGKILL. */
  kill(fab: string): void {
    this.at(fab).stop();
    this.#nodes.delete(fabId(fab));
    this.#wires.lose('the node is down', ({ from, to }) => from === fab || to === fab);
  }

  /** Throws unless all nodes have received the same, know it of each other, and no update or program that some node has is missing. */
  assertConverged(): void {
    const [first, ...others] = this.nodes;
    for (const node of others) {
      const [a, b] = [first!.replica.report.received, node.replica.report.received];
      assert.ok(
        a.equals(b),
        `${first!.fab} lacks ${b.difference(a)}; ${node.fab} lacks ${a.difference(b)} (at ${this.time.nowMs} ms)`,
      );
    }
    for (const node of this.nodes) {
      for (const other of this.nodes) if (other !== node) assertHeard(node, other);
      assert.ok(node.mesh.missing().isEmpty, `${node.fab} still misses ${node.mesh.missing()}`);
      for (const digest of node.replica.missingPrograms) {
        const holder = this.nodes.find(({ replica }) => replica.hasProgram(digest));
        assert.ok(!holder, `${node.fab} waits for a program that ${holder?.fab} has`);
      }
    }
  }

  #mint(fab: FabId): Origin {
    const life = (this.#lives.get(fab) ?? 0) + 1;
    this.#lives.set(fab, life);
    return { fab, epoch: mintEpoch(life, (bytes) => new Uint8Array(bytes).fill(7)) };
  }

  #raise(fab: FabId, disk: Disk, known: readonly Report[]): MeshNode {
    const { links, heartbeatMs, ...settings } = this.#settings;
    const peers = links.flatMap(([a, b]) => (a === fab ? [b] : b === fab ? [a] : [])).map(fabId);
    const frozen = new Set(heartbeatMs === null ? (['heartbeat'] as const) : []);
    const node = new MeshNode({
      ...settings,
      fab,
      peers,
      known,
      paused: this.#paused.get(fab) ?? new Map(),
      replica: new ModelReplica(disk),
      random: this.#random,
      world: virtualWorld(this.time, this.#random, frozen),
      heartbeatMs: heartbeatMs ?? 0,
      laws: this.laws,
      transport: this.#wires.transportOf(fab),
    });
    this.#nodes.set(fab, node);
    this.laws.raised(node);
    return node;
  }

  #between([least, most]: readonly [number, number]): number {
    return least + this.#random() * (most - least);
  }
}

/** All pairs of some fabs. */
export function pairsOf(fabs: readonly string[]): [string, string][] {
  return fabs.flatMap((a, i) => fabs.slice(i + 1).map((b): [string, string] => [a, b]));
}

function assertHeard(by: MeshNode, of: MeshNode): void {
  const { received, held } = of.replica.report;
  const told = by.mesh.reports().find(({ node }) => node.fab === of.fab);
  const same = told?.received.equals(received) && told.held.equals(held);
  assert.ok(
    same,
    `${by.fab} knows of ${of.fab} that it received ${told?.received}, which received ${received}`,
  );
}
