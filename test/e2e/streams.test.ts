import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { makeClient } from '../../src/api/client.ts';
import { WafersyncError } from '../../src/errors.ts';
import { toNumber } from '../../src/wire/long.ts';
import { runService, syncMonitor, testEquipment } from '../../src/wire/services.ts';
import { GrpcCode } from '../../src/wire/status.ts';
import { closing, collect } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { waitForRun } from '../support/run-client.ts';
import { type Query, readHistory, sendAndVanish, sendResults, type TestResult } from '../support/tester.ts';

/** A tester of one fab, and a reader at another. */
async function testerAndReader(t: TestContext) {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  return {
    tw,
    send: (results: readonly TestResult[]) => sendResults(tw.address, results),
    /** What the other fab has, once it has all of the run. */
    read: async (query: Query, runId: string) => {
      await waitForRun(tw.address, runId, ['tw', 'az']);
      return readHistory(az.address, query);
    },
  };
}

/** Results of a stream: dies of some results each, alternating between two sites, values counting from 1. */
function streamOf(dies: number, resultsOfDie: (die: number) => number): TestResult[] {
  const results: TestResult[] = [];
  for (let pair = 0; pair < dies; pair += 2) {
    const counts = [resultsOfDie(pair), resultsOfDie(pair + 1)];
    for (let i = 0; i < Math.max(...counts); i++) {
      for (const site of [0, 1]) {
        if (i >= counts[site]!) continue;
        const sequence = results.length + 1;
        results.push({
          equipment_id: 'T-7',
          stream_id: 'lot 7, wafer 1',
          stream_sequence: sequence,
          wafer_id: 'W-7',
          lot: 'L-7',
          die_x: pair + site,
          die_y: 3,
          site,
          test_name: `test ${i}`,
          test_value: sequence,
          pass_fail: sequence % 10 !== 0,
          timestamp_us: 1_780_000_000_000_000 + sequence,
        });
      }
    }
  }
  return results;
}

/** Numbers in [0, 1) that are the same in each run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function valuesOf(results: readonly { readonly test_value?: number | null }[]): number[] {
  return results.map(({ test_value }) => test_value ?? Number.NaN).sort((a, b) => a - b);
}

/** The refusal of a call, and its gRPC code. */
async function refusal(call: Promise<unknown>): Promise<{ code: number; error: WafersyncError }> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof WafersyncError);
    return { code: (error.cause as ServiceError).code, error };
  }
  throw new assert.AssertionError({ message: 'the call was not refused' });
}

test('a stream that is cut at random places and resumed is at another fab, each result once', async (t) => {
  const { tw, send, read } = await testerAndReader(t);
  const random = randomFrom(11);
  const all = streamOf(160, () => 1 + Math.floor(random() * 6));
  let through = 0;
  for (let cut = 0; cut < 12; cut++) {
    const end = through + Math.floor(random() * (all.length - through));
    const part = all.slice(through, end);
    if (part.length === 0) continue;
    // A connection that breaks tells nothing of how far it came; a stream that is ended does.
    if (cut % 3 === 2) through = (await send(part)).through;
    else await sendAndVanish(tw.address, part);
  }
  const last = await send(all.slice(through));
  assert.equal(last.through, all.length);
  const stored = await read({ wafer_id: 'W-7' }, last.runId);
  assert.deepEqual(
    valuesOf(stored),
    all.map(({ test_value }) => test_value),
  );
});

test('a whole stream sent again adds nothing, and says so', async (t) => {
  const { tw, send, read } = await testerAndReader(t);
  const all = streamOf(20, () => 4);
  const first = await send(all);
  assert.deepEqual([first.accepted, first.duplicates, first.through], [80, 0, 80]);
  const again = await send(all);
  assert.deepEqual([again.accepted, again.duplicates, again.through], [0, 80, 80]);
  assert.deepEqual([again.runId, again.passed], [first.runId, first.passed]);
  assert.equal((await read({}, first.runId)).length, 80);
  const runs = closing(t, makeClient(runService, tw.address));
  const { attempts, results } = await runs.GetRun({ run_id: first.runId });
  assert.deepEqual([toNumber(attempts), toNumber(results)], [20, 80]);
});

test('other content under a known sequence is ABORTED, naming stream and sequence, and changes nothing', async (t) => {
  const { send, read } = await testerAndReader(t);
  const all = streamOf(4, () => 3);
  const { runId } = await send(all);
  const changed = all.map((result, i) => (i === 7 ? { ...result, test_value: -1 } : result));
  const { code, error } = await refusal(send(changed));
  assert.equal(code, GrpcCode.ABORTED);
  assert.match(
    error.message,
    /^the die at sequence (7|8) of stream "lot 7, wafer 1" of tester "T-7" is stored with/,
  );
  assert.match(error.hint, /new ones under a stream_id of their own/);
  assert.deepEqual(
    valuesOf(await read({}, runId)),
    all.map(({ test_value }) => test_value),
  );
});

test('bad input in the middle is INVALID_ARGUMENT that says what and where; whole dies before it are kept', async (t) => {
  const { send, read } = await testerAndReader(t);
  const all = streamOf(6, () => 3);
  const bad = all.map((result, i) => (i === 14 ? { ...result, site: 300 } : result));
  const { code, error } = await refusal(send(bad));
  assert.equal(code, GrpcCode.INVALID_ARGUMENT);
  assert.match(error.message, /^site 300 is not within 0 to 255 at sequence 15 of stream "lot 7, wafer 1"/);
  assert.match(
    error.hint,
    /Results up to sequence 12 of stream "lot 7, wafer 1" are durable; send again what follows/,
  );
  const rest = await send(all.slice(12));
  assert.deepEqual([rest.accepted, rest.duplicates, rest.through], [6, 0, 18]);
  assert.deepEqual(
    valuesOf(await read({ lot: 'L-7' }, rest.runId)),
    all.map(({ test_value }) => test_value),
  );
});

test('values come back bit for bit: doubles, what fits float32, NaN, infinities and minus zero', async (t) => {
  const { send, read } = await testerAndReader(t);
  const values = [
    [Math.PI, 0.1, 1e-300, Number.MIN_VALUE, Number.MAX_VALUE, 2 ** 53 + 2, -1 / 3],
    [1.5, -0, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3.4028234663852886e38],
    [0.1234567, 1234.567, -0.0000012, 12_345_678, 1e10, 0.5, Number.NaN],
  ];
  const results = values.flatMap((row, die) =>
    row.map((test_value, i) => ({
      ...{ equipment_id: 'T', wafer_id: 'V', die_x: die, test_name: `t${i}`, test_value },
    })),
  );
  const { runId } = await send(results);
  const stored = await read({ wafer_id: 'V' }, runId);
  const back = stored.map(({ test_value }) => test_value);
  for (const [i, value] of values.flat().entries())
    assert.ok(Object.is(back[i], value), `${back[i]} is ${value}`);
  assert.equal(back.length, results.length);
});

test('times come back to the microsecond: growing, the same, stepping back, and none', async (t) => {
  const { send, read } = await testerAndReader(t);
  const base = 1_780_000_000_123_457;
  const times = [
    [base, base + 1, base + 1, base - 999_999, 0, Number.MAX_SAFE_INTEGER],
    [0, base, 5, 0],
    [0, 0],
    [base + 86_400_000_000],
  ];
  const results = times.flatMap((row, die) =>
    row.map((timestamp_us, i) => ({
      ...{ equipment_id: 'T', wafer_id: 'V', die_x: die, test_name: `t${i}`, timestamp_us },
    })),
  );
  const { runId } = await send(results);
  const stored = await read({ wafer_id: 'V' }, runId);
  assert.deepEqual(
    stored.map(({ timestamp_us }) => toNumber(timestamp_us)),
    times.flat(),
  );
});

test('everything else that a tester says of a result comes back as well', async (t) => {
  const { send, read } = await testerAndReader(t);
  const result: TestResult = {
    ...{ equipment_id: 'T-9', wafer_id: 'W-9', die_x: -32_768, die_y: 2_147_483_647, test_name: 'Überstrom' },
    ...{
      test_value: -0.25,
      pass_fail: false,
      timestamp_us: 1_780_000_000_000_000,
      lot: 'L-9',
      insertion: 'WS1',
    },
    ...{ test_number: 4_294_967_295, units: 'µA', low_limit: -0.5, high_limit: 0, head: 1, site: 255 },
    ...{
      hard_bin: 65_535,
      soft_bin: 0,
      part_id: '17',
      stream_id: 's-9',
      stream_sequence: 41,
      last_of_die: true,
    },
  };
  const noValue: TestResult = { ...result, stream_sequence: 42, no_value: true, no_coordinates: true };
  const { runId } = await send([result, noValue]);
  const [first, second] = await read({ wafer_id: 'W-9' }, runId);
  const { stream_sequence, timestamp_us, ...others } = result;
  for (const [name, value] of Object.entries(others))
    assert.equal(first![name as keyof typeof first], value, name);
  assert.equal(toNumber(first!.attempt_index), stream_sequence);
  assert.equal(toNumber(first!.timestamp_us), timestamp_us);
  assert.deepEqual([second!.no_value, second!.no_coordinates, second!.die_x], [true, true, 0]);
});

test('as many reads of results as the configuration says are open at once; one that ends makes room', async (t) => {
  const [node] = await startNodes(t, ['tw'], { config: { api: { max_reads: 1 } } });
  const { runId } = await sendResults(
    node!.address,
    streamOf(400, () => 50),
  );
  const equipment = closing(t, makeClient(testEquipment, node!.address));
  const runs = closing(t, makeClient(runService, node!.address));
  const unread = equipment.GetHistoricalTests({})[Symbol.asyncIterator]();
  await unread.next();
  for (const call of [collect(equipment.GetHistoricalTests({})), collect(runs.ReadRun({ run_id: runId }))]) {
    const { code, error } = await refusal(call);
    assert.equal(code, GrpcCode.RESOURCE_EXHAUSTED);
    assert.match(error.line, /^1 reads of results are open, .*raise api\.max_reads\.$/);
  }
  while (!(await unread.next()).done);
  assert.equal((await collect(runs.ReadRun({ run_id: runId }))).length > 0, true);
});

test('as many streams and subscriptions as the configuration says are open at once', async (t) => {
  const config = { intake: { max_open_streams: 1 }, api: { max_subscriptions: 1 } };
  const [node] = await startNodes(t, ['tw'], { config });
  const equipment = closing(t, makeClient(testEquipment, node!.address));
  const runs = closing(t, makeClient(runService, node!.address));
  const monitor = closing(t, makeClient(syncMonitor, node!.address));

  const open = equipment.StreamTestResults();
  await open.write({ equipment_id: 'T', wafer_id: 'W', test_name: 'A' });
  // Answered behind the stream's first message, since it is on the same connection.
  const second = await refusal(equipment.StreamTestResults().finish());
  assert.equal(second.code, GrpcCode.RESOURCE_EXHAUSTED);
  assert.match(second.error.line, /^1 streams and uploads are open, .*raise intake\.max_open_streams\.$/);
  assert.equal((await refusal(runs.ImportRun().finish())).code, GrpcCode.RESOURCE_EXHAUSTED);
  assert.equal(toNumber((await open.finish()).accepted), 1);

  const watch = monitor.WatchNode({})[Symbol.asyncIterator]();
  await watch.next();
  const third = await refusal(collect(runs.WatchRun({ run_id: '0'.repeat(32) })));
  assert.equal(third.code, GrpcCode.RESOURCE_EXHAUSTED);
  assert.match(third.error.line, /^1 subscriptions are open, .*raise api\.max_subscriptions\.$/);
  await watch.return?.();
});
