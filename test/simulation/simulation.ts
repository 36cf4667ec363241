import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FabId, fabId } from '../../src/clocks/dot.ts';
import { timestampMs } from '../../src/clocks/hlc.ts';
import {
  conflictsAreThoseOfTheModel,
  contextsAreExact,
  foldsEqualRebuild,
  haveTheSame,
  logsAreEqual,
  membersAreAlike,
  nothingAcknowledgedIsLost,
  programsAreSound,
  purgesAreDone,
} from './checks.ts';
import { Dice } from './dice.ts';
import { FAULTS, type Fault, LOSING_DISKS, OLDER_VERSION } from './faults.ts';
import type { NodeProcess, NodeSettings } from './process.ts';
import { SimMesh } from './sim-mesh.ts';
import { DOCUMENTS, Workload } from './workload.ts';

/** What one seed came to. */
export interface SeedResult {
  readonly seed: number;
  readonly fabs: number;
  /** Events of virtual time. */
  readonly events: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly updates: number;
  readonly conflicts: number;
  /** Updates that purges took. */
  readonly purged: number;
  /** From the end of the faults to equal nodes, virtual milliseconds. */
  readonly convergedMs: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Null where everything held. */
  readonly failure: string | null;
}

/** How a seed is run. */
export interface SeedOptions {
  readonly trace?: ((line: string) => void) | undefined;
  /** Only these classes of faults. */
  readonly faults?: readonly string[] | undefined;
  /** Whether operators purge; they do unless it is false. */
  readonly purges?: boolean | undefined;
  /** Called with the mesh of a seed that failed. */
  readonly debug?: (mesh: SimMesh) => void;
}

const FAB_NAMES = ['tw', 'az', 'de', 'il', 'kr', 'jp', 'sg', 'ie', 'my', 'cn', 'us', 'fr'];

/** A fab that may be added later. */
const NEWCOMER = 'new';

/** Events that a time of faults has at least. */
const MIN_EVENTS = 2_000;

/** Events after which a seed is taken to go round and round. */
const MAX_EVENTS = 600_000;

/** Longest that converging may take beside what clocks that were ahead need, virtual milliseconds. */
const LIVENESS_MS = 300_000;

/** Runs one seed: a time of faults, an end of them, and what must be true then. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'wafersync-sim-'));
  const simulation = new Simulation(seed, folder, options);
  try {
    await simulation.run();
    return simulation.result(null);
  } catch (thrown) {
    const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    options.debug?.(simulation.mesh);
    return simulation.result(error);
  } finally {
    simulation.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Simulation {
  readonly #seed: number;
  readonly #dice: Dice;
  readonly #mesh: SimMesh;
  readonly #workload: Workload;
  readonly #faults: readonly Fault[];
  readonly #faultsMs: number;
  readonly #heartbeatMs: number;
  /** Whether the time of faults is. */
  #over = false;
  #convergedMs = 0;
  #conflicts = 0;
  /** Chance of its own, so that purges leave the other draws of a seed as they are; null without purges. */
  readonly #purges: Dice | null;

  constructor(seed: number, folder: string, { trace, faults, purges }: SeedOptions) {
    this.#seed = seed;
    this.#purges = purges === false ? null : new Dice(seed + 2 ** 31);
    this.#dice = new Dice(seed);
    const dice = this.#dice;
    const count = dice.chance(0.9) ? 5 : 2 + dice.int(11);
    const fabs = FAB_NAMES.slice(0, count).map(fabId);
    this.#faults = faults
      ? FAULTS.filter(({ name }) => faults.includes(name))
      : dice.some(FAULTS, dice.pick([0.1, 0.3, 0.6, 1]));
    this.#faultsMs = dice.between(10_000, 40_000);
    const far = dice.chance(0.5);
    const newcomer = fabId(NEWCOMER);
    const dials = topology(fabs, dice);
    dials.set(newcomer, [dice.pick(fabs)]);
    const split = dice.split();
    const settings = settingsOf(dice, this.#faults);
    this.#heartbeatMs = settings.heartbeatMs;
    this.#mesh = new SimMesh({
      dice: split,
      folder,
      fabs,
      newcomer,
      dials,
      settings,
      latencyMs: () => (far ? [20 + dice.int(120), 150 + dice.int(100)] : [1, 20]),
      trace,
    });
    this.#mesh.losesDisks = this.#faults.some(({ name }) => LOSING_DISKS.includes(name));
    this.#workload = new Workload(dice.split(), this.#mesh.ledger, (error) =>
      this.#mesh.failures.push(error),
    );
  }

  get mesh(): SimMesh {
    return this.#mesh;
  }

  async run(): Promise<void> {
    const older = this.#faults.some(({ name }) => name === OLDER_VERSION);
    for (const machine of this.#mesh.machines) {
      if (older && this.#dice.chance(0.4))
        machine.unknownKinds = new Set(['edit', 'retire', ...(this.#purges?.chance(0.5) ? ['purge'] : [])]);
      this.#mesh.start(machine);
    }
    await this.#disturb();
    this.#mesh.heal();
    await this.#mesh.settleMembers((done) => this.#runUntilDone(done));
    await this.#mesh.settleTwins((done) => this.#runUntilDone(done));
    await this.#converge();
    for (const { store } of this.#mesh.processes) {
      store.log.scan(0, Number.MAX_SAFE_INTEGER);
      store.programs.scan(0, Number.MAX_SAFE_INTEGER);
    }
    await this.#converge();
    await this.#beSilent();
    this.#finalChecks();
  }

  result(failure: string | null): SeedResult {
    const { counts, machines, time, ledger } = this.#mesh;
    return {
      seed: this.#seed,
      fabs: machines.length,
      events: time.ran,
      ...this.#workload.counts,
      updates: ledger.births.size,
      conflicts: this.#conflicts,
      convergedMs: this.#convergedMs,
      faults: Object.fromEntries(counts),
      failure,
    };
  }

  close(): void {
    for (const { store, world } of this.#mesh.allProcesses) {
      world.end();
      store.close();
    }
  }

  /** Clients work while things go wrong. */
  async #disturb(): Promise<void> {
    const mesh = this.#mesh;
    const dice = this.#dice.split();
    const workMs = this.#faultsMs / dice.between(30, 170);
    const faultMs = dice.between(500, 4_000);
    const repeat = (everyMs: number, run: () => void) => this.#repeat(dice, everyMs, run);
    repeat(workMs, () => this.#someone(dice, (process) => this.#workload.act(process)));
    repeat(faultMs, () => {
      const fault = dice.pick(this.#faults);
      if (fault.happen(mesh, dice)) mesh.count(fault.name);
    });
    repeat(2_000, () => this.#spotCheck(dice));
    if (this.#purges) this.#purgeNowAndThen(this.#purges);
    await this.#runUntil(this.#faultsMs);
    while (mesh.time.ran < MIN_EVENTS) await this.#runUntil(mesh.time.nowMs + 2_000);
    this.#over = true;
  }

  #repeat(dice: Dice, everyMs: number, run: () => void): void {
    const next = () => {
      if (this.#over) return;
      run();
      this.#mesh.later(dice.between(0, 2 * everyMs), next);
    };
    this.#mesh.later(dice.between(0, everyMs), next);
  }

  /** Whoever is awake, if anybody is. */
  #someone(dice: Dice, act: (process: NodeProcess) => void): void {
    const { machines, twins } = this.#mesh;
    const awake = [...machines, ...twins].filter(({ running, frozen }) => running && !frozen);
    const { process } = awake.length > 0 ? dice.pick(awake) : { process: null };
    if (process) act(process);
  }

  #purgeNowAndThen(dice: Dice): void {
    const { machines } = this.#mesh;
    this.#repeat(dice, this.#faultsMs / 8, () => {
      this.#someone(dice, (process) => this.#workload.purge(process, dice.pick(machines).fab));
    });
  }

  /** Runs until all have the same. */
  async #converge(): Promise<void> {
    const beganMs = this.#mesh.time.nowMs;
    await this.#runUntil(beganMs + 200);
    await this.#runUntilDone(() => this.#alike());
    this.#convergedMs = Math.max(this.#convergedMs, this.#mesh.time.nowMs - beganMs);
  }

  /** Once all have the same, nothing is sent but heartbeats; two of them are waited for. */
  async #beSilent(): Promise<void> {
    const { time, network } = this.#mesh;
    await this.#runUntil(time.nowMs + 10_000);
    const before = network.carried;
    await this.#runUntil(time.nowMs + 10_000 + 2 * this.#heartbeatMs);
    assert.equal(network.carried, before, 'messages go on being sent where nothing is missing');
  }

  #finalChecks(): void {
    const { processes, ledger, applied } = this.#mesh;
    const [first] = processes;
    for (const { store } of processes.slice(1)) logsAreEqual(first!.store, store);
    for (const { store, fab } of processes) {
      assert.ok(
        store.vectors.received.equals(first!.store.vectors.received),
        `${fab} has received other updates`,
      );
      assert.equal(
        store.foldDigest(),
        first!.store.foldDigest(),
        `${fab} has other tables than ${first!.fab}`,
      );
      ledger.applied(store, fab);
      programsAreSound(store);
      purgesAreDone(store, ledger);
    }
    membersAreAlike(processes);
    foldsEqualRebuild(this.#dice.pick(processes).store);
    // The model knows one update a dot, and none that was issued again.
    if (!ledger.forked) {
      for (const wafer of DOCUMENTS) contextsAreExact(first!.store, applied.get(first!.store)!, wafer);
      this.#conflicts = conflictsAreThoseOfTheModel(first!.store, ledger);
    }
    nothingAcknowledgedIsLost(
      processes.map(({ store }) => store),
      ledger,
    );
    this.#rethrow();
  }

  #spotCheck(dice: Dice): void {
    const { processes, applied, ledger } = this.#mesh;
    if (processes.length === 0 || ledger.forked) return;
    const { store, fab } = dice.pick(processes);
    try {
      contextsAreExact(store, applied.get(store)!, dice.pick(DOCUMENTS));
      if (dice.chance(0.1)) ledger.applied(store, fab);
    } catch (thrown) {
      this.#mesh.failures.push(thrown);
    }
  }

  #alike(): boolean {
    const { machines, processes } = this.#mesh;
    if (processes.length < machines.length) return false;
    const [first, ...others] = processes;
    return (
      others.every(({ store }) => haveTheSame(store, first!.store)) &&
      others.every(({ store }) => store.vectors.applied.equals(first!.store.vectors.applied)) &&
      processes.every(({ store }) => store.log.damaged.isEmpty && store.programs.damaged === 0) &&
      first!.store.log.held(1_000).every(({ reason }) => reason === 'kind' || reason === 'fold') &&
      processes.every((process) => this.#knowsAll(process))
    );
  }

  /** Whether it knows by their reports what the others have. */
  #knowsAll({ sync }: SimMesh['processes'][number]): boolean {
    const reports = new Map(sync.reports().map((report) => [report.node.fab, report]));
    return this.#mesh.processes.every(({ fab, store }) => {
      return reports.get(fab)?.received.equals(store.vectors.received) ?? false;
    });
  }

  #apart(): string {
    const { machines } = this.#mesh;
    return machines
      .map(({ fab, process }) => {
        if (!process) return `${fab} is down`;
        const { received, applied } = process.store.vectors;
        const held = received.difference(applied);
        return `${fab} has ${received}${held.isEmpty ? '' : ` held ${held}`} misses ${process.sync.missing()}`;
      })
      .join('; ');
  }

  /** How long until the last timestamp that was given is no longer ahead. */
  #farthestAheadMs(): number {
    return Math.max(this.#aheadMs(), 7_200_000);
  }

  #aheadMs(): number {
    const { processes, clock } = this.#mesh;
    const timestamps = processes.flatMap(({ store }) => [
      store.lastTimestamp(),
      // What a fab lost and had back from others is held there as well.
      ...store.log.held(1_000).map(({ timestamp }) => timestamp),
    ]);
    return Math.max(0, ...timestamps.map((timestamp) => timestampMs(timestamp) - clock.nowMs));
  }

  /** Runs until something is so; fails where that takes too long. */
  async #runUntilDone(done: () => boolean): Promise<void> {
    const { time } = this.#mesh;
    const beganMs = time.nowMs;
    let limitMs = beganMs + LIVENESS_MS + this.#farthestAheadMs();
    while (!done()) {
      // Whoever wrote farthest ahead may have been down until now.
      limitMs = Math.max(limitMs, time.nowMs + this.#aheadMs());
      const waitedMs = time.nowMs - beganMs;
      if (time.nowMs >= limitMs) assert.fail(`not done after ${waitedMs} ms: ${done}; ${this.#apart()}`);
      this.#mesh.restartFenced();
      await this.#runUntil(time.nowMs + (waitedMs < 60_000 ? 250 : 10_000));
    }
  }

  async #runUntil(untilMs: number): Promise<void> {
    const { time } = this.#mesh;
    for (let next = time.nextMs; next !== null && next <= untilMs; next = time.nextMs) {
      if (time.ran >= MAX_EVENTS) assert.fail(`no end after ${time.ran} events: ${this.#apart()}`);
      time.step();
      await drained();
      this.#rethrow();
    }
    time.runFor(Math.max(0, untilMs - time.nowMs));
  }

  #rethrow(): void {
    const [failure] = this.#mesh.failures;
    if (failure !== undefined) throw failure;
  }
}

/** Lets everything that was promised run on. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function settingsOf(dice: Dice, faults: readonly Fault[]): NodeSettings {
  // What a clock that was ahead wrote is waited for, an hour at most: heartbeats are few then.
  const slow = faults.some(({ name }) => name === 'clock-ahead');
  const updates = dice.pick([1, 2, 8, 64]);
  return {
    window: { updates, bytes: dice.pick([2_000, 100_000]) },
    catchUp: {
      chunkBytes: dice.pick([500, 4_000, 100_000]),
      chunkUpdates: dice.pick([2, 16, 256]),
      requestsPerLane: 1 + dice.int(3),
      pendingBytes: dice.pick([2_000, 200_000]),
    },
    reconnect: { minMs: 100, maxMs: 2_000 },
    heartbeatMs: slow ? 60_000 : dice.pick([1_000, 5_000, 20_000]),
    maxClockDriftMs: 60_000,
    groupCommitMs: dice.pick([0, 5, 50]),
  };
}

/** Whom each fab dials: mostly all, else a ring, a star, or a line with chords. */
function topology(fabs: readonly FabId[], dice: Dice): Map<FabId, FabId[]> {
  const shape = dice.next();
  const linked = (i: number, j: number): boolean => {
    if (shape < 0.6) return true;
    if (shape < 0.7) return j === i + 1 || (i === 0 && j === fabs.length - 1);
    if (shape < 0.8) return i === 0;
    return j === i + 1 || dice.chance(0.3);
  };
  const oneWay = dice.chance(0.2);
  const dials = new Map<FabId, FabId[]>(fabs.map((fab) => [fab, []]));
  for (const [i, a] of fabs.entries()) {
    for (const [j, b] of fabs.entries()) {
      if (j <= i || !linked(i, j)) continue;
      dials.get(a)!.push(b);
      if (!oneWay) dials.get(b)!.push(a);
    }
  }
  return dials;
}
