import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { makeClient } from '../../src/api/client.ts';
import { parseOriginKey, sequence } from '../../src/clocks/dot.ts';
import { traceOf } from '../../src/telemetry/tracing/trace-ids.ts';
import { syncMonitor, testEquipment } from '../../src/wire/services.ts';
import { fromOriginIntervals } from '../../src/wire/vectors.ts';
import { Cluster } from '../support/cluster.ts';
import { freePorts } from '../support/free-ports.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { waitForRun } from '../support/run-client.ts';
import { sendResults, type TestResult, toMessage } from '../support/tester.ts';

const FABS = ['tw', 'az'] as const;
/** What does not come never does: the tests must not wait for ever. */
const BOUNDED = { timeout: 120_000 };

const WATCH_MODULES = fileURLToPath(new URL('../support/loaded-packages.ts', import.meta.url));

async function twoFabs(t: TestContext, endpoint: string, ratio = 1, more = {}): Promise<Cluster> {
  const cluster = await Cluster.start(FABS, {}, { config: { tracing: { endpoint, ratio } }, ...more });
  t.after(() => cluster.stop());
  return cluster;
}

/** A result of one die. */
function dieResult(x: number): TestResult {
  return {
    ...{ equipment_id: 'T1', wafer_id: 'W1', lot: 'L1', die_x: x, die_y: 0, test_name: 'VDD', test_value: 1 },
    ...{ pass_fail: true, timestamp_us: 1_795_420_800_000_000 + x },
  };
}

/** Streams some dies to the first fab, until both have them. */
async function stream(cluster: Cluster, dies = 1): Promise<string> {
  const results = Array.from({ length: dies }, (_, x) => dieResult(x));
  const { runId } = await sendResults(cluster.address('tw'), results);
  await waitForRun(cluster.address('tw'), runId, [...FABS]);
  return runId;
}

/** Trace of the results of a run, once both fabs have told all of it. */
async function traceOfResults(receiver: OtlpReceiver, runId: string): Promise<ReceivedSpan[]> {
  const root = ({ name, facts }: ReceivedSpan) => name === 'intake' && facts['wafersync.run'] === runId;
  let trace: ReceivedSpan[] = [];
  await receiver.until((spans) => {
    const first = spans.find(root);
    trace = spans.filter(({ traceId }) => traceId === first?.traceId);
    return trace.some(({ name }) => name === 'visible') && first !== undefined;
  });
  return trace;
}

test(
  'one trace leads from the stream of a tester through its commit to where another fab shows it',
  BOUNDED,
  async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const cluster = await twoFabs(t, receiver.endpoint);
    const trace = await traceOfResults(receiver, await stream(cluster));
    const nameOf = (id: string) => trace.find(({ spanId }) => spanId === id)?.name ?? '';
    assert.deepEqual(trace.map(({ fab, name, parentId }) => `${fab} ${nameOf(parentId)} > ${name}`).sort(), [
      'az intake > receive',
      'az intake > transfer',
      'az intake > visible',
      'az receive > commit',
      'az receive > queue',
      'tw  > intake',
      'tw intake > collect',
      'tw intake > commit',
      'tw intake > queue',
    ]);
    const root = trace.find(({ parentId }) => parentId === '')!;
    assert.equal(root.service, 'wafersync');
    const facts = ['wafer', 'source', 'results', 'tester'].map((name) => root.facts[`wafersync.${name}`]);
    assert.deepEqual(facts, ['W1', 'stream', 1, 'T1']);
    assert.deepEqual(root.links, []);
    const [origin, number] = String(root.facts['wafersync.dot']).split(':');
    const dot = { ...parseOriginKey(origin!), sequence: sequence(Number(number)) };
    assert.deepEqual({ traceId: root.traceId, rootId: root.spanId }, traceOf(dot));
  },
);

const TESTERS_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TESTERS_SPAN = '00f067aa0ba902b7';

/** Opens a stream with acknowledgements on behalf of a tester's span. */
function openStream(t: TestContext, address: string, traceparent: string) {
  const { SyncTestData: method } = testEquipment.methods;
  const metadata = new Metadata();
  metadata.set('traceparent', traceparent);
  const client = new Client(address, credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  t.after(() => client.close());
  return client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    metadata,
  );
}

test(
  'a batch is traced from where its first result came in, and linked to the span that its tester named',
  BOUNDED,
  async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const cluster = await twoFabs(t, receiver.endpoint);
    const beganUs = Date.now() * 1000;
    const call = openStream(t, cluster.address('tw'), `00-${TESTERS_TRACE}-${TESTERS_SPAN}-01`);
    // The first die stays open; that the node has taken it is known once the second one, sent after it, is acknowledged.
    call.write(toMessage(dieResult(0)));
    call.write(toMessage({ ...dieResult(1), site: 1, last_of_die: true }));
    const [{ run_id: runId }] = await once(call, 'data');
    const openUs = Date.now() * 1000;
    call.write(toMessage({ ...dieResult(0), last_of_die: true }));
    call.end();
    for await (const _ of call);
    const intakes = () =>
      receiver.spans.filter(({ name, facts }) => name === 'intake' && facts['wafersync.run'] === runId);
    await receiver.until(() => intakes().length === 2);
    assert.ok(intakes().every(({ links }) => links.join() === `${TESTERS_TRACE} ${TESTERS_SPAN}`));
    const last = intakes().reduce((a, b) => (a.endedUs > b.endedUs ? a : b));
    assert.ok(
      beganUs <= last.beganUs && last.beganUs <= openUs,
      'it begins with the first result of its batch',
    );
    const collect = receiver.spans.find(
      ({ name, parentId }) => name === 'collect' && parentId === last.spanId,
    )!;
    assert.ok(collect.endedUs >= openUs, 'the batch is handed in once its die has ended');
  },
);

test(
  'each span ends no earlier than it begins, and what hangs on another one begins no earlier',
  BOUNDED,
  async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const cluster = await twoFabs(t, receiver.endpoint);
    const trace = await traceOfResults(receiver, await stream(cluster, 3));
    for (const span of trace) {
      assert.ok(span.endedUs >= span.beganUs, span.name);
      const parent = trace.find(({ spanId }) => spanId === span.parentId);
      if (parent && parent.fab === span.fab) assert.ok(span.beganUs >= parent.beganUs, span.name);
    }
  },
);

/** Trace ids of all that was born at a fab, of which a ratio is traced: the four words of an id, by exclusive or, tell. */
async function sampledTraces(cluster: Cluster, ratio: number): Promise<string[]> {
  const client = makeClient(syncMonitor, cluster.address('tw'));
  const { node } = await client.GetNode({});
  client.close();
  const received = fromOriginIntervals(node?.received);
  const dots = received
    .entries()
    .flatMap(([origin, { max }]) =>
      Array.from({ length: max }, (_, i) => ({ ...origin, sequence: sequence(i + 1) })),
    );
  const ids = dots.map((dot) => traceOf(dot).traceId);
  assert.ok(ids.length >= 40, `${ids.length} updates`);
  const wordsOf = (id: string) => [0, 8, 16, 24].map((at) => Number.parseInt(id.slice(at, at + 8), 16));
  return ids
    .filter((id) => wordsOf(id).reduce((x, word) => (x ^ word) >>> 0) < Math.floor(ratio * 0xffffffff))
    .sort();
}

test('fabs agree on which updates are traced, and leave out the others', BOUNDED, async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const cluster = await twoFabs(t, receiver.endpoint, 0.5);
  for (let run = 0; run < 20; run++) await stream(cluster);
  const expected = await sampledTraces(cluster, 0.5);
  const tracesOf = (wanted: string) => [
    ...new Set(receiver.spans.filter(({ fab }) => fab === wanted).map(({ traceId }) => traceId)),
  ];
  await receiver.until(() => FABS.every((fab) => tracesOf(fab).length >= expected.length));
  for (const fab of FABS) assert.deepEqual(tracesOf(fab).sort(), expected, fab);
});

test('a collector that nobody can reach is told once, and nobody waits for it', BOUNDED, async (t) => {
  const [port] = await freePorts(1);
  const cluster = await twoFabs(t, `http://127.0.0.1:${port}/v1/traces`);
  await stream(cluster);
  const lines = () =>
    cluster
      .log('tw')
      .split('\n')
      .filter((line) => line.includes('"tracing.failed"'));
  const watching = new AbortController();
  const log = watch(join(cluster.folder, 'tw', 'node.log'), { signal: watching.signal });
  while (lines().length === 0) await log.next();
  watching.abort();
  for (let run = 0; run < 3; run++) await stream(cluster);
  assert.equal(await cluster.stopNode('tw', 'SIGTERM'), 0);
  assert.equal(lines().length, 1);
  assert.match(lines()[0]!, /"lost":\d+,"reason":".*ECONNREFUSED/);
});

test(
  'where neither is asked for, the packages of traces and metrics are not even loaded',
  BOUNDED,
  async (t) => {
    const loaded = (cluster: Cluster) =>
      new Set(readFileSync(join(cluster.folder, 'packages'), 'utf8').trim().split('\n'));
    const [port] = await freePorts(1);
    for (const asked of [false, true]) {
      const config = asked
        ? { tracing: { endpoint: 'http://127.0.0.1:9/v1/traces', ratio: 1 }, metrics: { port: port! } }
        : {};
      const cluster = await Cluster.start(['tw'], {}, { config, preload: WATCH_MODULES });
      t.after(() => cluster.stop());
      await cluster.stopNode('tw', 'SIGTERM');
      const packages = [...loaded(cluster)].filter((name) => /opentelemetry|prom-client/.test(name));
      assert.ok(loaded(cluster).has('@grpc/grpc-js'), 'packages that are loaded are seen');
      assert.equal(packages.length > 0, asked, packages.join(', '));
    }
  },
);
