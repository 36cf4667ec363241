import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fabId, mintEpoch, sequence } from '../../src/clocks/dot.ts';
import { silentLog } from '../../src/log.ts';
import type { Commit, CommitOutcome } from '../../src/replica/commit.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import type { Carrier } from '../../src/sync/sync-runner.ts';
import { guardOf } from '../../src/telemetry/guard.ts';
import { observedIntake } from '../../src/telemetry/observed-intake.ts';
import { traceOf } from '../../src/telemetry/tracing/trace-ids.ts';
import { type SpanSink, type UpdateSpan, UpdateTracer } from '../../src/telemetry/tracing/update-tracer.ts';
import type { Update } from '../../src/wafer/update.ts';
import { Bench, batch, RECORD, RUN, settle } from '../replica/replica-fixture.ts';
import { ManualWorld } from '../support/manual-world.ts';

/** Keeps spans, under ids that say their place. */
class Sink implements SpanSink {
  readonly spans: (UpdateSpan & { id: string })[] = [];
  readonly #sampled: (traceId: string) => boolean;

  constructor(sampled: (traceId: string) => boolean = () => true) {
    this.#sampled = sampled;
  }

  isSampled(traceId: string): boolean {
    return this.#sampled(traceId);
  }

  add(span: UpdateSpan): string {
    const id = span.id ?? `span ${this.spans.length}`;
    this.spans.push({ ...span, id });
    return id;
  }

  /** Names of spans, each behind the name of that on which it hangs. */
  get tree(): string[] {
    const nameOf = (id: string | null) => this.spans.find((span) => span.id === id)?.name ?? id ?? '';
    return this.spans.map(({ name, parentId }) => `${nameOf(parentId)} > ${name}`);
  }
}

const GUARD = guardOf({
  observer: 'traces',
  log: silentLog,
  world: { steadyMs: () => 0 },
  failed: () => assert.fail('a span could not be made'),
});

/** A fab where something is born, traced. */
function bornAt(t: TestContext, sink: SpanSink) {
  const tw = new Bench(t);
  const tracer = new UpdateTracer(sink, tw.world, GUARD);
  // The bench's tokens are no carriers; nothing comes from elsewhere here.
  tracer.follow({ outcomes: tw.replica.outcomes, commits: new EventSource<Commit<Carrier>>() });
  return { tw, intake: observedIntake(tw.replica, 'stream', [tracer], tw.world) };
}

/** Another fab, to which commits are told. */
function elsewhere(sink: SpanSink) {
  const world = new ManualWorld();
  const outcomes = new EventSource<CommitOutcome>();
  const commits = new EventSource<Commit<Carrier>>();
  new UpdateTracer(sink, world, GUARD).follow({ outcomes, commits });
  return {
    world,
    commit(beganMs: number, commit: Partial<Commit<Carrier>>) {
      outcomes.emit({ error: null, jobs: 1, bytes: 1, timing: { beganMs, tookMs: world.now - beganMs } });
      commits.emit({
        added: [],
        released: [],
        received: [],
        programs: [],
        refolded: [],
        housekept: [],
        ...commit,
      });
    },
  };
}

async function birth(t: TestContext): Promise<Update> {
  const { tw, intake } = bornAt(t, new Sink());
  const written = intake.write(batch([0]));
  await tw.commit();
  await written;
  return tw.born[0]!;
}

test('ids of a trace hang on fab, epoch and sequence alone', () => {
  const epoch = mintEpoch(1, () => new Uint8Array(5));
  const dot = { fab: fabId('tw'), epoch, sequence: sequence(57) };
  const trace = traceOf(dot);
  assert.deepEqual(traceOf({ ...dot }), trace);
  // SHA-256 of `wafersync trace tw.1-0000000000:57`, by sha256sum.
  assert.deepEqual(trace, { traceId: '82f9136b7aca3fc9b8958ebe7954d498', rootId: 'ee2b8243a56906b3' });
  for (const other of [{ fab: fabId('az') }, { sequence: sequence(58) }, { epoch: mintEpoch(2) }]) {
    assert.notEqual(traceOf({ ...dot, ...other }).traceId, trace.traceId);
  }
});

test('a batch is told from handing it in through its wait to its commit', async (t) => {
  const sink = new Sink();
  const { tw, intake } = bornAt(t, sink);
  const began = tw.world.now;
  const written = intake.write(batch([0, 1]));
  await tw.commit();
  await written;
  const { dot } = tw.born[0]!.header;
  const { traceId, rootId } = traceOf(dot);
  assert.deepEqual(sink.tree, [' > intake', 'intake > queue', 'intake > commit']);
  assert.ok(sink.spans.every((span) => span.traceId === traceId));
  const [intakeSpan, queue, commit] = sink.spans;
  assert.equal(intakeSpan!.id, rootId);
  assert.deepEqual([intakeSpan!.beganMs, intakeSpan!.endedMs], [began, began + 5]);
  assert.deepEqual([queue!.beganMs, queue!.endedMs], [began, began + 5]);
  assert.equal(commit!.beganMs, began + 5);
  assert.equal(intakeSpan!.facts['wafersync.run'], RUN);
  assert.deepEqual(
    ['wafersync.source', 'wafersync.attempts', 'wafersync.results'].map((name) => intakeSpan!.facts[name]),
    ['stream', 2, 8],
  );
});

const CALLER = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };

test('a streamed batch is told from its first result on, with a link to what its tester named', async (t) => {
  const sink = new Sink();
  const { tw, intake } = bornAt(t, sink);
  const askedMs = tw.world.now;
  const arrival = { arrivedMs: askedMs - 40, equipmentId: 'T1', streamId: 'S1', caller: CALLER };
  const written = intake.write(batch([0], { arrival }));
  await tw.commit();
  await written;
  assert.deepEqual(sink.tree, [' > intake', 'intake > collect', 'intake > queue', 'intake > commit']);
  const times = sink.spans.map(({ beganMs, endedMs }) => [beganMs - askedMs, endedMs - askedMs]);
  assert.deepEqual(times.slice(0, 3), [
    [-40, 5],
    [-40, 0],
    [0, 5],
  ]);
  const [root, ...others] = sink.spans;
  assert.deepEqual([root!.facts['wafersync.tester'], root!.facts['wafersync.stream']], ['T1', 'S1']);
  assert.deepEqual(root!.links, [CALLER]);
  assert.ok(others.every(({ links = [] }) => links.length === 0));
});

test('a clock that was put back since the first result makes no span that ends before it begins', async (t) => {
  const sink = new Sink();
  const { tw, intake } = bornAt(t, sink);
  const arrival = { arrivedMs: tw.world.now + 60_000, equipmentId: 'T1', streamId: 'S1', caller: null };
  const written = intake.write(batch([0], { arrival }));
  await tw.commit();
  await written;
  assert.ok(sink.spans.every(({ beganMs, endedMs }) => beganMs <= endedMs));
  assert.deepEqual(sink.spans[0]!.links, []);
});

test('a batch of nothing new, and one that fails, have no trace', async (t) => {
  const sink = new Sink();
  const { tw, intake } = bornAt(t, sink);
  const first = intake.write(batch([0]));
  await tw.commit();
  await first;
  const before = sink.spans.length;
  const again = intake.write(batch([0]));
  await tw.commit();
  await again;
  tw.replica.close();
  await assert.rejects(intake.write(batch([1])));
  assert.equal(sink.spans.length, before);
});

test('a record of a run passes by', async (t) => {
  const { tw, intake } = bornAt(t, new Sink());
  const recorded = intake.recordRun({ id: RUN, startedAtUs: 0 }, RECORD);
  await tw.commit();
  await recorded;
  assert.equal(intake.runStart(RUN), tw.replica.runStart(RUN));
});

test('another fab hangs its spans on the first of the fab where the update was born', async (t) => {
  const update = await birth(t);
  const sink = new Sink();
  const az = elsewhere(sink);
  const bornMs = new ManualWorld().now;
  az.world.now = bornMs + 120;
  const token: Carrier = { lane: 1, via: 'pull', arrivedMs: bornMs + 100 };
  az.commit(bornMs + 110, { added: [{ update, token, applied: true }] });
  const { traceId, rootId } = traceOf(update.header.dot);
  assert.deepEqual(sink.tree, [
    `${rootId} > transfer`,
    `${rootId} > receive`,
    'receive > queue',
    'receive > commit',
    `${rootId} > visible`,
  ]);
  assert.ok(sink.spans.every((span) => span.traceId === traceId));
  const times = sink.spans.map(({ beganMs, endedMs }) => [beganMs - bornMs, endedMs - bornMs]);
  assert.deepEqual(times.slice(1, 4), [
    [100, 120],
    [100, 110],
    [110, 120],
  ]);
  const [transfer, receive, , , visible] = sink.spans;
  assert.deepEqual([transfer!.endedMs - bornMs, visible!.endedMs - bornMs], [100, 120]);
  assert.equal(transfer!.beganMs, visible!.beganMs);
  assert.deepEqual([transfer!.facts['wafersync.via'], receive!.facts['wafersync.via']], ['pull', 'pull']);
});

test('an update that is held is visible once it is released', async (t) => {
  const update = await birth(t);
  const sink = new Sink();
  const az = elsewhere(sink);
  az.world.now += 10;
  const token: Carrier = { lane: 1, via: 'live', arrivedMs: az.world.now };
  az.commit(az.world.now, { added: [{ update, token, applied: false }] });
  assert.deepEqual(
    sink.spans.map(({ name }) => name),
    ['transfer', 'receive', 'queue', 'commit'],
  );
  assert.equal(sink.spans[1]!.facts['wafersync.held'], true);
  az.world.now += 5000;
  az.commit(az.world.now, { released: [update] });
  assert.deepEqual([sink.spans.at(-1)!.name, sink.spans.at(-1)!.endedMs], ['visible', az.world.now]);
});

test('what is not sampled leaves no span, at any fab', async (t) => {
  const sink = new Sink(() => false);
  const { tw, intake } = bornAt(t, sink);
  const written = intake.write(batch([0]));
  await tw.commit();
  await written;
  const az = elsewhere(sink);
  const token: Carrier = { lane: 1, via: 'live', arrivedMs: 0 };
  az.commit(0, { added: [{ update: tw.born[0]!, token, applied: true }] });
  await settle();
  assert.deepEqual(sink.spans, []);
});

test('what else is born at a fab is told by its commit', async (t) => {
  const update = await birth(t);
  const sink = new Sink();
  const az = elsewhere(sink);
  const edit = { ...update, header: { ...update.header, kind: 'edit' as const, run: null } };
  az.commit(az.world.now, { added: [{ update: edit, token: null, applied: true }] });
  assert.deepEqual(sink.tree, [' > write']);
});
