import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenTesterCall, TesterCallHandlers } from '../../src/api/tester-call.ts';
import type { IncomingAck, OutgoingBatch, OutgoingTest } from '../../src/api/tester-messages.ts';
import { type ErrorCode, WafersyncError } from '../../src/errors.ts';
import { type TesterBounds, TesterClient, type TesterEvent } from '../../src/tester/tester-client.ts';
import type { TesterResult } from '../../src/tester/tester-result.ts';
import { settle } from '../replica/replica-fixture.ts';
import { ManualWorld } from '../support/manual-world.ts';

/** A node that does what a test says, call by call. */
class HandMadeNode {
  readonly calls: {
    handlers: TesterCallHandlers;
    define: OutgoingTest[];
    batches: OutgoingBatch[];
    state: string;
  }[] = [];
  /** Whether calls have room. */
  room = true;

  readonly open: OpenTesterCall = (handlers) => {
    const call = { handlers, define: [] as OutgoingTest[], batches: [] as OutgoingBatch[], state: 'open' };
    this.calls.push(call);
    return {
      send: (define, batch) => {
        call.define.push(...define);
        if (batch) call.batches.push(batch);
        return this.room;
      },
      end: () => {
        call.state = 'ended';
      },
      cancel: () => {
        call.state = 'cancelled';
      },
    };
  };

  get call() {
    return this.calls.at(-1)!;
  }

  ack(throughSequence: number, more: Partial<IncomingAck> = {}): void {
    this.call.handlers.ack({
      ...{ accepted: 0, duplicates: 0, passed: 0, message: '', runId: 'run', streamId: 'S', throughSequence },
      ...more,
    });
  }

  fail(code: ErrorCode, message = 'the line was cut'): void {
    this.call.handlers.ended(new WafersyncError(code, message));
  }

  /** First and last position of each batch of the present call. */
  get sent(): number[][] {
    return this.call.batches.map(({ first, values }) => [first, first + values.length - 1]);
  }
}

function tester(bounds: Partial<TesterBounds> = {}, giveUpMs?: number) {
  const node = new HandMadeNode();
  const world = new ManualWorld();
  const events: TesterEvent[] = [];
  const on = (event: TesterEvent) => void events.push(event);
  const parts = { world, openCall: node.open, bounds, on, retry: { minMs: 100, maxMs: 1000 } };
  const client = new TesterClient(giveUpMs === undefined ? parts : { ...parts, giveUpMs });
  return { node, world, client, events };
}

/** A result of a die of its own, unless a test wants it otherwise. */
function result(x: number, change: Partial<TesterResult> = {}): TesterResult {
  const test = { name: 'vdd', number: 1, units: 'V' };
  return { waferId: 'W', x, y: 0, test, value: x, passed: true, lastOfDie: true, ...change };
}

/** Whether a promise has settled. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const mark = () => {
    done = true;
  };
  promise.then(mark, mark);
  await settle();
  return done;
}

test('results wait for each other a moment and go out together, once the node has answered', async () => {
  const { node, world, client } = tester({ flushMs: 2 });
  await client.add(result(1));
  await client.add(result(2));
  assert.equal(node.calls.length, 0);
  world.advance(2);
  assert.deepEqual([node.calls.length, node.sent], [1, []]);
  node.ack(0);
  assert.deepEqual(node.sent, [[1, 2]]);
  assert.equal(node.call.batches[0]?.dies.length, 2);
});

test('a call that is full is sent nothing until it has room', async () => {
  const { node, client } = tester({ batchResults: 1 });
  await client.add(result(1));
  node.ack(0);
  node.room = false;
  for (const x of [2, 3, 4]) await client.add(result(x));
  assert.deepEqual(node.sent, [
    [1, 1],
    [2, 2],
  ]);
  node.room = true;
  node.call.handlers.writable();
  assert.deepEqual(node.sent.length, 4);
});

test('who hands in more than may wait is kept waiting until some of it is durable', async () => {
  const { node, client } = tester({ bufferedResults: 3, batchResults: 1 });
  for (const x of [1, 2, 3]) await client.add(result(x));
  node.ack(0);
  const fourth = client.add(result(4));
  const fifth = client.add(result(5));
  assert.equal(await settled(fourth), false);
  assert.equal(node.sent.length, 3);
  node.ack(1);
  assert.equal(await settled(fourth), true);
  assert.equal(await settled(fifth), false);
  node.ack(3);
  await fifth;
  assert.deepEqual(node.sent.at(-1), [5, 5]);
  assert.deepEqual(
    node.call.batches.map(({ values }) => values[0]),
    [1, 2, 3, 4, 5],
  );
});

test('results of a die that has not ended are taken beyond what may wait, up to a bound', async () => {
  const { node, client } = tester({ bufferedResults: 2, openResults: 5, batchResults: 1 });
  const open = { lastOfDie: false };
  for (let i = 0; i < 5; i++) await client.add(result(7, open));
  await assert.rejects(client.add(result(7, open)), {
    code: 'exhausted',
    message: /^5 results are of dies that have not ended/,
    hint: /lastOfDie/,
  });
  node.ack(0);
  assert.equal(node.sent.length, 5);
});

test('after a cut everything that is not durable goes out again, with the tests that it names', async () => {
  const { node, world, client } = tester({ batchResults: 1 });
  const other = { name: 'iddq', number: 2, units: 'A', lowLimit: Number.NaN };
  for (const x of [1, 2, 3]) await client.add(result(x));
  node.ack(0);
  node.ack(1);
  await client.add(result(4, { test: other }));
  node.fail('unavailable');
  assert.equal(node.calls.length, 1);
  world.advance(100);
  assert.equal(node.calls.length, 2);
  assert.deepEqual(
    node.call.define.map(({ name }) => name),
    ['vdd', 'iddq'],
  );
  node.ack(2);
  assert.deepEqual(node.sent, [
    [3, 3],
    [4, 4],
  ]);
  assert.deepEqual(node.call.batches[1]?.tests, [1]);
});

test('a test is defined once a call, before or with the first result that names it', async () => {
  const { node, client } = tester({ batchResults: 1 });
  await client.add(result(1));
  node.ack(0);
  await client.add(result(2));
  await client.add(result(3, { test: { name: 'iddq' } }));
  await client.add(result(4, { test: { name: 'vdd', number: 1, units: 'V' } }));
  assert.deepEqual(
    node.call.define.map(({ name, number, units }) => [name, number, units]),
    [
      ['vdd', 1, 'V'],
      ['iddq', 0, ''],
    ],
  );
  assert.deepEqual(
    node.call.batches.map(({ tests }) => tests),
    [[0], [0], [1], [0]],
  );
});

test('waits between tries double up to the cap with jitter, and begin anew once something is durable', async () => {
  const { node, world, client, events } = tester({ batchResults: 1 });
  await client.add(result(1));
  for (let i = 0; i < 8; i++) {
    node.fail('unavailable');
    world.advance(1000);
  }
  node.ack(0);
  node.ack(1);
  await client.add(result(2));
  node.fail('exhausted');
  const waits = events.flatMap((event) => (event.type === 'lost' ? [event.retryInMs] : []));
  const full = [100, 200, 400, 800, 1000, 1000, 1000, 1000, 100];
  for (const [i, wait] of waits.entries())
    assert.ok(wait >= full[i]! / 2 && wait <= full[i]!, `${i}: ${wait}`);
  assert.equal(waits.length, full.length);
  assert.ok(new Set(waits.slice(4, 8)).size > 1, 'waits differ');
});

test('a call that is lost with nothing to say is not tried again before there is', async () => {
  const { node, world, client } = tester({ batchResults: 1 });
  await client.add(result(1));
  node.ack(0);
  node.ack(1);
  node.fail('cancelled', 'the client sent nothing for 600000 ms');
  world.advance(5000);
  assert.equal(node.calls.length, 1);
  await client.add(result(2));
  assert.equal(node.calls.length, 2);
});

test('a stream is finished once its last acknowledgement says that all is durable', async () => {
  const { node, client } = tester({ batchResults: 2 });
  for (const x of [1, 2, 3]) await client.add(result(x));
  const finished = client.finish();
  await settle();
  node.ack(0);
  await settle();
  assert.deepEqual([node.call.state, node.sent.length], ['ended', 2]);
  node.ack(3, { message: 'well done' });
  assert.equal(await settled(finished), false);
  node.call.handlers.ended(null);
  assert.deepEqual(await finished, {
    ...{ runId: 'run', streamId: 'S', message: 'well done', results: 3, durableBefore: 0, lostCalls: 0 },
  });
  await assert.rejects(client.add(result(4)), { code: 'precondition', message: /was ended/ });
});

test('a call that is lost while it ends is ended again', async () => {
  const { node, world, client } = tester({ batchResults: 1 });
  await client.add(result(1));
  const finished = client.finish();
  await settle();
  node.ack(0);
  node.fail('unavailable');
  world.advance(100);
  node.ack(1);
  assert.deepEqual([node.calls.length, node.call.state, node.sent], [2, 'ended', []]);
  node.ack(1);
  node.call.handlers.ended(null);
  const { results, lostCalls } = await finished;
  assert.deepEqual([results, lostCalls], [1, 1]);
});

test('a call that the node ends by itself is tried again', async () => {
  const { node, world, client } = tester({ batchResults: 1 });
  await client.add(result(1));
  node.ack(0);
  node.call.handlers.ended(null);
  world.advance(100);
  node.ack(0);
  assert.deepEqual([node.calls.length, node.sent], [2, [[1, 1]]]);
});

test('what the node had before is not sent', async () => {
  const { node, client } = tester({ batchResults: 2 });
  const opened = client.opened();
  node.ack(4);
  assert.equal(await opened, 4);
  for (let x = 1; x <= 6; x++) await client.add(result(x));
  assert.deepEqual(node.sent, [[5, 6]]);
  assert.deepEqual(client.progress, { handedIn: 6, durable: 4 });
  const finished = client.finish();
  await settle();
  node.ack(6);
  node.call.handlers.ended(null);
  const { results, durableBefore } = await finished;
  assert.deepEqual([results, durableBefore], [6, 4]);
});

for (const code of ['invalid', 'conflict', 'precondition', 'damaged', 'internal', 'not-found'] as const) {
  test(`a stream that the node refuses as ${code} has failed: every call says so, and none is tried again`, async () => {
    const { node, world, client } = tester({ batchResults: 1, bufferedResults: 1 });
    await client.add(result(1));
    node.ack(0);
    const waiting = client.add(result(2));
    node.fail(code, 'no');
    await assert.rejects(waiting, { code, message: 'no' });
    await assert.rejects(client.add(result(3)), { code });
    await assert.rejects(client.finish(), { code });
    world.advance(100_000);
    assert.equal(node.calls.length, 1);
  });
}

test('a client gives up when nothing has become durable for as long as it was told', async () => {
  const { node, world, client } = tester({ batchResults: 1 }, 3000);
  await client.add(result(1));
  const finished = client.finish();
  finished.catch(() => {});
  await settle();
  for (let i = 0; i < 3; i++) {
    node.fail('unavailable', `cut ${i}`);
    world.advance(1000);
    assert.equal(await settled(finished), false);
  }
  node.fail('unavailable', 'cut for good');
  await assert.rejects(finished, { code: 'unavailable', message: 'cut for good' });
  world.advance(10_000);
  assert.equal(node.calls.length, 4);
});

test('a client that is closed lets go of its call and of everyone who waits', async () => {
  const { node, world, client } = tester({ batchResults: 1, bufferedResults: 1 });
  await client.add(result(1));
  const waiting = client.add(result(2));
  client.close();
  await assert.rejects(waiting, { code: 'cancelled' });
  assert.equal(node.call.state, 'cancelled');
  world.advance(10_000);
  assert.equal(node.calls.length, 1);
});

test('a bad result is refused, and the stream goes on without it', async () => {
  const { node, client } = tester({ batchResults: 1 });
  await client.add(result(1));
  node.ack(0);
  await assert.rejects(client.add(result(2, { test: { name: '' } })), {
    code: 'invalid',
    hint: 'Name every test.',
  });
  await assert.rejects(client.add(result(2, { testFlags: 0x80 })), {
    code: 'invalid',
    message: /contradicts passed true/,
  });
  await client.add(result(3));
  assert.deepEqual(
    node.call.batches.map(({ first, values }) => [first, values[0]]),
    [
      [1, 1],
      [2, 3],
    ],
  );
});

test('a batch is of one wafer, with so many results and dies at most', async () => {
  const { node, world, client } = tester({ batchResults: 4, batchDies: 3 });
  for (const [x, waferId, site] of [
    [1, 'W1', 0],
    [1, 'W1', 0],
    [2, 'W1', 0],
    [3, 'W2', 0],
    [3, 'W2', 1],
    [3, 'W2', 0],
    [4, 'W2', 0],
  ] as const) {
    await client.add(result(x, { waferId, site, lastOfDie: false }));
  }
  world.advance(2);
  node.ack(0);
  assert.deepEqual(
    node.call.batches.map(({ waferId, dies }) => [waferId, ...dies.map(({ results }) => results)]),
    [
      ['W1', 2, 1],
      ['W2', 1, 1, 1],
      ['W2', 1],
    ],
  );
});

test('a die is handed in at once, in its columns', async () => {
  const { node, world, client } = tester({ batchResults: 4 });
  const tests = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
  const TIME = 1_700_000_000_000_000;
  await client.addDie({
    ...{
      waferId: 'W',
      lot: 'L',
      insertion: 'CP',
      x: 1,
      y: -2,
      partId: 'p',
      head: 1,
      site: 2,
      hardBin: 3,
      softBin: 4,
    },
    ...{
      tests,
      values: [1, null, Number.NaN],
      passed: [true, false, true],
      timestampUs: [TIME, 0, TIME - 5],
    },
  });
  await client.addDie({
    x: 1,
    y: 1,
    tests,
    values: [1, 2, 3],
    testFlags: [0, 0x40, 0x80],
    timestampUs: TIME,
    lastOfDie: false,
  });
  world.advance(2);
  node.ack(0);
  const [first, second] = node.call.batches;
  assert.deepEqual(first, {
    ...{ waferId: 'W', lot: 'L', insertion: 'CP', first: 1, tests: [0, 1, 2], values: [1, 0, Number.NaN] },
    ...{ flags: Uint8Array.of(0, 0x80, 0), valueless: [1], timestampUs: TIME, timesUs: [0, -TIME, -5] },
    dies: [
      {
        ...{
          results: 3,
          x: 1,
          y: -2,
          partId: 'p',
          head: 1,
          site: 2,
          hardBin: 3,
          softBin: 4,
          lastOfDie: true,
        },
      },
    ],
  });
  assert.deepEqual([second?.timestampUs, second?.timesUs, second?.dies[0]?.lastOfDie], [TIME, null, false]);
  for (const [bad, message] of [
    [{ tests: tests.slice(1) }, 'tests has 2 entries and values 3 in a die'],
    [{ passed: [true] }, 'passed has 1 entries and values 3 in a die'],
    [{ timestampUs: [] }, 'timestampUs has 0 entries and values 3 in a die'],
    [{ values: [] }, 'values is empty in a die'],
  ] as const) {
    const die = { tests, values: [1, 2, 3], passed: [true, true, true], ...bad };
    await assert.rejects(client.addDie(die), { code: 'invalid', message });
  }
  await assert.rejects(client.addDie({ tests, values: [1, 2, 3] }), {
    code: 'invalid',
    message: /neither passed nor testFlags/,
  });
});

test('a die that is larger than a message is sent in several, and ends with the last', async () => {
  const { node, client } = tester({ batchResults: 4 });
  const tests = Array.from({ length: 10 }, (_, i) => ({ name: `t${i}` }));
  await client.addDie({ x: 0, y: 0, tests, values: tests.map((_, i) => i), passed: tests.map(() => true) });
  node.ack(0);
  void client.finish();
  await settle();
  assert.deepEqual(
    node.call.batches.map(({ values, dies }) => [values.length, dies[0]?.lastOfDie]),
    [
      [4, false],
      [4, false],
      [2, true],
    ],
  );
});
