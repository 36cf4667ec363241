import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerJson } from '../../src/cli/peers/peer-json.ts';
import type { Answer } from '../../src/cli/status/ask.ts';
import { type MeshAnswers, meshRows } from '../../src/cli/status/mesh-view.ts';
import { nodeJson } from '../../src/cli/status/node-json.ts';
import { statusText } from '../../src/cli/status/screen-text.ts';
import { WafersyncError } from '../../src/errors.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import { fromNumber } from '../../src/wire/long.ts';
import type { Message } from '../../src/wire/message.ts';

const { PeerCondition } = wafersync.v1;
const NOW = Date.UTC(2026, 0, 2);
const AWAY = new WafersyncError('unavailable', 'no node answers at de:1', { hint: 'Start the node.' });

function answerOf(
  fab_id: string,
  node: Partial<Message<'NodeState'>> = {},
  peers: readonly Message<'Peer'>[] | null = [],
): Answer {
  return {
    node: nodeJson({ fab_id, members: ['az', 'de', 'tw'], version: '0.2.0', ...node }),
    peers: peers === null ? null : peers.map(peerJson),
  };
}

function meshOf(named: Answer, others: Readonly<Record<string, Answer | WafersyncError>>): MeshAnswers {
  return {
    named,
    others: new Map(Object.entries(others)),
    addresses: new Map([['de', 'de:1']]),
    address: 'tw:1',
  };
}

const up = (fab_id: string, behind = 0) => ({
  fab_id,
  outbound_up: true,
  inbound_up: true,
  behind_updates: fromNumber(behind),
});

test('a node that is cut off is behind by what the others know, since the oldest of that was born', () => {
  const de = {
    fab_id: 'de',
    outbound_up: false,
    inbound_up: false,
    last_error: 'ECONNREFUSED',
    behind_updates: fromNumber(7),
  };
  const tw = answerOf('tw', { peers: [up('az'), de] }, [
    {
      fab_id: 'de',
      state: PeerCondition.PEER_CONDITION_DIALLING,
      since_ms: fromNumber(NOW - 9_000),
      lacks_updates: fromNumber(7),
      lacks_bytes: fromNumber(900),
      lacks_bytes_counted: true,
      lacks_since_ms: fromNumber(NOW - 8_000),
    },
  ]);
  const az = answerOf('az', { peers: [up('tw'), { ...de, behind_updates: fromNumber(9) }] }, [
    {
      fab_id: 'de',
      lacks_updates: fromNumber(9),
      lacks_bytes: fromNumber(1_100),
      lacks_since_ms: fromNumber(NOW - 60_000),
    },
  ]);
  // It answers, and has heard of nothing: by itself it lacks nothing.
  const alone = answerOf('de', { missing_updates: fromNumber(0) });
  for (const other of [alone, AWAY]) {
    const row = meshRows(meshOf(tw, { az, de: other }))[1]!;
    assert.deepEqual([row.fab_id, row.state, row.since_ms], ['de', 'dialling', NOW - 9_000]);
    assert.deepEqual(
      [row.behind_updates, row.behind_bytes, row.behind_bytes_counted, row.behind_since_ms],
      [9, 1_100, false, NOW - 60_000],
    );
    assert.equal(row.answered, other === alone);
    assert.equal(row.why[0], 'is not connected with az, tw: no node answers there (connection refused)');
  }
  const text = statusText(meshOf(tw, { az, de: AWAY }), NOW);
  assert.match(text, /^3 fabs, BEHIND: de lacks 9 updates, born from 1 min 0 s ago on$/m);
  assert.match(text, /^de +no, dialled +9\.0 s +9 +~1\.1 KiB +1 min 0 s +- +-$/m);
  assert.match(text, /^de: shown as the others know it, for it did not answer: no node answers at de:1$/m);
});

test('on the screen it is told once of a pair that it is not connected, at the fab that is cut off', () => {
  const down = (fab_id: string, last_error: string) => ({
    ...{ fab_id, outbound_up: false, inbound_up: false, last_error },
  });
  const { LANE_KIND_ALL } = wafersync.v1.LaneKind;
  const PAUSE = { fab_id: 'de', lanes: LANE_KIND_ALL, author: 'kim', reason: 'new disk' };
  const mesh = meshOf(answerOf('tw', { peers: [up('az'), down('de', 'ECONNREFUSED')] }), {
    az: answerOf('az', { peers: [up('tw'), { ...down('de', ''), pause: PAUSE }] }),
    de: answerOf('de', {
      peers: [down('az', 'az has paused de: new disk. Nothing is lost.'), down('tw', 'ECONNREFUSED')],
    }),
  });
  const why = statusText(mesh, NOW).match(/^\w\w: .*$/gm);
  assert.deepEqual(why, [
    'de: is not connected with tw: no node answers there (connection refused)',
    'de: is not connected with az: az has paused de: new disk. Nothing is lost.',
  ]);
  // Programs look at the row of the fab that they ask about.
  assert.deepEqual(
    meshRows(mesh).map((row) => row.why.length),
    [1, 2, 1],
  );
  const differing = meshOf(answerOf('tw', { peers: [down('az', '')] }), {
    az: answerOf('az', { peers: [down('tw', 'tw has paused az: why')] }),
  });
  assert.deepEqual(statusText(differing, NOW).match(/^\w\w: .*$/gm), [
    'az: is not connected with tw: tw has paused az: why',
  ]);
  const apart = meshOf(answerOf('tw', { peers: [down('az', 'it is full')] }), {
    az: answerOf('az', { peers: [down('tw', 'ECONNREFUSED')] }),
  });
  assert.deepEqual(statusText(apart, NOW).match(/^\w\w: .*$/gm), [
    'az: is not connected with tw: it is full',
    'tw: is not connected with az: no node answers there (connection refused)',
  ]);
});

test('the database and the clocks have a line each', () => {
  const node = {
    database: { file: '/var/lib/wafersync/wafersync.db', bytes: fromNumber(2048), wal_bytes: fromNumber(0) },
    clock: { greatest_offset_fab_id: 'az', greatest_offset_ms: 6.5, greatest_offset_uncertainty_ms: 27.5 },
  };
  assert.match(
    statusText(meshOf(answerOf('tw', node), {}), NOW),
    /^database \/var\/lib\/wafersync\/wafersync\.db of 2\.0 KiB and 0 B of log\S*.*\nof all clocks that of az is farthest off, \+6\.5 ±27\.5 ms$/m,
  );
});

test('what keeps a node behind is told: its disk, what is held, its clock, who does not reach it', () => {
  const tw = answerOf('tw', { peers: [up('az', 3)] }, [
    { fab_id: 'az', state: PeerCondition.PEER_CONDITION_CONNECTED, clock: { offset_ms: -61_000 } },
  ]);
  const az = answerOf(
    'az',
    {
      missing_updates: fromNumber(3),
      held_updates: fromNumber(2),
      storage: {
        ...{ full: true, full_for_ms: fromNumber(5_000) },
        ...{ wal_stuck: true, wal_stuck_for_ms: fromNumber(60_000) },
      },
      peers: [{ fab_id: 'tw', outbound_up: true, inbound_up: false }],
    },
    [{ fab_id: 'tw', received: { updates_per_s: 12.5 } }],
  );
  const [row, , named] = meshRows(meshOf(tw, { az }));
  assert.deepEqual(row?.why, [
    'its disk is full for 5.0 s',
    'its write-ahead log is stuck for 1 min 0 s',
    '2 updates held back',
    'receives 12.5 updates/s',
    'its clock is 1 min 1 s behind',
  ]);
  assert.deepEqual([named?.fab_id, named?.state, named?.why], ['tw', 'asked', ['does not dial az']]);
});

test('the lag of a fab is that of its latest update, without the offset of the clocks where that is known', () => {
  const lag = (ms: number, corrected: boolean, at: number) => ({
    lag: { ms, corrected, uncertainty_ms: corrected ? 2 : 0, at_ms: fromNumber(NOW + at) },
  });
  // By the clocks as they are it took 60 s: the clock of de, where it was born, is a minute behind.
  const tw = answerOf('tw', { last_lag_ms: 60_041 }, [
    { fab_id: 'az', ...lag(900, true, -5_000) },
    { fab_id: 'de', ...lag(41, true, -1_000) },
    { fab_id: 'kr' },
  ]);
  const az = answerOf('az', { last_lag_ms: 77 }, [
    { fab_id: 'de', ...lag(900, true, -5_000) },
    { fab_id: 'kr', ...lag(77, false, -1_000) },
  ]);
  const de = answerOf('de', { last_lag_ms: 5 }, []);
  const kr = answerOf('kr', { last_lag_ms: 12 }, null);
  const mesh = meshOf(tw, { az, de, kr });
  const rows = meshRows(mesh);
  assert.deepEqual(
    rows.map(({ fab_id, last_lag_ms, latest_lag }) => [
      fab_id,
      last_lag_ms,
      latest_lag?.fab_id,
      latest_lag?.ms,
    ]),
    [
      ['az', 77, 'kr', 77],
      ['de', 5, undefined, undefined],
      ['kr', 12, '', 12],
      ['tw', 60_041, 'de', 41],
    ],
  );
  const text = statusText(mesh, NOW);
  assert.match(text, /^0 wafers, .* updates, the last from elsewhere took 41 ms$/m);
  assert.match(text, /^az .* 77 ms \? +-$/m);
  assert.match(text, /^de .* - +-$/m);
  assert.match(text, /^kr .* 12 ms \? +-$/m);
  assert.match(text, /^tw .* 41 ms +-$/m);
});

test('nodes of the version before, which do not list their peers, are shown as well', () => {
  const tw = answerOf('tw', { peers: [up('az', 4), { fab_id: 'de', inbound_up: true }] }, null);
  const [az, de] = meshRows(meshOf(tw, { az: answerOf('az', {}, null) }));
  assert.deepEqual(
    [az?.state, az?.behind_updates, az?.behind_since_ms, az?.free_bytes],
    ['connected', 4, 0, null],
  );
  assert.deepEqual([de?.state, de?.answered, de?.error], ['only-from', false, '']);
});

test('where nobody lacks anything, it says so', () => {
  const text = statusText(meshOf(answerOf('tw', { peers: [up('az'), up('de')] }), {}), NOW);
  assert.match(text, /^3 fabs, nobody is known to be behind$/m);
});

test('a state that only a newer version knows is told by its number', () => {
  assert.equal(peerJson({ fab_id: 'az', state: 99 as never }).state, '99');
});
