import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberJson } from '../../src/cli/conflicts/conflict-json.ts';
import { conflictLines } from '../../src/cli/conflicts/conflict-text.ts';

function member(epoch: string, value_json: string, here = true): MemberJson {
  return {
    ...{ field: '/x', dot: { fab_id: 'tw', epoch, sequence: 3 }, written_at_us: 1_800_000_000_000_000 },
    ...{ author: '', reason: '', value_json, context: [], chosen: false, here },
  };
}

function linesOf(members: readonly MemberJson[]): string[] {
  return conflictLines({
    ...{ id: 'ab'.repeat(16), wafer_id: 'W1', lot: 'L1', insertion: '', kind: 'field', field: '/x' },
    ...{ state: 'open', policy: 'manual', pattern: '/**', members: [...members], settlements: [] },
  });
}

test('a choice is named with its epoch where two lives of a fab have the sequence', () => {
  const [one, two] = ['1-00000000aa', '2-00000000bb'];
  const text = linesOf([member(one, '1'), member(two, '2')]).join('\n');
  assert.match(text, /^tw\.1-00000000aa:3 +2027-01-15 08:00:00\.000 UTC +- +\/x +1 +- +-$/m);
  assert.ok(text.includes(`--choose tw.${one}:3|tw.${two}:3 `), text);
  assert.ok(
    linesOf([member(one, '1')])
      .join('\n')
      .includes('--choose tw:3 '),
  );
});

test('what has not come here is no choice', () => {
  const text = linesOf([member('1-00000000aa', '1', false)]).join('\n');
  assert.match(text, /^tw:3 +- +- +\/x +not here yet +- +-$/m);
  assert.ok(!text.includes('--choose'));
});
