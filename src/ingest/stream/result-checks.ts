import { WafersyncError } from '../../errors.ts';
import { TEST_FAILED, TEST_NO_PASS_FAIL } from '../../wafer/attempt.ts';
import { MAX_TEXT_BYTES } from './stream-bounds.ts';
import type { StreamDie, StreamResult, StreamTest } from './stream-result.ts';

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

/**
 * Checks one result by itself; fields are named as in the contract.
 *
 * @param where says which result it is, such as `sequence 7 of stream "s" of tester "t"`
 * @throws WafersyncError `invalid` naming field, value and place
 */
export function checkResult(result: StreamResult, where: () => string): void {
  checkWafer(result, where);
  checkTest(result.test, where);
  checkDie(result, where);
  checkBins(result, where);
  checkTime(result.timestampUs, where);
  checkFlags(result, where);
}

/** Checks what a result says of its wafer. @throws WafersyncError `invalid` */
export function checkWafer(
  wafer: Pick<StreamDie, 'waferId' | 'lot' | 'insertion'>,
  where: () => string,
): void {
  checkText('wafer_id', wafer.waferId, where);
  checkText('lot', wafer.lot, where);
  checkText('insertion', wafer.insertion, where);
}

/** Checks a test. @throws WafersyncError `invalid` */
export function checkTest(test: StreamTest, where: () => string): void {
  if (test.name === '') throw refusal('test_name is empty', where, 'Name every test.');
  checkText('test_name', test.name, where);
  checkText('units', test.units, where);
  checkRange('test_number', test.number, 0, 2 ** 32 - 1, where);
}

/** Checks a die and where it was touched down. @throws WafersyncError `invalid` */
export function checkDie(die: Omit<StreamDie, 'waferId' | 'lot' | 'insertion'>, where: () => string): void {
  checkText('part_id', die.partId, where);
  checkRange('head', die.head, 0, 255, where);
  checkRange('site', die.site, 0, 255, where);
  checkCoordinates(die, where);
}

/** Checks the bins of a die. @throws WafersyncError `invalid` */
export function checkBins(
  { hardBin, softBin }: Pick<StreamResult, 'hardBin' | 'softBin'>,
  where: () => string,
): void {
  if (hardBin !== null) checkRange('hard_bin', hardBin, 0, 65_535, where);
  if (softBin !== null) checkRange('soft_bin', softBin, 0, 65_534, where);
}

/** Checks a time. @throws WafersyncError `invalid` */
export function checkTime(timeUs: number, where: () => string): void {
  checkRange('timestamp_us', timeUs, 0, Number.MAX_SAFE_INTEGER, where);
}

function checkCoordinates({ x, y }: Pick<StreamDie, 'x' | 'y'>, where: () => string): void {
  if (x === null && y === null) return;
  if (x === null || y === null) {
    throw refusal(`die_x ${x} and die_y ${y} are half a place`, where, 'Give both or neither.');
  }
  checkRange('die_x', x, INT32_MIN, INT32_MAX, where);
  checkRange('die_y', y, INT32_MIN, INT32_MAX, where);
}

/** Flags that give a verdict must give the one of pass_fail: which of the two was meant cannot be known. */
function checkFlags(
  { testFlags, passed }: Pick<StreamResult, 'testFlags' | 'passed'>,
  where: () => string,
): void {
  if (testFlags === null) return;
  checkRange('test_flags', testFlags, 0, 255, where);
  if (testFlags & TEST_NO_PASS_FAIL) return;
  if (((testFlags & TEST_FAILED) === 0) === passed) return;
  throw refusal(
    `test_flags ${testFlags} says ${passed ? 'failed' : 'passed'} where pass_fail says ${passed ? 'passed' : 'failed'}`,
    where,
    'Leave test_flags out, or set its bit 7 exactly where the test failed.',
  );
}

/** Checks the length of a text. @throws WafersyncError `invalid` */
export function checkText(field: string, text: string, where: () => string): void {
  // UTF-8 takes at most three bytes for a UTF-16 unit, so that short texts need no counting.
  if (text.length * 3 <= MAX_TEXT_BYTES) return;
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_TEXT_BYTES) return;
  throw refusal(
    `${field} ${JSON.stringify(text.slice(0, 32))}… has ${bytes} bytes`,
    where,
    `Use at most ${MAX_TEXT_BYTES} bytes.`,
  );
}

function checkRange(field: string, value: number, least: number, most: number, where: () => string): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw refusal(
    `${field} ${value} is not within ${least} to ${most}`,
    where,
    `Send ${field} as an integer from ${least} to ${most}.`,
  );
}

/** The refusal of a field. */
export function refusal(what: string, where: () => string, hint: string): WafersyncError {
  return new WafersyncError('invalid', `${what} at ${where()}`, { hint });
}
