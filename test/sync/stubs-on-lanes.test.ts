import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Dot } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import type { LaneMessage, PullRequest } from '../../src/sync/messages.ts';
import { answererOf } from '../../src/sync/pull-server.ts';
import {
  fromPullRequest,
  fromWaferUpdate,
  toPullRequest,
  toWaferUpdate,
} from '../../src/sync/transport/lane-codec.ts';
import { batch } from '../replica/replica-fixture.ts';
import { DocumentFab } from '../support/document-bench.ts';

/** tw with three updates of results, of which the second is purged by the fourth. */
async function purged(t: TestContext) {
  const tw = new DocumentFab(t, 'tw');
  for (const index of [0, 1, 2]) {
    void tw.bench.replica.write(batch([index]));
    await tw.bench.commit();
  }
  const { dot } = tw.born[1]!.header;
  void tw.bench.replica.purge(() => ({ author: 'kim', reason: 'old', termDays: 0, dots: [dot] }));
  await tw.bench.commit();
  return { tw, dot };
}

const all = ({ fab, epoch }: Dot) => TransportVector.of([[{ fab, epoch }, IntervalSet.range(1, 5)]]);

function ask({ store }: DocumentFab, request: Partial<PullRequest> & Pick<PullRequest, 'wanted'>) {
  const whole = { id: 1, programs: [], maxBytes: 1_000_000, ...request };
  const messages = [...answererOf(store)(fromPullRequest(toPullRequest(whole)))];
  const updates = messages.filter((message) => message.type === 'update').map(({ update }) => update);
  const end = messages.at(-1) as Extract<LaneMessage, { type: 'pull-end' }>;
  return { updates, unavailable: end.end.unavailable.toString().split(':').at(-1) };
}

test('a pull is answered with data, with what was purged, marked so, or with what is not here', async (t) => {
  const { tw, dot } = await purged(t);
  const { updates, unavailable } = ask(tw, { wanted: all(dot), applied: tw.store.vectors.applied });
  assert.deepEqual(
    updates.map(({ header, stubDigest }) => [header.dot.sequence, stubDigest !== undefined]),
    [
      [4, false],
      [3, false],
      [2, true],
      [1, false],
    ],
  );
  assert.equal(unavailable, '5');
});

test('a stub is not here for a node that has not applied the purge: that might be lost, and others have the values', async (t) => {
  const { tw, dot } = await purged(t);
  const before = TransportVector.of([[dot, IntervalSet.range(1, 3)]]);
  for (const applied of [before, TransportVector.empty]) {
    const { updates, unavailable } = ask(tw, { wanted: all(dot), applied });
    assert.deepEqual(
      updates.map(({ header }) => header.dot.sequence),
      [4, 3, 1],
    );
    assert.equal(unavailable, '2,5');
  }
});

test('a node of version 0.1.0 does not say what it has applied, and is given no stub', async (t) => {
  const { tw, dot } = await purged(t);
  const old = toPullRequest({ id: 1, wanted: all(dot), programs: [], maxBytes: 1_000_000 });
  delete (old as { applied?: unknown }).applied;
  const messages = [...answererOf(tw.store)(fromPullRequest(old))];
  const updates = messages.filter((message) => message.type === 'update').map(({ update }) => update);
  assert.deepEqual(
    updates.map(({ header }) => header.dot.sequence),
    [4, 3, 1],
  );
});

test('a stub goes over a lane as it is, and one that was changed on the way is refused', async (t) => {
  const { tw, dot } = await purged(t);
  const update = tw.store.log.get(dot)!;
  const message = toWaferUpdate({ type: 'update', update });
  assert.deepEqual(fromWaferUpdate(message), { type: 'update', update });
  const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
  for (const part of ['header', 'delta_data', 'digest', 'stub_digest'] as const) {
    const changed = { ...message, [part]: flip(message[part] ?? new Uint8Array()) };
    assert.equal(fromWaferUpdate(changed).type, 'refused', part);
  }
  const { stub_digest: _, ...unmarked } = message;
  assert.equal(fromWaferUpdate(unmarked).type, 'refused', 'nor does it pass for the update in full');
});
