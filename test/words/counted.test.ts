import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, lack } from '../../src/words/counted.ts';

test('one of a thing is told as one', () => {
  assert.deepEqual(
    [counted(1, 'die'), counted(0, 'die'), counted(1234, 'die')],
    ['1 die', '0 dies', '1,234 dies'],
  );
  assert.equal(counted(2, 'update is', 'updates are'), '2 updates are');
  assert.deepEqual([lack(['kr']), lack(['kr', 'tw'])], ['lacks', 'lack']);
});
