import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syncTestData } from '../../src/api/sync-test-data.ts';
import { WafersyncError } from '../../src/errors.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import { toNumber } from '../../src/wire/long.ts';
import { fakeNode, turn } from '../stream/fake-node.ts';

type Message = wafersync.v1.TestResult.$Properties;
type Ack = wafersync.v1.TestAck.$Properties;

/** What is never told never comes: the test must not wait for ever. */
const BOUNDED = { timeout: 10_000 };

/** A die of `results` results, as a batch. */
function die(x: number, results: number, first: number): Message {
  const { TestResult } = wafersync.v1;
  const values = Array.from({ length: results }, (_, i) => i);
  const message = {
    ...{ equipment_id: 'T1', stream_id: 'S', wafer_id: 'W', die_x: x, last_of_die: true },
    stream_sequence: first,
    batch: {
      values,
      pass_fail: values.map(() => true),
      define: first === 1 ? Array.from({ length: 8 }, (_, i) => ({ name: `t${i}` })) : [],
    },
  };
  return TestResult.decode(TestResult.encode(message as unknown as Message).finish());
}

/** A stream to a fake node: messages go in by hand, acknowledgements come out by hand. */
function stream() {
  const node = fakeNode();
  const messages: Message[] = [];
  let wake = () => {};
  let over: 'open' | 'ended' | 'cut' = 'open';
  async function* coming(): AsyncGenerator<Message> {
    for (;;) {
      const message = messages.shift();
      if (message) yield message;
      else if (over === 'cut') throw new Error('the client went away');
      else if (over === 'ended') return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const acks = syncTestData(node.parts, coming());
  /** Takes all acknowledgements, and tells what the stream failed with. */
  const rest = () => {
    let latest: Ack = {};
    const failure = (async () => {
      for await (const ack of acks) latest = ack;
    })();
    // It is looked at later.
    failure.catch(() => {});
    return { failure, last: () => numbers(latest) };
  };
  return {
    ...node,
    acks,
    rest,
    send: async (...sent: Message[]) => {
      messages.push(...sent);
      wake();
      await turn();
    },
    leave: async (how: 'ended' | 'cut') => {
      over = how;
      wake();
      await turn();
    },
    next: async (): Promise<[through: number, accepted: number, duplicates: number] | null> => {
      const { value, done } = await acks.next();
      return done ? null : numbers(value);
    },
  };
}

function numbers(ack: Ack): [number, number, number] {
  return [toNumber(ack.through_sequence), toNumber(ack.accepted), toNumber(ack.duplicates)];
}

test('each durable batch is acknowledged in order, with totals, and the end once more', async () => {
  const { store, world, send, leave, next } = stream();
  store.eager = false;
  const first = next();
  await send(die(0, 3, 1));
  world.fire();
  await turn();
  store.commit(0);
  assert.deepEqual(await first, [3, 3, 0]);
  const second = next();
  await send(die(1, 5, 4));
  world.fire();
  await turn();
  store.commit(0);
  assert.deepEqual(await second, [8, 8, 0]);
  const last = next();
  await leave('ended');
  assert.deepEqual(await last, [8, 8, 0]);
  assert.equal(await next(), null);
  assert.equal(store.records.at(-1)?.record.complete, true);
});

test('nothing is acknowledged before it is durable', async () => {
  const { store, world, send, acks } = stream();
  store.eager = false;
  let acknowledged = false;
  const first = acks.next().then((ack) => {
    acknowledged = true;
    return ack;
  });
  await send(die(0, 3, 1));
  world.fire();
  await turn();
  assert.equal(acknowledged, false);
  store.commit(0);
  assert.deepEqual(numbers((await first).value as Ack), [3, 3, 0]);
});

test('a client that reads slowly gets fewer acknowledgements, the latest last', async () => {
  const { store, world, send, leave, next } = stream();
  const first = next();
  for (let x = 0; x < 10; x++) {
    await send(die(x, 2, 1 + 2 * x));
    world.fire();
    await turn();
  }
  assert.equal(store.batches.length, 10);
  assert.deepEqual(await first, [2, 2, 0]);
  assert.deepEqual(await next(), [20, 20, 0]);
  await leave('ended');
  assert.deepEqual(await next(), [20, 20, 0]);
  assert.equal(await next(), null);
});

test('a message without results is acknowledged at once, with what is durable since earlier', async () => {
  const { parts, send, next, leave } = stream();
  const earlier = syncTestData(
    parts,
    (async function* () {
      yield die(0, 3, 1);
    })(),
  );
  for await (const _ of earlier);
  const ack = next();
  await send({ equipment_id: 'T1', stream_id: 'S', batch: {} });
  assert.deepEqual(await ack, [3, 0, 0]);
  const again = next();
  await send({ equipment_id: 'T1', stream_id: 'S', batch: {} });
  assert.deepEqual(await again, [3, 0, 0]);
  const last = next();
  await leave('ended');
  assert.deepEqual(await last, [3, 0, 0]);
});

test('results that are sent again are acknowledged as duplicates while the stream goes on', async () => {
  const { parts, send, next, leave } = stream();
  const earlier = syncTestData(
    parts,
    (async function* () {
      yield die(0, 3, 1);
      yield die(1, 2, 4);
    })(),
  );
  for await (const _ of earlier);
  const first = next();
  await send(die(0, 3, 1));
  assert.deepEqual(await first, [3, 0, 3]);
  const second = next();
  await send(die(1, 2, 4));
  assert.deepEqual(await second, [5, 0, 5]);
  await leave('ended');
  assert.deepEqual(await next(), [5, 0, 5]);
});

test('a failure is told behind an acknowledgement of what is durable nevertheless', async () => {
  const { send, rest } = stream();
  const { last, failure } = rest();
  await send(die(0, 3, 1), { ...die(1, 2, 4), lot: 'x'.repeat(2000) });
  await assert.rejects(failure, {
    code: 'invalid',
    message: /^lot .* has 2000 bytes at sequence 4/,
    hint: /Results up to sequence 3 of stream "S" are durable; send again what follows\.$/,
  });
  assert.deepEqual(last(), [3, 3, 0]);
});

test('a write that fails is told while the client sends nothing more and waits', BOUNDED, async () => {
  const { store, world, send, rest } = stream();
  store.eager = false;
  const { last, failure } = rest();
  await send(die(0, 3, 1));
  world.fire();
  await turn();
  store.commit(0);
  await send(die(1, 2, 4));
  world.fire();
  await turn();
  store.failures.push(new WafersyncError('exhausted', 'the disk is full'));
  store.commit(0);
  await assert.rejects(failure, { code: 'exhausted', hint: /up to sequence 3 / });
  assert.deepEqual(last(), [3, 3, 0]);
});

test('a message that cannot be read ends the stream with the place and how far it is durable', async () => {
  const { send, rest } = stream();
  const { last, failure } = rest();
  const bad = die(1, 2, 4);
  await send(die(0, 3, 1), { ...bad, batch: { ...bad.batch, pass_fail: [] } });
  await assert.rejects(failure, { code: 'invalid', hint: /up to sequence 3 / });
  assert.deepEqual(last(), [3, 3, 0]);
});

test('where the client goes away, whole attempts are kept and nothing waits for it', async () => {
  const { store, send, leave, rest } = stream();
  const { last, failure } = rest();
  await send(die(0, 3, 1), { ...die(1, 2, 4), last_of_die: false });
  await leave('cut');
  await assert.rejects(failure, { code: 'cancelled', message: 'the client went away' });
  assert.deepEqual(last(), [3, 3, 0]);
  assert.deepEqual(
    store.attempts().map(({ attempt }) => attempt.index),
    [1],
  );
});
