import { WafersyncError } from '../../errors.ts';
import { checkBins, checkDie, checkTest, checkTime, checkWafer, refusal } from './result-checks.ts';
import {
  type BatchColumns,
  type BatchDie,
  MAX_BATCH_DIES,
  type StreamBatch,
  timeOf,
} from './stream-batch.ts';

/**
 * Checks a batch whose columns have equal lengths; fields are named as in the contract.
 *
 * @param defined how many tests the stream has defined before it
 * @param where says where row 0 stands, such as `sequence 7 of stream "s" of tester "t"`
 * @throws WafersyncError `invalid` naming field, value, row and place
 */
export function checkBatch(batch: StreamBatch, defined: number, where: () => string): void {
  checkWafer(batch, where);
  for (const [i, test] of batch.define.entries())
    checkTest(test, () => `define ${i} of the batch at ${where()}`);
  checkDies(batch.dies, batch.columns.length, where);
  const rowAt = (row: number) => `result ${row} of the batch at ${where()}`;
  checkTests(batch.columns, defined + batch.define.length, rowAt);
  checkTimes(batch.columns, rowAt);
}

function checkDies(dies: readonly BatchDie[], length: number, where: () => string): void {
  if (dies.length > MAX_BATCH_DIES) {
    throw refusal(
      `dies has ${dies.length} entries`,
      where,
      `Send at most ${MAX_BATCH_DIES} dies in a batch.`,
    );
  }
  let results = 0;
  for (const [i, die] of dies.entries()) {
    const dieAt = () => `die ${i} of the batch at ${where()}`;
    if (die.results === 0)
      throw refusal('results is 0', dieAt, 'Name the dies that have results, and no others.');
    checkDie(die, dieAt);
    checkBins(die, dieAt);
    results += die.results;
  }
  if (results === length) return;
  throw refusal(
    `the dies of the batch claim ${results} results of ${length}`,
    where,
    'Let the results of the dies add up to the length of values.',
  );
}

function checkTests(columns: BatchColumns, defined: number, rowAt: (row: number) => string): void {
  const { tests, length } = columns;
  for (let row = 0; row < length; row++) {
    const number = tests === null ? row : tests[row]!;
    if (number < defined) continue;
    throw new WafersyncError(
      'invalid',
      `test ${number} is not defined at ${rowAt(row)}: ${defined} tests are`,
      {
        hint: 'Define each test before or in the batch that names it, and again when the stream is opened again.',
      },
    );
  }
}

function checkTimes(columns: BatchColumns, rowAt: (row: number) => string): void {
  checkTime(columns.timestampUs, () => rowAt(0));
  if (columns.timesUs === null) return;
  if (columns.timestampUs === 0) {
    throw refusal('times_us is given and timestamp_us is not', () => rowAt(0), 'Give both, or neither.');
  }
  for (let row = 0; row < columns.length; row++) checkTime(timeOf(columns, row), () => rowAt(row));
}
