import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countingCollector } from '../../src/ingest/stdf/collectors.ts';
import { MAX_OPEN_BYTES, MAX_PART_BYTES, PartJoiner } from '../../src/ingest/stdf/part-joiner.ts';
import { readStdf } from '../support/read-stdf.ts';
import { StdfRecords } from '../support/stdf-records.ts';

/** A result as far as the joiner looks at it. */
function result(site: number, valueCount: number) {
  return { head: 1, site, valueCount } as Parameters<PartJoiner<true>['add']>[0];
}

const VALUES = 16_000;
const BYTES = 16 + 4 * VALUES;
const FITTING = Math.floor(MAX_PART_BYTES / BYTES);

test('a part that grows over the bound lets its results go, and counts them', () => {
  const joiner = new PartJoiner(countingCollector);
  joiner.begin(1, 1);
  for (let i = 0; i < FITTING; i++) joiner.add(result(1, VALUES), 0);
  joiner.begin(1, 2);
  joiner.add(result(1, VALUES), 0);
  joiner.add(result(1, 0), 0);
  assert.deepEqual(joiner.end(1, 1), { content: null, resultCount: FITTING + 2, hadPir: true });
  assert.deepEqual(joiner.end(1, 2), { content: true, resultCount: 0, hadPir: true });
});

test('all open parts together are bounded, and a part that ended makes room', () => {
  const joiner = new PartJoiner(countingCollector);
  const parts = MAX_OPEN_BYTES / MAX_PART_BYTES;
  for (let site = 0; site < parts; site++) {
    for (let i = 0; i < FITTING; i++) joiner.add(result(site, VALUES), 0);
  }
  const rest = MAX_OPEN_BYTES - parts * FITTING * BYTES;
  for (let i = 0; i <= rest / 16; i++) joiner.add(result(200, 0), 0);
  assert.equal(joiner.end(1, 200).content, null);
  assert.equal(joiner.end(1, 0).content, true);
  joiner.add(result(201, VALUES), 0);
  assert.equal(joiner.end(1, 201).content, true);
});

test('a part over the bound does not lose the others, and keeps its place among them', async () => {
  const records = new StdfRecords();
  const big = records.mpr({ values: new Array<number>(VALUES).fill(7) });
  const { attempts, scan } = await readStdf(
    Buffer.concat([
      records.far(),
      records.pir(),
      records.ptr(),
      records.prr({ id: 'a' }),
      records.pir(),
      ...new Array<Buffer>(FITTING + 1).fill(big),
      records.prr({ id: 'b' }),
      records.prr({ id: 'c' }),
    ]),
    [100_000],
  );
  assert.deepEqual(
    attempts.map(({ index, partId }) => [index, partId]),
    [
      [0, 'a'],
      [2, 'c'],
    ],
  );
  assert.deepEqual([scan.attempts, scan.results], [2, 1]);
  assert.deepEqual([scan.oversizeParts, scan.oversizeResults], [1, FITTING + 1]);
});
