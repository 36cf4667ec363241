import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import { LaneTraffic } from '../../src/sync/lane-traffic.ts';
import type { LaneMessage, PeerStatus } from '../../src/sync/messages.ts';
import type { Stream, StreamHandlers, Transport } from '../../src/sync/transport/transport.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import { updateBytes } from '../../src/wafer/update.ts';
import { updateOf } from '../support/mesh-messages.ts';

const AZ = fabId('az');
const STATUS = { hello: null, report: null, acknowledged: 0, wants: null, relayed: [], echoUs: 0 };

/** A transport whose live lanes keep what is sent, and what they were given to tell it by. */
function dialled(traffic: LaneTraffic) {
  const sent: LaneMessage[] = [];
  const told: string[] = [];
  let inner: StreamHandlers<PeerStatus> | null = null;
  const transport = {
    dialLive: (_peer: string, handlers: StreamHandlers<PeerStatus>): Stream<LaneMessage> => {
      inner = handlers;
      return { send: (message) => sent.push(message) < 3, close: (error) => handlers.down(error) };
    },
    close: () => told.push('closed'),
  } as unknown as Transport;
  const counted = traffic.counted(transport);
  const stream = counted.dialLive(AZ, {
    message: ({ acknowledged }) => told.push(`acknowledged ${acknowledged}`),
    writable: () => told.push('writable'),
    down: ({ message }) => told.push(message),
  });
  return { counted, stream, sent, told, inner: () => inner! };
}

test('updates and programs are counted with their bytes, everything else as a message', () => {
  const traffic = new LaneTraffic();
  const { stream, sent, inner } = dialled(traffic);
  const update = updateOf('tw', 1);
  assert.equal(stream.send({ type: 'update', update }), true);
  stream.send({ type: 'program', digest: 'x' as ProgramDigest, body: new Uint8Array(77) });
  inner().message({ ...STATUS, acknowledged: 2 });
  assert.deepEqual(
    [...traffic.all],
    [
      {
        ...{ peer: AZ, lane: 'live', sentMessages: 2, sentBytes: updateBytes(update) + 77 },
        ...{ receivedMessages: 1, receivedBytes: 0 },
      },
    ],
  );
  assert.equal(sent.length, 2);
});

test('a lane that is counted does what it does otherwise', () => {
  const { counted, stream, told, inner } = dialled(new LaneTraffic());
  const update = updateOf('tw', 1);
  const answers = Array.from({ length: 3 }, () => stream.send({ type: 'update', update }));
  assert.deepEqual(answers, [true, true, false], 'whether there is room is passed on');
  inner().message({ ...STATUS, acknowledged: 5 });
  inner().writable();
  stream.close(new WafersyncError('cancelled', 'over'));
  counted.close();
  assert.deepEqual(told, ['acknowledged 5', 'writable', 'over', 'closed']);
});

test('the lanes of one kind to one peer are counted together, over all that there were', () => {
  const traffic = new LaneTraffic();
  for (const _ of [1, 2]) dialled(traffic).stream.send({ type: 'update', update: updateOf('tw', 1) });
  assert.equal(traffic.of(AZ, 'live').sentMessages, 2);
  assert.equal(traffic.of(AZ, 'offer').sentMessages, 0);
});
