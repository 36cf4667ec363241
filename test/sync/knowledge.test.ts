import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epoch, fabId } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { InboundLane } from '../../src/sync/inbound-lane.ts';
import { Knowledge } from '../../src/sync/knowledge.ts';
import { emptyReport, type Report } from '../../src/sync/report.ts';
import { transportVector } from '../support/clock-arbitraries.ts';
import { helloOf, originOf, reportOf, updateOf } from '../support/mesh-messages.ts';
import { dots } from '../support/mesh-replica.ts';

const report: fc.Arbitrary<Report> = fc.record({
  node: fc.record({
    fab: fc.constantFrom('tw', 'az', 'kr').map(fabId),
    epoch: fc.constantFrom(1, 2).map(epoch),
  }),
  number: fc.nat(20),
  received: transportVector,
  held: fc.constant(TransportVector.empty),
});

test('what is missing is what the latest report of any other node has and this node has not', () => {
  fc.assert(
    fc.property(transportVector, fc.array(report, { maxLength: 20 }), (received, reports) => {
      const own = { ...emptyReport(originOf('tw')), received };
      const knowledge = new Knowledge(own, reports.slice(0, 3));
      for (const next of reports.slice(3)) {
        knowledge.learn(next);
        let all = TransportVector.empty;
        for (const latest of knowledge.reports()) all = all.join(latest.received);
        assert.ok(knowledge.missing().equals(all.difference(received)));
        assert.ok(knowledge.reports().every(({ node }) => node.fab !== 'tw'));
      }
    }),
  );
});

test('what waits to be stored is not ripe, and is again when the store could not take it', () => {
  const knowledge = new Knowledge(emptyReport(originOf('tw')), [reportOf('az', 3, 3)]);
  const ripe = () => knowledge.ripe([], new Map()).get(originOf('az')).toString();
  assert.equal(ripe(), '1-3');
  const { dot } = updateOf('az', 2).header;
  knowledge.pend(dot, 100);
  assert.equal(ripe(), '1,3');
  assert.equal(knowledge.pendingBytes, 100);
  knowledge.unpend(dot, 100);
  assert.equal(ripe(), '1-3');
  assert.equal(knowledge.pendingBytes, 0);
});

test('of a fab that comes live only what its source announced is ripe; of its earlier life, all', () => {
  const earlier = dots(originOf('az', 1), 1, 4);
  const received = earlier.join(dots(originOf('az', 2), 1, 9));
  const known = { ...reportOf('kr', 5, 0), received };
  const knowledge = new Knowledge(emptyReport(originOf('tw')), [known]);
  const lane = new InboundLane(1, fabId('az'), helloOf('tw'));
  const sources = new Map([[fabId('az'), { fab: fabId('az'), path: [fabId('az')] }]]);
  const ripe = () => knowledge.ripe([lane], sources);
  assert.ok(ripe().equals(earlier));
  lane.announced = dots(originOf('az', 2), 1, 6);
  assert.ok(ripe().equals(earlier.join(dots(originOf('az', 2), 1, 6))));
  assert.ok(knowledge.ripe([], new Map()).equals(received));
});

test('a database that began anew and has borne nothing yet leaves its earlier life ripe', () => {
  const earlier = dots(originOf('az', 1), 1, 4);
  const known = { ...reportOf('kr', 5, 0), received: earlier };
  const lane = new InboundLane(1, fabId('az'), helloOf('tw'));
  const sources = new Map([[fabId('az'), { fab: fabId('az'), path: [fabId('az')] }]]);
  const knowledge = new Knowledge(emptyReport(originOf('tw')), [known]);
  assert.ok(knowledge.ripe([lane], sources).isEmpty);
  knowledge.learn(emptyReport(originOf('az', 2)));
  assert.ok(knowledge.ripe([lane], sources).equals(earlier));
});

test('a node that says less of itself than was heard of it is told what was heard, until it says as much', () => {
  const knowledge = new Knowledge(emptyReport(originOf('tw')), []);
  const az = fabId('az');
  knowledge.learn(reportOf('az', 9, 5), az);
  assert.deepEqual(knowledge.relayable(az), [], 'it knows that itself');
  knowledge.learn(reportOf('az', 4, 3), az);
  assert.deepEqual(
    knowledge.relayable(az).map(({ number }) => number),
    [9],
  );
  knowledge.learn(reportOf('az', 10, 6), az);
  assert.deepEqual(knowledge.relayable(az), []);
  knowledge.learn({ ...reportOf('az', 1, 0), node: originOf('az', 2) });
  knowledge.learn(reportOf('az', 11, 7), az);
  assert.deepEqual(
    knowledge.relayable(az).map(({ node }) => node),
    [originOf('az', 2)],
    'of a later life as well',
  );
});

test('what only a lost disk had is named when another database of the fab goes on', () => {
  const knowledge = new Knowledge(
    { ...emptyReport(originOf('tw')), received: dots(originOf('az'), 1, 3) },
    [],
  );
  const lostWith = (next: Report) => knowledge.learn(next)?.lost.toString();
  const others = dots(originOf('kr'), 1, 9);
  assert.equal(lostWith({ ...reportOf('az', 9, 7), received: dots(originOf('az'), 1, 7).join(others) }), '');
  assert.equal(lostWith({ ...reportOf('kr', 1, 0), received: dots(originOf('az'), 5, 5) }), '');
  const anew = originOf('az', 2);
  const lost = dots(originOf('az'), 4, 4).join(dots(originOf('az'), 6, 7));
  assert.equal(lostWith(emptyReport(anew)), lost.toString(), 'of its own, what neither tw nor kr has');
  assert.equal(lostWith({ ...emptyReport(anew), number: 1 }), '', 'once');
});
