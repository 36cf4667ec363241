import { WafersyncError } from '../errors.ts';
import { TEST_FAILED, TEST_NO_PASS_FAIL } from '../wafer/attempt.ts';
import type { Rows } from './batch-builder.ts';
import type { TestTable } from './test-table.ts';
import type { TesterDie, TesterResult } from './tester-result.ts';

/** One result as rows. @throws WafersyncError `invalid` */
export function resultToRows(result: TesterResult, table: TestTable): Rows {
  const { test, value, passed, testFlags, timestampUs, lastOfDie } = result;
  const own = passed ? 0 : TEST_FAILED;
  if (testFlags !== undefined && testFlags !== null) checkFlags(testFlags, passed, test.name);
  return {
    place: result,
    tests: [table.number(test)],
    values: [value],
    flags: [testFlags ?? own],
    timestampUs: timestampUs ?? 0,
    lastOfDie: lastOfDie ?? false,
  };
}

/** A die as rows. @throws WafersyncError `invalid` where its columns differ in length, or it has no results */
export function dieToRows(die: TesterDie, table: TestTable): Rows {
  const { tests, values, passed, testFlags, timestampUs, lastOfDie } = die;
  const { length } = values;
  if (length === 0) throw refusal('values is empty', 'Hand in the dies that have results, and no others.');
  checkLength('tests', tests.length, length);
  if (passed !== undefined) checkLength('passed', passed.length, length);
  if (testFlags !== undefined) checkLength('testFlags', testFlags.length, length);
  if (typeof timestampUs === 'object') checkLength('timestampUs', timestampUs.length, length);
  return {
    place: die,
    tests: table.numbers(tests),
    values,
    flags: flagsOf(die),
    timestampUs: timestampUs ?? 0,
    lastOfDie: lastOfDie ?? true,
  };
}

function flagsOf({ tests, passed, testFlags }: TesterDie): ArrayLike<number> {
  if (passed === undefined) {
    if (testFlags !== undefined) return testFlags;
    throw refusal('neither passed nor testFlags is given', 'Say of each result whether it passed.');
  }
  if (testFlags === undefined) return Uint8Array.from(passed, (pass) => (pass ? 0 : TEST_FAILED));
  for (let i = 0; i < testFlags.length; i++) checkFlags(testFlags[i]!, passed[i]!, tests[i]!.name);
  return testFlags;
}

function checkFlags(flags: number, passed: boolean, name: string): void {
  if (flags & TEST_NO_PASS_FAIL || ((flags & TEST_FAILED) === 0) === passed) return;
  throw refusal(
    `testFlags ${flags} of test ${JSON.stringify(name)} contradicts passed ${passed}`,
    'Leave one of them out, or set bit 7 of testFlags exactly where the test failed.',
  );
}

function checkLength(column: string, given: number, length: number): void {
  if (given === length) return;
  throw refusal(
    `${column} has ${given} entries and values ${length}`,
    `Give ${column} one entry for each value.`,
  );
}

function refusal(what: string, hint: string): WafersyncError {
  return new WafersyncError('invalid', `${what} in a die`, { hint });
}
