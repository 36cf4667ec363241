import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { WafersyncError } from '../../src/errors.ts';
import { PEER_FAB, PEER_PROTOCOL } from '../../src/sync/transport/grpc-transport.ts';
import { syncControl, syncMonitor, verifyService } from '../../src/wire/services.ts';
import { GrpcCode } from '../../src/wire/status.ts';
import { Cluster } from '../support/cluster.ts';
import { callRaw, closing } from '../support/grpc-client.ts';
import { REFUSALS, WHY } from '../support/refusals.ts';

type Caller = (request: object) => Promise<unknown> | AsyncIterable<unknown>;

/** How a call is refused. */
async function refusal(call: Caller, request: object): Promise<WafersyncError> {
  try {
    const answer = call(request);
    if (Symbol.asyncIterator in answer) for await (const _ of answer) break;
    else await answer;
  } catch (thrown) {
    return WafersyncError.from(thrown);
  }
  throw new Error('it was not refused');
}

describe('on real processes: what a node refuses is told with its code, what is wrong, and the remedy', () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.start(['tw', 'az']);
  });

  after(() => cluster.stop());

  for (const [service, refusals] of REFUSALS) {
    test(service.name, { timeout: 60_000 }, async (t) => {
      const client = makeClient(service, cluster.address('tw'));
      t.after(() => client.close());
      const callers = client as unknown as Readonly<Record<string, Caller>>;
      const told = refusals.map(async ([method, request, code, line]) => {
        const error = await refusal(callers[method]!, request);
        const what = `${method} ${JSON.stringify(request).slice(0, 80)}`;
        assert.equal(error.code, code, `${what}: ${error.line}`);
        assert.match(error.line, line, what);
      });
      await Promise.all(told);
    });
  }

  test('and nothing of it was done', async (t) => {
    const control = makeClient(syncControl, cluster.address('tw'));
    t.after(() => control.close());
    assert.deepEqual((await control.ListActs({})).acts ?? [], []);
    const { fabs } = await control.ListFabs({});
    assert.deepEqual(
      fabs?.map(({ fab_id, pause, limit }) => [fab_id, pause ?? null, limit ?? null]),
      [
        ['az', null, null],
        ['tw', null, null],
      ],
    );
  });

  test('who dials as a node that is no member, as this node itself, or speaks otherwise', async (t) => {
    const path = verifyService.methods.CompareDigests.path;
    const strangers: readonly (readonly [fab: string, protocol: string, line: RegExp])[] = [
      [
        'kr',
        '1',
        /^kr is not a member of this mesh \(az, tw\)\. Add it at one of these fabs: `wafersync fab add kr`\.$/,
      ],
      ['tw', '1', /^this node is tw as well\. Every fab of a mesh runs one node: .* under mesh\.peers\.$/],
      ['az', '99', /^az speaks protocol 99, this node \d+\. Bring both nodes to versions of wafersync that /],
    ];
    for (const [fab, protocol, line] of strangers) {
      const metadata = { [PEER_FAB]: fab, [PEER_PROTOCOL]: protocol };
      const { status } = await callRaw(t, cluster.address('tw'), path, [], { metadata });
      assert.equal(status.code, GrpcCode.FAILED_PRECONDITION, fab);
      assert.match(status.details, line);
    }
  });

  test('an interval that no timer can wait is one of an hour', { timeout: 60_000 }, async (t) => {
    const monitor = closing(t, makeClient(syncMonitor, cluster.address('tw')));
    const control = closing(t, makeClient(syncControl, cluster.address('tw')));
    const seldom = monitor.WatchNode({ min_interval_ms: 2 ** 32 - 1 })[Symbol.asyncIterator]();
    const often = monitor.WatchNode({ min_interval_ms: 20 })[Symbol.asyncIterator]();
    await Promise.all([seldom.next(), often.next()]);
    let again = false;
    void seldom.next().then(
      () => {
        again = true;
      },
      () => {},
    );
    for (let i = 0; i < 3; i++) {
      await control.PausePeer({ fab_id: 'az', ...WHY });
      await often.next();
      await control.ResumePeer({ fab_id: 'az', ...WHY });
      await often.next();
    }
    assert.equal(again, false);
    assert.doesNotMatch(cluster.log('tw'), /TimeoutOverflowWarning/);
  });
});
