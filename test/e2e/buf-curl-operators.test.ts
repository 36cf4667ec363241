import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { BufSubscription, bufCall, bufCurl, bufFailure, type Json } from '../support/buf-curl.ts';
import { Cluster } from '../support/cluster.ts';
import { importFile } from '../support/run-client.ts';

const FABS = ['tw', 'az', 'de'] as const;
const WHY = { author: 'kim', reason: 'we looked' };
/** Called by buf-curl.test.ts, or by nodes alone. */
const ELSEWHERE = ['SyncControl/ListFabs', 'VerifyService/CompareDigests'];

describe('three real processes and an operator with buf curl, without proto files', () => {
  const lot = demoLot({ number: 1, wafers: 1 });
  const called = new Set<string>();
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.start(FABS);
    await importFile(cluster.address('tw'), lot.fileName, lot.stdf, FABS);
  });

  after(async () => {
    await cluster.stop();
  });

  const pathOf = (method: string): string => {
    called.add(method);
    return `/wafersync.v1.${method}`;
  };
  const call = async (method: string, request: Json = {}): Promise<Json> => {
    const answers = await bufCall(cluster.address('tw'), pathOf(method), request);
    return answers.at(-1)!;
  };
  /** Calls what goes on without end, until an answer matches. */
  const follow = async (method: string, request: Json, matches: (answer: Json) => boolean): Promise<Json> => {
    const subscription = new BufSubscription(cluster.address('tw'), pathOf(method), request);
    try {
      return await subscription.message(matches);
    } finally {
      await subscription.end();
    }
  };
  const fabsOf = (list: unknown) => (list as { fabId: string }[]).map(({ fabId }) => fabId);

  test('the node, its peers, and what it holds', { timeout: 60_000 }, async () => {
    const { node } = (await call('SyncMonitor/GetNode')) as { node: Json };
    assert.deepEqual([node.fabId, node.members, node.wafers], ['tw', ['az', 'de', 'tw'], '1']);
    const watched = await follow('SyncMonitor/WatchNode', { min_interval_ms: 20 }, () => true);
    assert.equal((watched.node as Json).fabId, 'tw');
    const { peers } = (await call('SyncMonitor/ListPeers')) as { peers: Json[] };
    assert.deepEqual(fabsOf(peers), ['az', 'de']);
    for (const peer of peers) {
      assert.match(String(peer.state), /^PEER_CONDITION_(CONNECTED|ONLY_TO|ONLY_FROM)$/);
      assert.match(String(peer.address), /^127\.0\.0\.1:\d+$/);
      assert.ok((peer.lanes as Json[]).some(({ kind }) => kind === 'PEER_LANE_KIND_LIVE_TO'));
      assert.equal(peer.lacksUpdates ?? '0', '0');
    }
    assert.deepEqual(await call('SyncMonitor/ListHeld'), {});
  });

  test('wafers and lots', { timeout: 60_000 }, async () => {
    const [wafer_id] = lot.wafers;
    const { wafer } = (await call('SyncMonitor/GetWaferStatus', { wafer_id })) as { wafer: Json };
    assert.deepEqual([wafer.lot, wafer.syncedFabs], [lot.lot, ['az', 'de', 'tw']]);
    const { wafers } = (await call('SyncMonitor/ListWafers', { lot: lot.lot, page_size: 5 })) as {
      wafers: Json[];
    };
    assert.deepEqual(wafers, [wafer]);
    const { status } = (await call('SyncMonitor/GetLotStatus', { lot: lot.lot })) as { status: Json };
    assert.deepEqual([status.state, status.complete, status.wafers], ['SYNCED', true, '1']);
    const news = await follow('SyncMonitor/WatchSyncStatus', { lot: lot.lot }, (answer) => 'wafer' in answer);
    assert.equal((news.wafer as Json).waferId, wafer_id);
    const { digest } = await call('SyncMonitor/GetLotDigest', { lot: lot.lot });
    assert.match(String(digest), /^[0-9a-f]{64}$/);
    const { receipt } = (await call('SyncMonitor/WaitForLot', { lot: lot.lot })) as { receipt: Json };
    assert.deepEqual([receipt.confirmed, receipt.digest], [true, digest]);
  });

  test('verification, retention and a backup', { timeout: 60_000 }, async () => {
    const verified = await bufCall(cluster.address('tw'), pathOf('VerifyService/Verify'), {});
    const results = verified.flatMap(({ result }) => (result ? [result as Json] : []));
    assert.deepEqual(fabsOf(results), ['az', 'de']);
    assert.ok(results.every(({ error, different }) => error === undefined && different === undefined));
    assert.deepEqual(fabsOf((await call('VerifyService/GetVerification')).peers), ['az', 'de']);
    assert.deepEqual(await call('RetentionService/PlanPurge', { older_than_days: 36_500 }), {});
    const { purges } = await call('RetentionService/Purge', { older_than_days: 36_500, ...WHY });
    assert.equal(purges, undefined, 'nothing is as old');
    assert.deepEqual(await call('RetentionService/ListPurges'), {});
    const { end } = (await call('BackupService/Backup')) as { end: Json };
    assert.equal((end.manifest as Json).fabId, 'tw');
  });

  test('all that steers, each told by ListActs', { timeout: 60_000 }, async () => {
    const { pause } = (await call('SyncControl/PausePeer', { fab_id: 'az', ...WHY })) as { pause: Json };
    assert.deepEqual([pause.fabId, pause.lanes, pause.reason], ['az', 'LANE_KIND_ALL', 'we looked']);
    const { ended } = (await call('SyncControl/ResumePeer', { fab_id: 'az', ...WHY })) as { ended: Json };
    assert.equal(ended.sinceMs, pause.sinceMs);
    const rate = { fab_id: 'az', bytes_per_s: 1_000_000, ...WHY };
    const { limit } = (await call('SyncControl/SetPeerLimit', rate)) as { limit: Json };
    assert.equal(limit.nowBytesPerS, '1000000');
    assert.deepEqual(await call('SyncControl/SetPeerLimit', { fab_id: 'az', ...WHY }), {});
    assert.equal((await call('SyncControl/Drain', WHY)).drained, true);
    assert.deepEqual(await call('SyncControl/CancelDrain', WHY), { wasDraining: true });
    const state = (answer: Json) => (answer.fab as Json).state;
    assert.equal(state(await call('SyncControl/AddFab', { fab_id: 'il', ...WHY })), 'FAB_STATE_MEMBER');
    const evict = { fab_id: 'il', confirm_fab_id: 'il', ...WHY };
    assert.equal(state(await call('SyncControl/EvictFab', evict)), 'FAB_STATE_EVICTED');
    for (const method of ['SyncControl/ReleaseHeld', 'SyncControl/DropHeld']) {
      const dot = { fab_id: 'il', epoch: 1, sequence: 57 };
      const failure = await bufFailure(cluster.address('tw'), pathOf(method), { dot, ...WHY });
      assert.equal(failure.code, 'not_found');
      assert.match(String(failure.message), /:57 is not held: it is not here\. `wafersync held list` tells/);
    }
    const removed = await bufFailure(cluster.address('tw'), pathOf('SyncControl/RemoveFab'), {
      fab_id: 'kr',
      ...WHY,
    });
    assert.match(
      String(removed.message),
      /^kr is no fab of this mesh\. It has az, de, tw\. `wafersync fab add` adds one\.$/,
    );
    const { acts } = (await call('SyncControl/ListActs')) as { acts: Json[] };
    assert.deepEqual(
      acts.map(({ act, author }) => `${act} ${author}`).reverse(),
      [
        'peer.pause',
        'peer.resume',
        'peer.limit',
        'peer.limit',
        'node.drain',
        'node.drain_cancel',
        'fab.add',
        'fab.evict',
      ].map((act) => `${act} kim`),
    );
  });

  test('of the services for operators no method is left out', { timeout: 60_000 }, async (t) => {
    // The tests above are done by then: one that failed is told by itself.
    const { stdout } = await bufCurl(cluster.address('tw'), '', '--list-methods');
    const methods = stdout
      .split('\n')
      .map((line) => line.replace('wafersync.v1.', ''))
      .filter((name) =>
        /^(SyncMonitor|SyncControl|VerifyService|RetentionService|BackupService)\//.test(name),
      );
    t.diagnostic(`${methods.length} methods`);
    assert.deepEqual([...called, ...ELSEWHERE].sort(), methods.sort());
  });
});
