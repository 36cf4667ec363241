import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AttemptModel, PART_FLAG, TEST_FLAG } from '../../src/generator/attempt-model.ts';
import { PRESETS } from '../../src/generator/presets.ts';
import { touchdowns } from '../../src/generator/touchdowns.ts';
import { passed } from '../../src/wafer/attempt.ts';
import { countingAttempts, type YieldView } from '../../src/wafer/views.ts';
import { attemptsOf, lotOf } from './lots.ts';

interface Retested {
  readonly dies: number;
  readonly retests: number;
  readonly failedBefore: number;
  readonly recovered: number;
  readonly degraded: number;
}

function retestsOf(attempts: readonly AttemptModel[]): Retested {
  const first = new Map<number, boolean>();
  const counts = { retests: 0, failedBefore: 0, recovered: 0, degraded: 0 };
  for (const { die, firstFail } of attempts) {
    const before = first.get(die.index);
    const passes = firstFail === -1;
    if (before === undefined) {
      assert.equal(counts.retests, 0, 'retests come at the end of the wafer');
      first.set(die.index, passes);
      continue;
    }
    counts.retests++;
    if (!before) counts.failedBefore++;
    if (!before && passes) counts.recovered++;
    if (before && !passes) counts.degraded++;
  }
  return { dies: first.size, ...counts };
}

test('retests keep within their bands: 5–12 % of the dies, 40–50 % recover, 1–2 % get worse', () => {
  const all: Retested[] = [];
  for (let seed = 1; seed <= 30; seed++) {
    for (const wafer of attemptsOf(lotOf({ seed, wafers: 4, dies: 300, tests: 12 })))
      all.push(retestsOf(wafer));
  }
  for (const { retests, dies } of all) {
    assert.equal(dies, 300);
    assert.ok(retests >= 15 && retests <= 36, `${retests} of ${dies} retested`);
  }
  const sum = (key: keyof Retested): number => all.reduce((total, each) => total + each[key], 0);
  const recovered = sum('recovered') / sum('failedBefore');
  const degraded = sum('degraded') / sum('retests');
  assert.ok(recovered > 0.4 && recovered < 0.5, `${recovered} recovered`);
  assert.ok(degraded > 0.01 && degraded < 0.02, `${degraded} got worse`);
});

test('in lots of every size, some die passes first and fails last, so that no two views tell the same yield', () => {
  for (const size of Object.values(PRESETS)) {
    // Few tests, that the large ones take no minutes; dies and wafers are those of the size.
    const attempts = attemptsOf(lotOf({ ...size, tests: 5, wafers: Math.min(size.wafers, 2) }));
    const good = (view: YieldView) => {
      const counting = attempts.flatMap((wafer) => [...countingAttempts(wafer.map(asViewed), view)]);
      return counting.filter((attempt) => attempt.passed).length;
    };
    const [last, first, best, worst] = [good('last'), good('first'), good('best'), good('worst')];
    assert.ok(worst < first && first < last && last < best, `${worst} ${first} ${last} ${best}`);
  }
});

function asViewed(attempt: AttemptModel) {
  const { x, y } = attempt.die;
  return { ...attempt, x, y, passed: passed(attempt) };
}

test('testing stops at the first failure, whose test gives the bins', () => {
  const lot = lotOf({ dies: 300 });
  const attempts = attemptsOf(lot)[0]!;
  const failing = attempts.filter((attempt) => attempt.firstFail !== -1);
  assert.ok(failing.length > 10);
  for (const { results, softBin, hardBin, partFlags, testCount } of attempts) {
    const fails = results.filter((result) => result.flags & TEST_FLAG.failed);
    const last = results.at(-1)!.test;
    assert.equal(testCount, results.length);
    if (fails.length === 0) {
      assert.deepEqual([hardBin, softBin, partFlags, results.length], [1, 1, 0, lot.flow.length]);
    } else {
      assert.deepEqual([fails.length, fails[0]!.test], [1, last]);
      assert.deepEqual([hardBin, softBin, partFlags], [last.hardBin, last.softBin, PART_FLAG.failed]);
    }
  }
});

test('without a stop all tests are executed, and the first failing one gives the bins', () => {
  const lot = lotOf({ dies: 300, stopOnFail: false, nonFinite: 0.05 });
  let several = 0;
  for (const { results, softBin } of attemptsOf(lot)[0]!) {
    const fails = results.filter((result) => result.flags & TEST_FLAG.failed);
    assert.equal(results.length, lot.flow.length);
    assert.equal(softBin, fails[0]?.test.softBin ?? 1);
    if (fails.length > 1) several++;
  }
  assert.ok(several > 10);
});

test('a result fails exactly where a value is beyond its limits, unless it has no verdict', () => {
  const lot = lotOf({ dies: 200, mprShare: 0.1, nonFinite: 0.02, oddFlags: 0.02, stopOnFail: false });
  const seen = new Set<number>();
  for (const { results } of attemptsOf(lot)[0]!) {
    for (const { test: each, flags, values } of results) {
      seen.add(flags);
      if (flags & TEST_FLAG.noVerdict) continue;
      const { low, high } = each.limits;
      const beyond = values.some((v) => (low !== null && v < low) || (high !== null && v > high));
      assert.equal(flags, beyond ? TEST_FLAG.failed : 0);
    }
  }
  assert.ok(seen.size >= 5, 'alarms, timeouts, tests not executed, NaN');
});

test('a die measured twice is the same die: its two values differ by little', () => {
  const lot = lotOf({ dies: 600, tests: 30, nonFinite: 0, oddFlags: 0, repeatedTests: 0 });
  const { index, distribution } = lot.tests.find((each) => each.distribution?.shape === 'normal')!;
  const first = new Map<number, number>();
  const apart: number[] = [];
  for (const attempt of attemptsOf(lot)[0]!) {
    const value = attempt.results[index]?.values[0];
    if (value === undefined || attempt.firstFail === index) continue;
    const before = first.get(attempt.die.index);
    if (before === undefined) first.set(attempt.die.index, value);
    else apart.push((value - before) / distribution!.spread);
  }
  const spread = Math.sqrt(apart.reduce((sum, each) => sum + each * each, 0) / apart.length);
  assert.ok(apart.length > 15 && spread > 0.2 && spread < 0.8, `${spread} of ${apart.length}`);
});

test('a wafer does not depend on the wafers before it, nor on how many there are', () => {
  const one = lotOf({ wafers: 1 });
  const five = lotOf({ wafers: 5 });
  assert.deepEqual([...touchdowns(five, five.wafers[0]!)], [...touchdowns(one, one.wafers[0]!)]);
  const late = [...touchdowns(five, five.wafers[4]!)];
  assert.deepEqual(late, [...touchdowns(lotOf({ wafers: 5 }), five.wafers[4]!)]);
  assert.notDeepEqual(late[0]!.attempts[0]!.results, attemptsOf(one)[0]![0]!.results);
});

test('touchdowns follow each other in time, within the time of their wafer', () => {
  const lot = lotOf({ wafers: 3, dies: 100 });
  let free = 0;
  for (const wafer of lot.wafers) {
    for (const { startMs, attempts } of touchdowns(lot, wafer)) {
      assert.ok(startMs >= free && startMs >= wafer.startMs);
      free = startMs + Math.max(...attempts.map((attempt) => attempt.timeMs));
    }
    assert.ok(free <= (lot.wafers[wafer.index + 1]?.startMs ?? Infinity));
  }
});
