import type { FabId, Origin } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import { type Log, silentLog } from '../../src/log.ts';
import type { Store } from '../../src/store/store.ts';
import { type MachineClock, type MeshClock, ProcessWorld } from './clock.ts';
import type { Dice } from './dice.ts';
import { type DiskImage, type SimDisk, type Tear, torn } from './disk.ts';
import type { SimNetwork } from './network.ts';
import { NodeProcess, type NodeSettings } from './process.ts';

/** Where in a commit a process is to die. */
export type CommitPoint = 'before-commit' | 'in-commit' | 'after-commit';

/** What a machine tells the simulation. */
export interface MachineEvents {
  /** A process begins; its database is open, and nothing is done yet. */
  opened(machine: Machine, store: Store): void;
  /** A process is composed and is about to dial. */
  started(machine: Machine, process: NodeProcess): void;
  /** A planned crash has happened. */
  crashed(machine: Machine, point: CommitPoint | 'idle', tear: Tear): void;
  /** Something went wrong that never may. */
  failed(error: unknown): void;
}

/** What a machine is made of. */
export interface MachineOptions {
  readonly fab: FabId;
  readonly peers: readonly FabId[];
  /** All fabs of the mesh. */
  readonly members: readonly FabId[];
  readonly disk: SimDisk;
  readonly clock: MachineClock;
  readonly mesh: MeshClock;
  readonly dice: Dice;
  readonly network: SimNetwork;
  readonly settings: NodeSettings;
  readonly events: MachineEvents;
  /** Where given, what nodes log goes there. */
  readonly trace?: (line: string) => void;
}

/** A copy of a database. */
export interface Backup extends DiskImage {
  readonly life: Buffer;
  /** Life of the database that was copied. */
  readonly origin: Origin;
}

/** Thrown to unwind a process that is dead already. */
class Died extends WafersyncError {
  constructor(message: string) {
    super('unavailable', message);
  }
}

/** One machine of one fab: disk, clock, and the process that runs on it now, if any. */
export class Machine {
  readonly options: MachineOptions;
  readonly fab: FabId;
  /** Null while nothing runs. */
  process: NodeProcess | null = null;
  /** The latest copy of its database. */
  backup: Backup | null = null;
  /** Its database after the latest checkpoint that was completed. */
  checkpointed: Pick<Backup, 'database' | 'origin'> | null = null;
  /** What it starts from next may lack what was acknowledged. */
  lossy = false;
  /** Kinds of updates that its program does not know. */
  unknownKinds: ReadonlySet<string> = new Set();
  #full = false;
  #plan: { readonly point: CommitPoint; readonly tear: Tear } | null = null;
  #frozen = false;

  constructor(options: MachineOptions) {
    this.options = options;
    this.fab = options.fab;
  }

  get running(): boolean {
    return this.process !== null;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Starts a process on what is on the disk. */
  start(): void {
    const { fab, disk, clock, mesh, dice, network, settings, events, peers, members } = this.options;
    const world = new ProcessWorld(mesh, clock, dice.split(), (run) => this.#guard(run));
    const process: NodeProcess = new NodeProcess({
      ...{ fab, peers, members, world, settings, log: this.#log(), unknownKinds: this.unknownKinds },
      file: disk.file,
      identify: () => disk.identity,
      transport: (dialler) => network.transportOf(dialler),
      commit: (transaction) => this.#commit(world, transaction),
      opened: (store) => {
        if (this.#full) store.limitFile(0);
        events.opened(this, store);
      },
    });
    this.process = process;
    events.started(this, process);
    process.start();
  }

  /** The volume has no room for another page, or has again. */
  fill(full: boolean): void {
    this.#full = full;
    this.process?.store.limitFile(full ? 0 : null);
  }

  /** At the next commit that writes, the process dies. */
  planCrash(point: CommitPoint, tear: Tear): void {
    this.#plan = { point, tear };
  }

  /** Whether a planned crash has not happened yet. */
  get doomed(): boolean {
    return this.#plan !== null;
  }

  forgetPlan(): void {
    this.#plan = null;
  }

  /** The process dies between two events. @param left what is on the disk then, where it is not what was written */
  crash(left?: (image: DiskImage) => DiskImage): void {
    if (!this.process) return;
    const image = this.options.disk.image();
    this.#die(left ? left(image) : image, 'idle', 'none');
  }

  /** Copies the database as it is, and the file beside it. */
  backUp(): void {
    if (!this.process) return;
    const { disk } = this.options;
    this.backup = { ...disk.image(), life: disk.life, origin: this.process.store.origin };
  }

  /** The log is moved into the database; the power may go meanwhile. */
  checkpoint(tear: Tear | null): void {
    if (!this.process) return;
    const { disk, dice } = this.options;
    const before = disk.image();
    this.process.store.checkpoint();
    const after = disk.image();
    if (tear === null) {
      this.checkpointed = { database: after.database, origin: this.process.store.origin };
      return;
    }
    this.#die(torn(before, after, tear, dice), 'idle', tear);
  }

  /** Ends the process in an orderly way. */
  async stop(): Promise<void> {
    const { process } = this;
    if (!process) return;
    this.thaw();
    this.process = null;
    this.options.network.fall(process);
    await process.stop();
    process.world.end();
  }

  /** As by SIGSTOP: nothing is read, no timer fires. */
  freeze(): void {
    this.#frozen = true;
    this.process?.world.freeze();
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.process?.world.thaw();
  }

  /** Runs the work of a timer or a client; a planned crash within ends it. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      if (!(thrown instanceof Died)) this.options.events.failed(thrown);
    }
  }

  /** A write transaction, as the process does it: the power may go on either side of it, or within. */
  #commit(world: ProcessWorld, transaction: () => unknown): unknown {
    if (!world.alive) throw new Died('this process is dead');
    const plan = this.#plan;
    if (!plan) return transaction();
    const { disk, dice } = this.options;
    const before = disk.image();
    if (plan.point === 'before-commit') return this.#fall(before, plan.point, 'none');
    const result = transaction();
    const after = disk.image();
    if (before.log.equals(after.log) && before.database.equals(after.database)) return result;
    return this.#fall(
      torn(before, after, plan.point === 'in-commit' ? plan.tear : 'none', dice),
      plan.point,
      plan.tear,
    );
  }

  #fall(image: DiskImage, point: CommitPoint, tear: Tear): never {
    this.#die(image, point, tear);
    throw new Died('the power went');
  }

  #die(image: DiskImage, point: CommitPoint | 'idle', tear: Tear): void {
    const process = this.process!;
    this.#plan = null;
    this.#frozen = false;
    this.process = null;
    process.world.end();
    this.options.network.fall(process);
    // The call stack may still be inside its transaction.
    this.options.mesh.time.after(0, () => {
      process.store.close();
      this.options.disk.put(image);
      this.options.events.crashed(this, point, tear);
    });
  }

  #log(): Log {
    const { trace, events, mesh } = this.options;
    const line = (level: string) => (event: string, fields?: object, error?: unknown) => {
      if (error !== undefined && WafersyncError.from(error).code === 'internal') events.failed(error);
      trace?.(
        `${mesh.time.nowMs.toFixed(1)} ${this.fab} ${level} ${event} ${JSON.stringify(fields ?? {})}${error === undefined ? '' : ` ${WafersyncError.from(error).line}`}`,
      );
    };
    const log: Log = {
      ...silentLog,
      ...{ debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
      with: () => log,
    };
    return log;
  }
}
