import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId, type Origin } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import type { RenewalWish } from '../../src/sync/fork-searches.ts';
import { OwnLives, renewalWish } from '../../src/sync/own-lives.ts';
import { emptyReport, type Report } from '../../src/sync/report.ts';
import { originOf } from '../support/mesh-messages.ts';
import { dots } from '../support/mesh-replica.ts';

const TW: Origin = originOf('tw');

test('a node learns from others that it was put back, or that its fab lives on elsewhere', () => {
  const own: Report = { node: TW, number: 9, received: dots(TW, 1, 5), held: TransportVector.empty };
  const later = originOf('tw', 2);
  const az = originOf('az');
  const heard = (report: Partial<Report>) => renewalWish(own, { ...emptyReport(az), ...report });
  assert.equal(heard({ received: dots(TW, 1, 5) }), null);
  assert.equal(heard({ received: dots(TW, 2, 4) }), null);
  assert.deepEqual(heard({ received: dots(TW, 6, 6) }), { reason: 'behind', above: TW.epoch });
  assert.deepEqual(heard({ received: dots(later, 1, 1) }), { reason: 'superseded', above: later.epoch });
  assert.equal(heard({ node: TW, number: 9 }), null);
  assert.deepEqual(heard({ node: TW, number: 10 }), { reason: 'behind', above: TW.epoch });
  assert.deepEqual(heard({ node: later, number: 1 }), { reason: 'superseded', above: later.epoch });
  const rotten = { ...own, received: dots(TW, 1, 4), issued: 5 };
  assert.equal(
    renewalWish(rotten, { ...emptyReport(az), received: dots(TW, 1, 5) }),
    null,
    'its last is damaged',
  );
});

test('what a peer said once of this fab counts again when it goes on as a life that is less', () => {
  const suspected: [string, RenewalWish | null][] = [];
  const lives = new OwnLives({ suspect: (peer, _origin, wish) => suspected.push([peer, wish]) });
  const latest = originOf('tw', 3);
  lives.heard(fabId('az'), emptyReport(TW), { ...emptyReport(latest), number: 4 });
  lives.heard(fabId('de'), emptyReport(TW), { ...emptyReport(originOf('de')), number: 4 });
  const wish: RenewalWish = { reason: 'superseded', above: latest.epoch };
  assert.deepEqual(suspected, [['az', wish]]);
  lives.renewed(emptyReport(originOf('tw', 2)));
  assert.deepEqual(suspected.slice(1), [['az', wish]]);
  lives.renewed(emptyReport(originOf('tw', 4)));
  assert.equal(suspected.length, 2);
});
