import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteRate, daySpans, timeLimit } from '../../src/cli/options.ts';

test('a rate may be written as people write it, with the powers of ten and of two apart', () => {
  const read = [
    ...['2MB/s', '2 MB/s', '2mb/s', '2000kB/s', '2000KB/s', '2000kb/s', '0.002GB/s', '2000000B/s'],
    ...['2MiB/s', '2mib/s', '2048KiB/s', '1gib/s'],
  ].map(byteRate);
  assert.deepEqual(read, [...Array(8).fill(2_000_000), ...Array(3).fill(2 ** 21), 2 ** 30]);
});

test('what is no rate of bytes is refused', () => {
  for (const text of ['0', '0B/s', '2MB', '-1MB/s', '2TB/s', 'fast', '1e999B/s'])
    assert.throws(() => byteRate(text), /It must be a rate such as/, text);
  for (const text of ['16Mb/s', '16Gb/s', '16Kb/s', '16kB/S'])
    assert.throws(() => byteRate(text), text.endsWith('S') ? /such as/ : /may be bits: say bytes/, text);
});

test('times of the day are kept in order; one may go over midnight, and none ends when it begins', () => {
  assert.deepEqual(daySpans('22:00-06:30', daySpans('08:00-18:00')), [
    { from: 480, to: 1_080 },
    { from: 1_320, to: 390 },
  ]);
  assert.throws(() => daySpans('08:00-08:00'), /It ends when it begins/);
  assert.throws(() => daySpans('8-18'), /such as 08:00-18:00/);
});

test('how long at most is said in seconds, or with a unit', () => {
  for (const said of ['600', '600s', '600 s', '10min']) assert.equal(timeLimit(said), 600_000, said);
  assert.equal(timeLimit('0.5'), 500);
  for (const said of ['0', '', '-5', '10m', 'soon'])
    assert.throws(() => timeLimit(said), /a time such as 30s/);
});
