import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, grouped, table } from '../../src/cli/output.ts';

test('durations read as people say them', () => {
  const said: [ms: number, text: string][] = [
    [0, '0 ms'],
    [999.4, '999 ms'],
    [1_500, '1.5 s'],
    [62_000, '1 min 2 s'],
    [3 * 3_600_000 + 12 * 60_000, '3 h 12 min'],
    [53 * 3_600_000, '2 d 5 h'],
  ];
  for (const [ms, text] of said) assert.equal(duration(ms), text);
});

test('a table has columns, no lines, and no blanks at the ends', () => {
  assert.equal(
    table(
      ['A', 'LONG'],
      [
        ['1', grouped(12_345)],
        ['three', ''],
      ],
    ),
    'A      LONG\n1      12,345\nthree',
  );
});

test('a cell cannot steer the terminal, nor break the row', () => {
  const evil = `${String.fromCharCode(27)}[2J\n`;
  assert.equal(table(['A', 'B'], [[evil, 1]]), 'A                B\n\\u001b[2J\\u000a  1');
});
