import { type Dot, type FabId, originKey } from '../../src/clocks/dot.ts';
import type { WafersyncError } from '../../src/errors.ts';
import type { Store } from '../../src/store/store.ts';
import type { ConfiguredFabs } from '../../src/wafer/document/members.ts';
import { VirtualTime } from '../support/mesh-time.ts';
import { haveTheSame, reportsAreDurable } from './checks.ts';
import { MachineClock, MeshClock } from './clock.ts';
import type { Dice } from './dice.ts';
import { SimDisk, type Tear } from './disk.ts';
import type { AppliedEdits } from './ledger.ts';
import { Ledger } from './ledger.ts';
import { type CommitPoint, Machine } from './machine.ts';
import { SimNetwork } from './network.ts';
import { poisonous } from './poison.ts';
import type { NodeProcess, NodeSettings } from './process.ts';
import { Roads } from './roads.ts';

/** What a mesh is made of. */
export interface SimMeshOptions {
  readonly dice: Dice;
  readonly folder: string;
  /** Fabs that it begins with. */
  readonly fabs: readonly FabId[];
  /** A fab that may be added later; it dials one that it knows. */
  readonly newcomer: FabId;
  /** Whom each fab dials. */
  readonly dials: ReadonlyMap<FabId, readonly FabId[]>;
  readonly settings: NodeSettings;
  readonly latencyMs: () => readonly [number, number];
  readonly trace?: ((line: string) => void) | undefined;
}

/** What a planned crash counts as. */
const CRASHES: Readonly<Record<string, string>> = {
  'before-commit none': 'crash-before-commit',
  'after-commit none': 'crash-after-commit',
  'in-commit lost': 'power-lost-in-commit',
  'in-commit cut': 'power-cut-in-commit',
  'in-commit garbled': 'power-garbled-commit',
};

/** All machines of a simulation, the roads between them, and what is checked as it goes. */
export class SimMesh {
  readonly time = new VirtualTime();
  readonly clock = new MeshClock(this.time);
  readonly ledger = new Ledger();
  readonly machines: Machine[] = [];
  /** One that is not a fab of the mesh yet; null once it is. */
  newcomer: Machine | null;
  /** Newcomers that have to be members in the end. */
  readonly wanted: FabId[] = [];
  /** Fabs that somebody tried to evict. */
  readonly evicted: FabId[] = [];
  /** Copies of machines that run beside them, under the same fab. They dial, and nobody dials them. */
  twins: Machine[] = [];
  readonly network: SimNetwork;
  readonly roads: Roads;
  /** How often each fault has happened. */
  readonly counts = new Map<string, number>();
  /** What each machine has applied, of the process that runs on it. */
  readonly applied = new WeakMap<Store, AppliedEdits>();
  readonly failures: unknown[] = [];
  /** Whether disks may be lost, or put back as they were: what is sound at one machine alone may go with it. */
  losesDisks = false;
  /** Updates and test programs that have rotted at some machine. */
  readonly rotten = new Set<string>();
  /** Copies that are dialled in place of their originals. */
  readonly #standIns = new Map<FabId, Machine>();
  readonly #options: SimMeshOptions;
  readonly #dice: Dice;
  /** Whether faults are over: whatever is down is started again at once. */
  #healed = false;

  constructor(options: SimMeshOptions) {
    const { dice, fabs } = options;
    this.#options = options;
    this.#dice = dice.split();
    this.roads = new Roads(this.time, dice.split(), options.latencyMs);
    this.network = new SimNetwork({
      time: this.time,
      dice: dice.split(),
      roads: this.roads,
      node: (fab) => (this.#standIns.get(fab) ?? this.machine(fab))?.process ?? undefined,
      threw: (error) => this.#threw(error),
    });
    for (const fab of fabs) this.machines.push(this.#build(fab, new SimDisk(options.folder, fab)));
    const { newcomer } = options;
    this.newcomer = this.#build(newcomer, new SimDisk(options.folder, newcomer));
    const all = [...fabs, newcomer];
    for (const a of all) {
      for (const b of all) this.roads.road(a, b).happened = (what) => this.count(what);
    }
  }

  /** The newcomer is one of all from now on; its machine is not started yet. */
  join(): Machine | null {
    const machine = this.newcomer;
    if (!machine) return null;
    this.newcomer = null;
    this.machines.push(machine);
    this.wanted.push(machine.fab);
    return machine;
  }

  machine(fab: FabId): Machine | undefined {
    return this.machines.find((machine) => machine.fab === fab);
  }

  /** Whether the time of faults is over. */
  get healed(): boolean {
    return this.#healed;
  }

  get processes(): NodeProcess[] {
    return this.machines.flatMap(({ process }) => process ?? []);
  }

  /** Copies included. */
  get allProcesses(): NodeProcess[] {
    return [...this.machines, ...this.twins].flatMap(({ process }) => process ?? []);
  }

  count(fault: string): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    this.#options.trace?.(`${this.time.nowMs.toFixed(1)} ── ${fault}`);
  }

  later(ms: number, run: () => void): void {
    this.time.after(ms, run);
  }

  /** Two different fabs. */
  pair(dice: Dice): [FabId, FabId] {
    const a = dice.pick(this.machines).fab;
    const others = this.machines.filter(({ fab }) => fab !== a);
    return [a, dice.pick(others).fab];
  }

  start(machine: Machine): void {
    const standIn = this.#standIns.get(machine.fab);
    if (machine.running || (standIn && standIn !== machine)) return;
    if (machine.ending) {
      this.later(1, () => this.start(machine));
      return;
    }
    try {
      machine.start();
    } catch (thrown) {
      this.failures.push(thrown);
    }
  }

  stop(machine: Machine): void {
    machine.stop().catch((thrown: unknown) => this.failures.push(thrown));
  }

  restartLater(machine: Machine, dice: Dice): void {
    this.later(dice.between(50, 8_000), () => this.start(machine));
  }

  /** Another version of the program takes over. */
  replaceProgram(machine: Machine, unknownKinds: ReadonlySet<string>, dice: Dice): void {
    this.stop(machine);
    machine.unknownKinds = unknownKinds;
    this.later(dice.between(10, 1_000), () => this.start(machine));
  }

  freeze(machine: Machine, frozen: boolean): void {
    if (frozen) this.roads.frozen.add(machine.fab);
    else this.roads.frozen.delete(machine.fab);
    if (frozen) machine.freeze();
    else machine.thaw();
    this.network.applyStalls();
  }

  /** Nothing passes from one to the other, or does again; streams between them die of it after a while. */
  cut(from: FabId, to: FabId, cut: boolean): void {
    this.roads.road(from, to).cut = cut;
    this.network.applyStalls();
    if (!cut) return;
    this.later(this.#dice.between(100, 3_000), () => {
      if (this.roads.joined(from, to)) return;
      this.network.lose('no answer to a probe', (wire) => {
        return (wire.from === from && wire.to === to) || (wire.from === to && wire.to === from);
      });
    });
  }

  /** Nothing passes between a fab and all others, or does again. */
  cutOff(fab: FabId, cut: boolean): void {
    for (const other of this.machines) {
      if (other.fab === fab) continue;
      this.cut(fab, other.fab, cut);
      this.cut(other.fab, fab, cut);
    }
  }

  stall(from: FabId, to: FabId, stalled: boolean): void {
    this.roads.road(from, to).stalled = stalled;
    this.network.applyStalls();
  }

  /** An update is born that nobody can fold, or that nobody knows the kind of. */
  poison(machine: Machine, what: 'payload' | 'kind', dice: Dice): void {
    const process = machine.process!;
    const { replica, store } = process;
    replica
      .housekeep(() => {
        const update = poisonous(what, store, process.nowMs(), dice);
        this.ledger.born(update, null);
        store.log.append(update);
        store.log.hold(update.header.dot, what === 'kind' ? 'kind' : 'fold', 'poison');
      })
      .catch(() => {});
  }

  /** Ends all faults: what is cut is joined, what is down is started, what is wrong is put right. */
  heal(): void {
    this.#healed = true;
    this.roads.heal();
    for (const machine of [...this.machines, ...this.twins]) {
      this.freeze(machine, false);
      machine.forgetPlan();
      machine.fill(false);
      machine.options.clock.correct();
      if (machine.unknownKinds.size > 0 && machine.running) this.stop(machine);
      machine.unknownKinds = new Set();
      this.later(50, () => this.start(machine));
    }
    this.network.applyStalls();
  }

  /** An operator says again what was refused: whoever was to be added is, where something runs. */
  async settleMembers(until: (done: () => boolean) => Promise<void>): Promise<void> {
    await until(() => this.processes.length === this.machines.length);
    for (const fab of this.wanted) {
      let added = false;
      // One that has a copy is stopped next, maybe before others have heard of it.
      const [process] = this.processes.filter(
        (known) =>
          known.fab !== fab &&
          known.sync.fenced === null &&
          !this.twins.some((twin) => twin.fab === known.fab),
      );
      const author = { author: 'operator', reason: 'once more' };
      process!.fabs.add(fab, `${fab}:1`, author).then(
        () => {
          added = true;
        },
        (thrown: unknown) => this.failures.push(thrown),
      );
      await until(() => added || this.failures.length > 0);
    }
  }

  /** Copies a machine's database, and runs it beside the original. */
  clone(machine: Machine): void {
    const { fab, options } = machine;
    machine.backUp();
    const disk = new SimDisk(this.#options.folder, `${fab}-twin-${this.twins.length}`);
    disk.put(machine.backup!);
    disk.putLife(machine.backup!.life);
    disk.identity = options.disk.identity;
    this.ledger.mayFork(machine.backup!.origin);
    const twin = this.#build(fab, disk);
    this.twins.push(twin);
    this.start(twin);
  }

  /**
   * What an operator does about a copy that runs beside its original: stops the original, lets the copy hand over what
   * it has, ends the copy, and starts the original again.
   */
  async settleTwins(until: (done: () => boolean) => Promise<void>): Promise<void> {
    const healedMs = this.time.nowMs;
    await until(() => this.time.nowMs > healedMs + 200);
    for (const twin of this.twins) {
      const original = this.machine(twin.fab)!;
      this.stop(original);
      this.stop(twin);
      this.#standIns.set(twin.fab, twin);
      this.later(500, () => this.start(twin));
      const others = () => this.processes.filter(({ fab }) => fab !== twin.fab);
      await until(() => {
        const store = twin.process?.store;
        return store !== undefined && others().every((other) => haveTheSame(store, other.store));
      });
      this.stop(twin);
      this.#standIns.delete(twin.fab);
      this.later(500, () => this.start(original));
    }
    this.twins = [];
  }

  #configured(fab: FabId): ConfiguredFabs {
    const { dials, fabs, newcomer } = this.#options;
    const dialled = dials.get(fab) ?? [];
    return {
      members: fab === newcomer ? [fab, ...dialled] : fabs,
      addresses: new Map(dialled.map((peer) => [peer, `${peer}:1`])),
    };
  }

  /** What an operator does about a node that is fenced once its copy is gone: starts it again, as it asks for. */
  restartFenced(): void {
    const all = [...this.machines, ...this.twins];
    for (const machine of all) {
      const beside = all.some((other) => other !== machine && other.fab === machine.fab && other.running);
      if (!machine.process?.sync.fenced || beside) continue;
      this.stop(machine);
      this.later(50, () => this.start(machine));
    }
  }

  #build(fab: FabId, disk: SimDisk): Machine {
    const { dice, settings, trace } = this.#options;
    const machine = new Machine({
      fab,
      configured: this.#configured(fab),
      disk,
      clock: new MachineClock(this.clock),
      mesh: this.clock,
      dice: dice.split(),
      network: this.network,
      settings,
      events: {
        opened: (opened, store) => this.#opened(opened, store),
        started: (_machine, process) => this.#watch(process),
        crashed: (crashed, point, tear) => this.#crashed(crashed, point, tear),
        failed: (error) => this.failures.push(error),
      },
      ...(trace ? { trace } : {}),
    });
    return machine;
  }

  /** What a process finds on its disk has to be what it promised, and its vectors what its rows say. */
  #opened(machine: Machine, store: Store): void {
    const { fab } = machine;
    const applied = this.ledger.applied(store, fab);
    this.applied.set(store, applied);
    if (machine.lossy) this.ledger.lose([store, ...this.allProcesses.map((process) => process.store)]);
    else if (store.forks.count === 0 && !this.ledger.forkable.has(originKey(store.origin))) {
      reportsAreDurable(store, this.processes);
    }
    machine.lossy = false;
    let pending: (() => void)[] = [];
    let done: Dot[] = [];
    const { apply, transaction } = store;
    store.apply = (update) => {
      const { dot } = update.header;
      const own = dot.fab === fab && dot.epoch === store.origin.epoch;
      if (own && !this.ledger.knows(update)) {
        this.ledger.born(update, applied);
        const process = this.allProcesses.find((known) => known.store === store);
        this.#check(() => this.ledger.mayPurge(update, process?.mustHaveApplied() ?? []));
      }
      apply.call(store, update);
      this.ledger.noteEdit(applied, update);
      pending.push(() => this.ledger.forgetEdit(applied, update));
      done.push(update.header.dot);
    };
    store.transaction = (work) => {
      [pending, done] = [[], []];
      try {
        const result = transaction.call(store, work) as ReturnType<typeof work>;
        this.ledger.hadApplied(fab, done);
        return result;
      } catch (thrown) {
        for (const undo of pending.reverse()) undo();
        throw thrown;
      }
    };
  }

  #watch(process: NodeProcess): void {
    process.replica.commits.subscribe(({ added }) => {
      for (const { update } of added) this.#check(() => this.ledger.content(update, process.fab));
    });
  }

  #crashed(machine: Machine, point: CommitPoint | 'idle', tear: Tear): void {
    const name = CRASHES[`${point} ${tear}`];
    if (name === undefined) return;
    this.count(name);
    if (this.#healed) this.later(10, () => this.start(machine));
    else this.restartLater(machine, this.#dice);
  }

  #check(check: () => void): void {
    try {
      check();
    } catch (thrown) {
      this.failures.push(thrown);
    }
  }

  /** What a peer says may be refused; that the code itself fails may not be. */
  #threw(error: WafersyncError): void {
    if (error.code === 'internal') this.failures.push(error);
  }
}
