import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epoch, fabId, sequence } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { AppliedMarks } from '../../src/sync/applied-marks.ts';
import type { Report } from '../../src/sync/report.ts';

const TW = { fab: fabId('tw'), epoch: epoch(2 ** 40) };
const AZ = { fab: fabId('az'), epoch: epoch(2 ** 40) };
const dot = (at: number) => ({ ...TW, sequence: sequence(at) });
const upTo = (last: number, from = 1) => TransportVector.of([[TW, IntervalSet.range(from, last)]]);

function report(received: TransportVector, held = TransportVector.empty, node = AZ): Report {
  return { node, number: 1, received, held };
}

test('what a fab had when it was first heard of has no time; what it applies later has', () => {
  const marks = new AppliedMarks();
  marks.heard([report(upTo(5))], 1_000);
  marks.heard([report(upTo(8))], 2_000);
  marks.heard([report(upTo(8))], 3_000);
  assert.deepEqual(
    [5, 6, 8, 9].map((at) => marks.at(AZ.fab, dot(at))),
    [null, 2_000, 2_000, null],
  );
  assert.equal(marks.at(fabId('de'), dot(6)), null);
});

test('what a fab has when it is first heard of after a restart has no time either', () => {
  const marks = new AppliedMarks();
  const kept = report(upTo(5));
  marks.remembered([kept]);
  marks.heard([kept], 1_000);
  marks.heard([report(upTo(8))], 2_000);
  marks.heard([report(upTo(9))], 3_000);
  assert.deepEqual([marks.at(AZ.fab, dot(7)), marks.at(AZ.fab, dot(9))], [null, 3_000]);
});

test('an update that is held is not applied until it is released', () => {
  const marks = new AppliedMarks();
  marks.heard([report(upTo(5))], 1_000);
  marks.heard([report(upTo(7), upTo(6, 6))], 2_000);
  assert.deepEqual([marks.at(AZ.fab, dot(6)), marks.at(AZ.fab, dot(7))], [null, 2_000]);
  marks.heard([report(upTo(7))], 9_000);
  assert.deepEqual([marks.at(AZ.fab, dot(6)), marks.at(AZ.fab, dot(7))], [9_000, 2_000]);
});

test('a fresh update has its time though older ones are still on their way', () => {
  const marks = new AppliedMarks();
  marks.heard([report(upTo(5))], 1_000);
  marks.heard([report(upTo(5).join(upTo(100, 100)))], 2_000);
  marks.heard([report(upTo(100))], 60_000);
  assert.deepEqual([marks.at(AZ.fab, dot(100)), marks.at(AZ.fab, dot(50))], [2_000, 60_000]);
});

test('another life of a database is heard of anew', () => {
  const marks = new AppliedMarks();
  marks.heard([report(upTo(5))], 1_000);
  marks.heard([report(upTo(8))], 2_000);
  marks.heard([report(upTo(9), TransportVector.empty, { ...AZ, epoch: epoch(2 ** 41) })], 3_000);
  assert.deepEqual([marks.at(AZ.fab, dot(6)), marks.at(AZ.fab, dot(9))], [null, null]);
});

test('where room is short, times are late by a second at most, and the oldest are forgotten', () => {
  const room = 40;
  const marks = new AppliedMarks(room);
  marks.heard([report(upTo(1))], 0);
  const born = new Map<number, number>();
  for (let at = 2; at <= 2_000; at++) {
    born.set(at, at * 50);
    marks.heard([report(upTo(at))], at * 50);
  }
  const known = [...born].flatMap(([at, ms]) => {
    const told = marks.at(AZ.fab, dot(at));
    return told === null ? [] : [{ at, late: told - ms }];
  });
  assert.ok(known.every(({ late }) => late >= 0 && late <= 1_000));
  // The last ones are all known, many more than there is room for.
  assert.equal(known.at(-1)!.at, 2_000);
  assert.equal(known.length, 2_000 - known[0]!.at + 1);
  assert.ok(known.length > 2 * room && known.length < 1_000, `${known.length} are known`);
});
