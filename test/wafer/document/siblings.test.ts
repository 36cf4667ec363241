import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dot } from '../../../src/clocks/dot.ts';
import type { Sibling } from '../../../src/wafer/document/edit.ts';
import { isDisputed } from '../../../src/wafer/document/shown.ts';
import { contextOf, differ, dotsOf, isLive, mergeWrite } from '../../../src/wafer/document/siblings.ts';
import { dotOf, sibling } from '../../support/document-siblings.ts';

const [TW1, TW2, AZ1, DE1]: Dot[] = [dotOf('tw', 1), dotOf('tw', 2), dotOf('az', 1), dotOf('de', 1)];

function merged(...writes: readonly Sibling[]): string[] {
  return writes.reduce<readonly Sibling[]>(mergeWrite, []).map(({ value }) => `${value}`);
}

test('a write replaces just what it has seen, whatever its time says', () => {
  const old = sibling(TW1!, '1', { timestamp: 900 });
  const other = sibling(DE1!, '2', { timestamp: 900 });
  const write = sibling(AZ1!, '3', { timestamp: 5, seen: [TW1!] });
  assert.deepEqual(merged(old, other, write), ['3', '2']);
  assert.deepEqual(merged(write, old, other), ['3', '2'], 'one that comes late is replaced already');
});

test('the same write again changes nothing, not even after it was replaced', () => {
  const first = sibling(TW1!, '1');
  const second = sibling(TW2!, '2', { seen: [TW1!] });
  assert.deepEqual(merged(first, first), ['1']);
  assert.deepEqual(merged(first, second, first, second), ['2']);
});

test('writes that have not seen each other all stay, equal ones too', () => {
  const writes = [sibling(TW1!, '1'), sibling(AZ1!, '1'), sibling(DE1!, null)];
  assert.deepEqual(merged(...writes), ['1', 'null', '1']);
  assert.deepEqual(dotsOf(writes), [AZ1, DE1, TW1]);
});

test('what a writer has seen is all siblings, and all that they had seen', () => {
  const context = contextOf([sibling(TW2!, '1', { seen: [TW1!, DE1!] }), sibling(AZ1!, '2')]);
  for (const dot of [TW1!, TW2!, AZ1!, DE1!]) assert.ok(context.covers(dot));
  assert.ok(
    !context.covers(dotOf('tw', 3)) && !context.covers(dotOf('de', 2)) && !context.covers(dotOf('il', 1)),
  );
  assert.ok(contextOf([]).isEmpty);
});

test('siblings are in dispute just where their values differ; a removal is a value of its own', () => {
  const one = sibling(TW1!, '1');
  assert.ok(!isDisputed([one]) && !isDisputed([one, sibling(AZ1!, '1')]));
  assert.ok(isDisputed([one, sibling(AZ1!, '2')]) && isDisputed([one, sibling(AZ1!, null)]));
  assert.ok(!differ([sibling(TW1!, null), sibling(AZ1!, null)]));
  assert.ok(isLive([sibling(TW1!, null), one]) && !isLive([sibling(TW1!, null)]) && !isLive([]));
});
