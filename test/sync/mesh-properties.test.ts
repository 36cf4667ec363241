import { test } from 'node:test';
import fc from 'fast-check';
import { story, tell } from '../support/mesh-stories.ts';

test('whatever was cut, lost or restarted, once healed all nodes have the same and fall silent, heartbeats or not', () => {
  fc.assert(
    fc.property(story, (told) => tell(told).assertConverged()),
    { numRuns: Number(process.env.RUNS ?? 100) },
  );
});
