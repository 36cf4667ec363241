import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { mapLines } from '../../src/cli/wafer/map-text.ts';
import type { DieJson, MapJson } from '../../src/cli/wafer/wafer-json.ts';

const PLAIN = { columns: 80, colours: false };

function die(x: number, y: number, more: Partial<DieJson> = {}): DieJson {
  return {
    ...{ x, y, hard_bin: 1, soft_bin: 1, passed: true, attempts: 1 },
    ...{ disputed: false, rebin: null, inked: false, verdict: null, ...more },
  };
}

function fail(x: number, y: number, hard_bin: number | null): DieJson {
  return die(x, y, { hard_bin, passed: false });
}

function map(dies: readonly DieJson[], orientation = ''): MapJson {
  const counts = { parts: dies.length, passed: 0, failed: 0, hard_bins: [], soft_bins: [] };
  return { view: 'last', composite: false, ...counts, orientation, dies: [...dies] };
}

test('each die is one character at its place, and the legend says what it stands for', () => {
  const lines = mapLines(
    map(
      [
        ...[die(-1, -2), fail(0, -2, 7), fail(1, -2, 12), fail(2, -2, 255), fail(3, -2, null)],
        ...[die(-1, 0, { passed: null }), die(1, 0, { inked: true }), die(2, 0, { rebin: 5 })],
        ...[die(3, 0, { verdict: true }), die(4, 0, { verdict: false }), die(5, 0, { disputed: true })],
      ],
      'down',
    ),
    PLAIN,
  );
  assert.deepEqual(lines.slice(0, 6), [
    'map (last): x to the right, y downwards; the notch points down',
    '   -1',
    '   |',
    '-2 .7C5x',
    '-1',
    ' 0 ? #*+-!',
  ]);
  const legend = lines.slice(7).join('   ');
  for (const says of [
    '. passes   + passes: a person says so   ? says neither pass nor fail',
    '5 fails, hard bin 255   7 fails, hard bin 7   C fails, hard bin 12   x fails, no hard bin',
    '- fails: a person says so',
    '* binned by a person',
    '# inked off by a person',
    '! in dispute',
  ])
    assert.ok(legend.includes(says), legend);
});

test('a die in dispute stands out, and what it would be without is told below', () => {
  const lines = mapLines(
    map([
      die(0, 0, { disputed: true, rebin: 9 }),
      die(1, 0, { disputed: true, hard_bin: 4, passed: false, inked: false }),
      die(2, 0),
    ]),
    PLAIN,
  );
  assert.equal(lines[3], '0 !!.');
  assert.deepEqual(lines.slice(-2), [
    '2 dies are in dispute; without the dispute:',
    '0,0: binned by a person, bin 9   1,0: fails, hard bin 4',
  ]);
  const many = mapLines(map(Array.from({ length: 23 }, (_, x) => die(x, 0, { disputed: true }))), PLAIN);
  assert.equal(many.at(-1), 'and 3 others');
});

test('the axis has a number at every tenth column, above that column', () => {
  const lines = mapLines(map([die(-12, 3), die(25, 3)]), PLAIN);
  assert.equal(lines[1]!.slice(0, 5), '  -12');
  assert.equal(lines[3], `3 .${' '.repeat(36)}.`);
  for (const x of [0, 10, 20]) {
    const column = lines[1]!.search(new RegExp(`(?<= )${x}( |$)`));
    assert.equal(column, 2 + 12 + x, `${x} stands above its column`);
    assert.equal(lines[2]![column], '|');
  }
});

test('a map that is too large is drawn smaller, says so, and what matters most is still seen', () => {
  const dies = Array.from({ length: 300 * 300 }, (_, i) => die(i % 300, Math.floor(i / 300)));
  dies[0] = fail(0, 0, 3);
  dies[150 * 300 + 151] = die(151, 150, { disputed: true });
  const lines = mapLines(map(dies), PLAIN);
  assert.equal(
    lines[1],
    'It is too large for the terminal: each character stands for 4 x 4 dies, and shows what matters most among them.',
  );
  for (const line of lines.slice(2)) assert.ok(line.length <= 80, line);
  assert.equal(lines[4], `  0 3${'.'.repeat(74)}`);
  const row = lines.find((line) => line.startsWith('148 '))!;
  assert.equal(row.indexOf('!'), 4 + Math.floor(151 / 4));
  const tall = mapLines(map([die(0, 0), die(0, 999)]), PLAIN);
  assert.ok(
    tall.length < 210 && tall[1]!.includes('5 x 5 dies'),
    'nor is a narrow one longer than can be read',
  );
  const far = mapLines(map([die(-2_000_000_000, 2_000_000_000), die(2_000_000_000, -2_000_000_000)]), PLAIN);
  assert.ok(far.length < 260, 'however far apart dies are, the map is bounded');
});

test('colours do not change what is drawn, and are there only where they are wanted', () => {
  const dies = [die(0, 0), fail(1, 0, 2), die(2, 0, { disputed: true }), die(4, 0)];
  const plain = mapLines(map(dies), PLAIN);
  const coloured = mapLines(map(dies), { ...PLAIN, colours: true });
  assert.deepEqual(coloured.map(stripVTControlCharacters), plain);
  const esc = String.fromCharCode(27);
  assert.ok(coloured[3]!.includes(`${esc}[31m2`), 'a failing die is red');
  assert.ok(!plain.join('').includes(esc));
});

test('a wafer without dies that have coordinates has no map', () => {
  assert.deepEqual(mapLines(map([]), PLAIN), ['map: no die has coordinates']);
});
