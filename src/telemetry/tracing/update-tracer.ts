import { formatDot } from '../../clocks/dot.ts';
import { timestampMs } from '../../clocks/hlc.ts';
import type { Commit, CommitTiming } from '../../replica/commit.ts';
import type { Unsubscribe } from '../../replica/event-source.ts';
import type { Replica } from '../../replica/replica.ts';
import type { Carrier } from '../../sync/sync-runner.ts';
import type { BatchArrival, SpanRef } from '../../wafer/intake.ts';
import { type Update, updateBytes } from '../../wafer/update.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { World } from '../../world.ts';
import type { Guard } from '../guard.ts';
import type { IntakeObserver, WrittenBatch } from '../observed-intake.ts';
import { traceOf, type UpdateTrace } from './trace-ids.ts';

/** What a span says besides its times. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>;

/** A span that is over. Times are of the wall clock, milliseconds since 1970-01-01T00:00:00Z. */
export interface UpdateSpan {
  readonly traceId: string;
  /** 16 hex digits; any where absent. */
  readonly id?: string;
  /** Span on which it hangs; null for the first of its trace. */
  readonly parentId: string | null;
  readonly name: string;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly facts: SpanFacts;
  /** Spans of other traces that belong to it. */
  readonly links?: readonly SpanRef[];
}

/** Where spans go. */
export interface SpanSink {
  /** Whether a trace is of account: the same at every fab with the same ratio. */
  isSampled(traceId: string): boolean;
  /** Takes a span, and gives its id. */
  add(span: UpdateSpan): string;
}

/** What is listened to. */
export interface TracedReplica {
  readonly commits: Pick<Replica<Carrier>['commits'], 'subscribe'>;
  readonly outcomes: Pick<Replica<Carrier>['outcomes'], 'subscribe'>;
}

/**
 * Tells the way of updates in spans. At the fab where an update is born: from the first result that a tester sent of it, or
 * from handing it in, to its commit on disk. At each other: from its birth to its arrival, and through the commit to where
 * it is visible. Everything is told once it is over.
 */
export class UpdateTracer implements IntakeObserver {
  readonly guard: Guard;
  readonly #sink: SpanSink;
  readonly #world: Pick<World, 'nowMs'>;
  /** Of the last commit; it is told before those who waited for it. */
  #commit: CommitTiming = { beganMs: 0, tookMs: 0 };

  /** @param guard of what it listens with */
  constructor(sink: SpanSink, world: Pick<World, 'nowMs'>, guard: Guard) {
    this.guard = guard;
    this.#sink = sink;
    this.#world = world;
  }

  /** Listens to a replica. */
  follow({ outcomes, commits }: TracedReplica): Unsubscribe {
    const unsubscribes = [
      outcomes.subscribe(({ timing }) => {
        if (timing) this.#commit = timing;
      }),
      commits.subscribe(this.guard((commit: Commit<Carrier>) => this.#committed(commit))),
    ];
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  }

  written({ source, batch, receipt, askedMs, tookMs }: WrittenBatch): void {
    for (const dot of receipt.dots) {
      const trace = this.#traceOf(dot);
      if (!trace) continue;
      const { traceId, rootId } = trace;
      const facts = {
        ...{ 'wafersync.dot': formatDot(dot), 'wafersync.kind': 'results', 'wafersync.source': source },
        ...waferFacts(batch.wafer),
        'wafersync.run': batch.run.id,
        'wafersync.attempts': receipt.added,
        'wafersync.results': receipt.addedResults,
        ...arrivalFacts(batch.arrival),
      };
      const beganMs = Math.min(askedMs, batch.arrival?.arrivedMs ?? askedMs);
      const links = batch.arrival?.caller ? [batch.arrival.caller] : [];
      const root = { traceId, id: rootId, parentId: null, name: 'intake', facts, links };
      this.#sink.add({ ...root, beganMs, endedMs: askedMs + tookMs });
      if (batch.arrival)
        this.#sink.add({ traceId, parentId: rootId, name: 'collect', beganMs, endedMs: askedMs, facts: {} });
      this.#waitAndCommit(traceId, rootId, askedMs);
    }
  }

  /** What is refused has no dot, and so no trace; the metrics count it. */
  refused(): void {}

  #committed({ added, released }: Commit<Carrier>): void {
    for (const { update, token, applied } of added) {
      const trace = this.#traceOf(update.header.dot);
      if (!trace) continue;
      if (token) this.#came(trace, update, token, applied);
      // Results are told of by written, which knows since when they waited.
      else if (update.header.kind !== 'results') this.#bornInCommit(trace, update);
    }
    for (const update of released) {
      const trace = this.#traceOf(update.header.dot);
      if (trace) this.#visible(trace, update);
    }
  }

  /** Of what is no batch it is not known since when it waited. */
  #bornInCommit({ traceId, rootId }: UpdateTrace, update: Update): void {
    const root = { traceId, id: rootId, parentId: null, name: 'write', facts: factsOf(update) };
    this.#sink.add({ ...root, beganMs: this.#commit.beganMs, endedMs: endOf(this.#commit) });
  }

  #came(trace: UpdateTrace, update: Update, { via, arrivedMs }: Carrier, applied: boolean): void {
    const { traceId, rootId } = trace;
    const facts = { ...factsOf(update), 'wafersync.via': via, 'wafersync.held': !applied };
    const hanging = { traceId, parentId: rootId };
    const beganMs = Math.min(arrivedMs, timestampMs(update.header.timestamp));
    const way = { 'wafersync.via': via };
    this.#sink.add({ ...hanging, name: 'transfer', beganMs, endedMs: arrivedMs, facts: way });
    const endedMs = endOf(this.#commit);
    const span = { ...hanging, name: 'receive', beganMs: arrivedMs, endedMs, facts };
    this.#waitAndCommit(traceId, this.#sink.add(span), arrivedMs);
    if (applied) this.#visible(trace, update);
  }

  #waitAndCommit(traceId: string, parentId: string, sinceMs: number): void {
    const { beganMs } = this.#commit;
    const both = { traceId, parentId, facts: {} };
    this.#sink.add({ ...both, name: 'queue', beganMs: Math.min(sinceMs, beganMs), endedMs: beganMs });
    this.#sink.add({ ...both, name: 'commit', beganMs, endedMs: endOf(this.#commit) });
  }

  /** From its birth, by the clock of its fab, to where it is visible here. */
  #visible({ traceId, rootId }: UpdateTrace, update: Update): void {
    const nowMs = this.#world.nowMs();
    const beganMs = Math.min(nowMs, timestampMs(update.header.timestamp));
    const facts = factsOf(update);
    this.#sink.add({ traceId, parentId: rootId, name: 'visible', beganMs, endedMs: nowMs, facts });
  }

  /** Null where it is of no account. */
  #traceOf(dot: Update['header']['dot']): UpdateTrace | null {
    const trace = traceOf(dot);
    return this.#sink.isSampled(trace.traceId) ? trace : null;
  }
}

function endOf({ beganMs, tookMs }: CommitTiming): number {
  return beganMs + tookMs;
}

function factsOf(update: Update): SpanFacts {
  const { dot, kind, wafer, run } = update.header;
  return {
    ...{ 'wafersync.dot': formatDot(dot), 'wafersync.kind': kind, 'wafersync.bytes': updateBytes(update) },
    ...waferFacts(wafer),
    ...(run ? { 'wafersync.run': run.id } : {}),
  };
}

function arrivalFacts(arrival: BatchArrival | undefined): SpanFacts {
  return arrival ? { 'wafersync.tester': arrival.equipmentId, 'wafersync.stream': arrival.streamId } : {};
}

function waferFacts({ lot, waferId, insertion }: WaferKey): SpanFacts {
  return { 'wafersync.lot': lot, 'wafersync.wafer': waferId, 'wafersync.insertion': insertion };
}
