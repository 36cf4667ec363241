import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeLimit } from '../../src/cli/options.ts';

test('how long at most is said in seconds, or with a unit', () => {
  for (const said of ['600', '600s', '600 s', '10min']) assert.equal(timeLimit(said), 600_000, said);
  assert.equal(timeLimit('0.5'), 500);
  for (const said of ['0', '', '-5', '10m', 'soon'])
    assert.throws(() => timeLimit(said), /a time such as 30s/);
});
