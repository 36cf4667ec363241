import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorOf, reasonedBy } from '../../src/api/authorship.ts';

test('a reason of space alone is none, and space around one is not kept', () => {
  for (const reason of ['', ' ', '\t\n', '\u00a0', null, undefined]) {
    assert.throws(() => reasonedBy({ author: 'kim', reason }), {
      code: 'invalid',
      message: 'reason is empty',
    });
  }
  assert.deepEqual(reasonedBy({ author: ' kim ', reason: ' we looked\n' }), {
    author: 'kim',
    reason: 'we looked',
  });
  assert.deepEqual(authorOf({ reason: ' ' }), { author: '', reason: '' });
});

test('a reason may be long, and not longer than a bound, space around it not counted', () => {
  assert.equal(reasonedBy({ reason: ` ${'x'.repeat(2_000)} ` }).reason.length, 2_000);
  assert.throws(() => reasonedBy({ reason: 'x'.repeat(2_001) }), {
    code: 'exhausted',
    hint: 'Say it in 2000.',
  });
});
