import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epoch, fabId } from '../../src/clocks/dot.ts';
import {
  appliedOf,
  type Report,
  ReportBook,
  ReportReader,
  ReportSender,
  replaces,
} from '../../src/sync/report.ts';
import { transportVector } from '../support/clock-arbitraries.ts';

/** Any report of one fab; what is held is a part of what was received. */
const report: fc.Arbitrary<Report> = fc
  .record({
    life: fc.integer({ min: 1, max: 2 }),
    number: fc.nat(5),
    has: transportVector,
    held: transportVector,
  })
  .map(({ life, number, has, held }) => ({
    node: { fab: fabId('tw'), epoch: epoch(life) },
    number,
    received: has,
    held: has.intersection(held),
  }));

test('a reader puts the deltas of a sender together to the very reports that went in', () => {
  fc.assert(
    fc.property(fc.array(report, { maxLength: 12 }), (reports) => {
      const sender = new ReportSender();
      const reader = new ReportReader();
      let known: Report | null = null;
      for (const sent of reports) {
        const delta = sender.next(sent);
        if (delta) known = reader.read(delta);
        assert.ok(known);
        assert.equal(known.node.epoch, sent.node.epoch);
        assert.ok(known.received.equals(sent.received), `${known.received} is not ${sent.received}`);
        assert.ok(known.held.equals(sent.held), `${known.held} is not ${sent.held}`);
        assert.ok(
          known.number === sent.number || !delta,
          'only a report without news keeps the older number',
        );
      }
    }),
  );
});

test('a report without news is not sent', () => {
  fc.assert(
    fc.property(report, (sent) => {
      const sender = new ReportSender();
      assert.equal(sender.next(sent)?.full, true);
      assert.equal(sender.next({ ...sent, number: sent.number + 1 }), null);
    }),
  );
});

test('a delta without the report that it builds on is not read', () => {
  const sender = new ReportSender();
  const node = { fab: fabId('tw'), epoch: epoch(1) };
  fc.assert(
    fc.property(report, report, (first, second) => {
      sender.next({ ...first, node });
      const delta = sender.next({ ...second, node });
      if (delta && !delta.full) assert.equal(new ReportReader().read(delta), null);
    }),
  );
});

test('of two reports of a node that differ in life or number, one replaces the other and not the other way', () => {
  fc.assert(
    fc.property(report, report, (a, b) => {
      const same = a.node.epoch === b.node.epoch && a.number === b.number;
      assert.equal(replaces(a, b) !== replaces(b, a), !same);
      assert.ok(replaces(a, undefined));
    }),
  );
});

test('whatever the order of arrival, a book ends with a report that no other replaces', () => {
  fc.assert(
    fc.property(fc.array(report, { minLength: 1, maxLength: 8 }), (reports) => {
      const book = new ReportBook();
      for (const next of reports) {
        const news = replaces(next, book.of(next.node.fab));
        assert.equal(book.record(next), news);
      }
      const [latest] = book.all();
      assert.ok(reports.every((other) => !replaces(other, latest)));
    }),
  );
});

test('applied is what was received and is not held', () => {
  fc.assert(
    fc.property(report, (some) => {
      assert.ok(appliedOf(some).intersection(some.held).isEmpty);
      assert.ok(appliedOf(some).join(some.held).equals(some.received));
    }),
  );
});
