import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBatch } from '../../src/api/result-batch.ts';
import { toMessage } from '../../src/api/tester-messages.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import { fromNumber } from '../../src/wire/long.ts';

type Message = wafersync.v1.TestResult.$Properties;
type Batch = wafersync.v1.ResultBatch.$Properties;

const { TestResult } = wafersync.v1;

/** A message as a node reads it. */
function read(message: Message, batch: Batch) {
  const decoded = TestResult.decode(TestResult.encode({ ...message, batch }).finish());
  return fromBatch(decoded, decoded.batch!);
}

const ENCLOSING = {
  equipment_id: 'T1',
  stream_id: 'S',
  stream_sequence: fromNumber(7),
  wafer_id: 'W1',
  lot: 'L1',
  insertion: 'CP1',
  timestamp_us: fromNumber(1000),
};
const COLUMNS = { values: [1, 2], pass_fail: [true, false] };

test('the die of a batch is that of the enclosing message', () => {
  const die = {
    die_x: -1,
    die_y: 2,
    part_id: 'p',
    head: 1,
    site: 3,
    hard_bin: 0,
    soft_bin: 5,
    last_of_die: true,
  };
  const batch = read({ ...ENCLOSING, ...die }, { ...COLUMNS, define: [{ name: 'a', low_limit: 0 }] });
  const { columns, ...rest } = batch;
  assert.deepEqual(rest, {
    ...{ equipmentId: 'T1', streamId: 'S', streamSequence: 7, waferId: 'W1', lot: 'L1', insertion: 'CP1' },
    define: [{ number: 0, name: 'a', units: '', lowLimit: 0, highLimit: null }],
    dies: [
      {
        ...{
          results: 2,
          x: -1,
          y: 2,
          partId: 'p',
          head: 1,
          site: 3,
          hardBin: 0,
          softBin: 5,
          lastOfDie: true,
        },
      },
    ],
  });
  assert.deepEqual([...columns.flags], [0, 0x80]);
  assert.deepEqual([columns.tests, [...(columns.values as number[])], columns.timesUs], [null, [1, 2], null]);
});

test('the dies of a batch, its flags, times and missing values are read', () => {
  const { dies, columns } = read(ENCLOSING, {
    values: [1, Number.NaN, 3],
    test_flags: Uint8Array.of(0, 0x40, 0x82),
    pass_fail: [true, true, false],
    no_value: [1],
    tests: [4, 0, 4],
    times_us: [0, -5, 2 ** 40].map(fromNumber),
    dies: [
      { results: 2, no_coordinates: true },
      { results: 1, site: 1, hard_bin: 2 },
    ],
  });
  assert.deepEqual(
    dies.map(({ results, x, y, site, hardBin }) => [results, x, y, site, hardBin]),
    [
      [2, null, null, 0, null],
      [1, 0, 0, 1, 2],
    ],
  );
  assert.deepEqual([...columns.flags], [0, 0x40, 0x82]);
  assert.deepEqual([...columns.valueless], [1]);
  assert.deepEqual([...(columns.tests as number[])], [4, 0, 4]);
  assert.deepEqual([columns.timestampUs, ...columns.timesUs!], [1000, 0, -5, 2 ** 40]);
});

test('a batch without results has no die', () => {
  assert.deepEqual(read(ENCLOSING, {}).dies, []);
});

test('what a tester client sends is what the node reads', () => {
  const message = toMessage({ equipment_id: 'T1', stream_id: 'S' }, [], {
    ...{
      waferId: 'W1',
      lot: 'L1',
      insertion: '',
      first: 3,
      tests: [1],
      values: [0.1],
      flags: Uint8Array.of(0x80),
    },
    ...{ valueless: [], timestampUs: 12, timesUs: [3] },
    dies: [
      {
        ...{ results: 1, x: null, y: null, partId: 'p', head: 1, site: 2, hardBin: 1, softBin: null },
        lastOfDie: true,
      },
    ],
  });
  const { dies, columns, streamSequence } = read(message, message.batch!);
  assert.equal(streamSequence, 3);
  assert.deepEqual(dies[0], {
    ...{
      results: 1,
      x: null,
      y: null,
      partId: 'p',
      head: 1,
      site: 2,
      hardBin: 1,
      softBin: null,
      lastOfDie: true,
    },
  });
  assert.deepEqual([columns.timestampUs, [...columns.timesUs!], [...columns.flags]], [12, [3], [0x80]]);
});

for (const [what, message, batch, error] of [
  [
    'a test name beside a batch',
    { test_name: 'a' },
    {},
    /^test_name is given beside batch in the batch at sequence 7 of stream "S" of tester "T1"$/,
  ],
  ['a verdict beside a batch', { pass_fail: true }, {}, /^pass_fail is given beside batch/],
  ['a die beside dies', { part_id: 'p' }, { dies: [{ results: 2 }] }, /^part_id is given beside dies/],
  [
    'an end of die beside dies',
    { last_of_die: true },
    { dies: [{ results: 2 }] },
    /^last_of_die is given beside dies/,
  ],
  ['too few verdicts', {}, { pass_fail: [true] }, /^pass_fail has 1 entries and values 2/],
  ['no verdicts', {}, { pass_fail: [] }, /^pass_fail has 0 entries and values 2/],
  ['too many flags', {}, { test_flags: new Uint8Array(3) }, /^test_flags has 3 entries and values 2/],
  ['too few tests', {}, { tests: [1] }, /^tests has 1 entries and values 2/],
  ['too few times', {}, { times_us: [fromNumber(1)] }, /^times_us has 1 entries and values 2/],
  [
    'flags against verdicts',
    {},
    { test_flags: Uint8Array.of(0, 0) },
    /^test_flags 0 and pass_fail false of result 1 contradict each other/,
  ],
  [
    'a position beyond the results',
    {},
    { no_value: [2] },
    /^no_value 2 does not grow or is beyond the 2 results/,
  ],
  ['positions that do not grow', {}, { no_value: [1, 1] }, /^no_value 1 does not grow/],
  ['too many results', {}, { values: new Array(65_536).fill(0) }, /^values has 65536 entries/],
] as const) {
  test(`${what} is refused, naming field, value and place`, () => {
    const bad = { ...COLUMNS, ...batch } as Batch;
    assert.throws(() => read({ ...ENCLOSING, ...message }, bad), { code: 'invalid', message: error });
  });
}
