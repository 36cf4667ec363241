import { type Dot, formatDot, type Origin, sequence } from '../../src/clocks/dot.ts';
import { timestamp } from '../../src/clocks/hlc.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { CommitEvent, LaneId, MeshEvent, StoredUpdate, Via } from '../../src/sync/events.ts';
import type { LaneMessage, PullRequest } from '../../src/sync/messages.ts';
import type { Report } from '../../src/sync/report.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import { type Update, updateBytes } from '../../src/wafer/update.ts';

/** Who brought an update. */
export interface Carrier {
  readonly lane: LaneId;
  readonly via: 'live' | 'pull';
}

type Job =
  | { readonly update: Update; readonly carrier: Carrier }
  | { readonly bear: { readonly bytes: number; readonly program: ProgramDigest | null } }
  | { readonly program: ProgramDigest };

/** What is on a model node's disk. */
export interface Disk {
  readonly origin: Origin;
  readonly number: number;
  readonly log: ReadonlyMap<string, Update>;
  readonly received: TransportVector;
  readonly held: TransportVector;
  readonly programs: ReadonlySet<ProgramDigest>;
}

/** A disk without anything. */
export function emptyDisk(origin: Origin): Disk {
  return {
    origin,
    number: 0,
    log: new Map(),
    received: TransportVector.empty,
    held: TransportVector.empty,
    programs: new Set(),
  };
}

/** An update as a model carries it: nothing in it but its name and its size. */
export function modelUpdate(dot: Dot, bytes: number, program: ProgramDigest | null = null): Update {
  const header = {
    dot,
    timestamp: timestamp(0),
    kind: 'results' as const,
    wafer: { lot: 'L', waferId: 'W', insertion: '' },
    version: 0,
    run: null,
    program,
  };
  const none = new Uint8Array();
  return { header, headerBytes: none, payload: new Uint8Array(bytes), digest: none };
}

/** A replica without a database: keeps the rules of receiving, holding and committing, and nothing else. */
export class ModelReplica {
  readonly origin: Origin;
  #number: number;
  readonly #log: Map<string, Update>;
  #received: TransportVector;
  #held: TransportVector;
  readonly #programs: Set<ProgramDigest>;
  #jobs: Job[] = [];
  /** Nothing can be stored while it is. */
  diskFull = false;
  /** Bytes of received updates that wait. */
  waitingBytes = 0;

  constructor(disk: Disk) {
    this.origin = disk.origin;
    this.#number = disk.number;
    this.#log = new Map(disk.log);
    this.#received = disk.received;
    this.#held = disk.held;
    this.#programs = new Set(disk.programs);
  }

  get disk(): Disk {
    return {
      origin: this.origin,
      number: this.#number,
      log: new Map(this.#log),
      received: this.#received,
      held: this.#held,
      programs: new Set(this.#programs),
    };
  }

  get report(): Report {
    return { node: this.origin, number: this.#number, received: this.#received, held: this.#held };
  }

  get applied(): TransportVector {
    return this.#received.difference(this.#held);
  }

  /** Programs that held updates wait for. */
  get missingPrograms(): ProgramDigest[] {
    const wanted = [...this.#heldUpdates()].map(({ header }) => header.program!);
    return [...new Set(wanted)].filter((digest) => !this.#programs.has(digest)).sort();
  }

  /** An update is to be born in the next commit. */
  bear(bytes: number, program: ProgramDigest | null): void {
    this.#jobs.push({ bear: { bytes, program } });
  }

  receive(update: Update, carrier: Carrier): void {
    this.waitingBytes += updateBytes(update);
    this.#jobs.push({ update, carrier });
  }

  receiveProgram(program: ProgramDigest): void {
    this.#jobs.push({ program });
  }

  hasProgram(digest: ProgramDigest): boolean {
    return this.#programs.has(digest);
  }

  /** Commits what waits: the events for the mesh. */
  commit(): MeshEvent[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    this.waitingBytes = 0;
    return this.diskFull ? failed(jobs) : [this.#committed(jobs)];
  }

  /** Answers a request: newest first, every origin its share of the bytes, one update at least. */
  answer({ id, wanted, programs, maxBytes }: PullRequest): LaneMessage[] {
    const messages: LaneMessage[] = [];
    for (const digest of programs) if (this.#programs.has(digest)) messages.push(programMessage(digest));
    let left = maxBytes;
    const entries = wanted.intersection(this.#received).entries();
    for (const [i, [origin, set]] of entries.entries()) {
      if (left <= 0 && i > 0) break;
      for (const update of this.#newest(origin, set, Math.floor(left / (entries.length - i)))) {
        left -= updateBytes(update);
        const { program } = update.header;
        if (program && this.#programs.has(program)) messages.push(programMessage(program));
        messages.push({ type: 'update', update });
      }
    }
    const unavailable = wanted.difference(this.#received);
    const missingPrograms = programs.filter((digest) => !this.#programs.has(digest));
    return [...messages, { type: 'pull-end', end: { id, unavailable, missingPrograms } }];
  }

  #newest(origin: Origin, set: IntervalSet, maxBytes: number): Update[] {
    const updates: Update[] = [];
    let bytes = 0;
    for (const { from, to } of set.intervals.toReversed()) {
      for (let n = to; n >= from; n--) {
        const update = this.#log.get(formatDot({ ...origin, sequence: sequence(n) }))!;
        bytes += updateBytes(update);
        if (bytes > maxBytes && updates.length > 0) return updates;
        updates.push(update);
      }
    }
    return updates;
  }

  #committed(jobs: readonly Job[]): CommitEvent {
    const added: { update: Update; via: Via }[] = [];
    const stored: StoredUpdate[] = [];
    for (const job of jobs) {
      if ('program' in job) this.#putProgram(job.program);
      else if ('bear' in job) added.push({ update: this.#born(job.bear), via: 'local' });
      else {
        const { update, carrier } = job;
        const { dot } = update.header;
        stored.push({ lane: carrier.lane, dot, bytes: updateBytes(update) });
        if (this.#received.has(dot)) continue;
        this.#take(update);
        added.push({ update, via: carrier.via });
      }
    }
    this.#number++;
    return { type: 'commit', added, stored, report: this.report, missingPrograms: this.missingPrograms };
  }

  #born({ bytes, program }: { bytes: number; program: ProgramDigest | null }): Update {
    if (program) this.#putProgram(program);
    const next = this.#received.get(this.origin).max + 1;
    const update = modelUpdate({ ...this.origin, sequence: sequence(next) }, bytes, program);
    this.#take(update);
    return update;
  }

  #take(update: Update): void {
    const { dot, program } = update.header;
    this.#log.set(formatDot(dot), update);
    this.#received = this.#received.add(dot);
    if (program && !this.#programs.has(program)) this.#held = this.#held.add(dot);
  }

  #putProgram(digest: ProgramDigest): void {
    this.#programs.add(digest);
    for (const { header } of [...this.#heldUpdates()]) {
      if (header.program !== digest) continue;
      const rest = this.#held.get(header.dot).without(header.dot.sequence);
      this.#held = this.#held.with(header.dot, rest);
    }
  }

  *#heldUpdates(): Generator<Update> {
    for (const [origin, { intervals }] of this.#held.entries()) {
      for (const { from, to } of intervals) {
        for (let n = from; n <= to; n++)
          yield this.#log.get(formatDot({ ...origin, sequence: sequence(n) }))!;
      }
    }
  }
}

function programMessage(digest: ProgramDigest): LaneMessage {
  return { type: 'program', digest, body: new Uint8Array() };
}

function failed(jobs: readonly Job[]): MeshEvent[] {
  const error = new WafersyncError('exhausted', 'the disk is full');
  return jobs
    .filter((job) => 'update' in job)
    .map(({ update, carrier }) => {
      const stored = { lane: carrier.lane, dot: update.header.dot, bytes: updateBytes(update) };
      return { type: 'store-failed', failed: [stored], error };
    });
}

/** The dots [from..to] of an origin. */
export function dots(origin: Origin, from: number, to: number): TransportVector {
  return TransportVector.of([[origin, IntervalSet.range(from, to)]]);
}
