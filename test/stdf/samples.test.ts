import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { float32Bits } from '../../src/ingest/stdf/float32.ts';
import { AttemptsDigest } from '../../src/wafer/attempts-digest.ts';
import type { TestDefinition } from '../../src/wafer/program.ts';
import { inspectOnly, readOnly, scanOnly } from '../support/read-stdf.ts';
import { readableSamples, type SampleTest, samples, samplesMissing } from '../support/stdf-samples.ts';

test('real files are there to be read', { skip: samplesMissing }, () => {
  assert.ok(readableSamples().length >= 12);
});

for (const { name, path, truth } of readableSamples()) {
  test(`inspecting ${name} tells its truth`, async () => {
    const found = await inspectOnly(path);
    assert.deepEqual(found.digests, truth.digests);
    assert.deepEqual(found.yield, truth.yield);
    assert.deepEqual(found.parts, truth.parts);
    assert.deepEqual(found.truncated, truth.truncated);
    assert.deepEqual(found.records, truth.records);
    assert.deepEqual(found.unknown_records, truth.unknown_records);
    assert.equal(found.records_after_mrr, truth.records_after_mrr);
    assert.deepEqual(found.mir, truth.mir);
    assert.equal(found.uncompressed_bytes, truth.uncompressed_bytes);
    const wafers = truth.wafers.map(({ wafer_id, parts }) => ({ wafer_id, parts }));
    assert.deepEqual(found.wafers, wafers);
  });

  test(`the two passes over ${name} give its attempts and its tests`, async () => {
    const scan = await scanOnly(path, name);
    const digest = new AttemptsDigest();
    let results = 0;
    for (const { attempt } of await readOnly(path, scan, name)) {
      digest.add(attempt, attempt.index, scan.tests);
      results += attempt.results.length;
    }
    assert.equal(digest.hex(), truth.digests.attempts_sha256);
    assert.equal(scan.attempts, truth.parts.prr);
    assert.equal(scan.results, results);
    const { orphanResults, unfinishedResults } = scan;
    assert.equal(results + orphanResults + unfinishedResults, truth.results.records);
    assert.equal(orphanResults, truth.parts.results_without_part);
    assert.deepEqual(scan.tests.map(definitionFacts), truth.tests.map(truthFacts));
  });
}

test('the same test in either byte order gives the same parts and results', {
  skip: samplesMissing,
}, async () => {
  const [little, big] = ['nm_test_2site.std', 'nm_test_2site_bigendian.std'].map(
    (name) => samples().find((sample) => sample.name === name)!,
  );
  assert.deepEqual((await inspectOnly(little!.path)).digests, (await inspectOnly(big!.path)).digests);
});

const refusals: [name: string, message: RegExp][] = [
  ['empty.stdf', /^empty\.stdf is not STDF: it is empty$/],
  ['not_stdf.stdf', /^not_stdf\.stdf is not STDF: it is text/],
  ['galaxysemi-spec-sample.atdf', /is not STDF: it is ATDF text$/],
];
for (const [name, message] of refusals) {
  test(`${name} is refused with a clear line`, { skip: samplesMissing }, async () => {
    const { path } = samples().find((sample) => sample.name === name)!;
    await assert.rejects(scanOnly(path, name), (error: unknown) => {
      assert.ok(error instanceof WafersyncError);
      assert.equal(error.code, 'invalid');
      assert.match(error.message, message);
      assert.notEqual(error.hint, '');
      return true;
    });
  });
}

function definitionFacts({ kind, number, name, ...rest }: TestDefinition) {
  const { units, lowLimit, highLimit, resultScale } = rest;
  return { kind, number, name, units, low: hex(lowLimit), high: hex(highLimit), scale: resultScale };
}

function truthFacts(test: SampleTest) {
  return {
    kind: test.rec,
    number: test.num,
    name: test.name ?? '',
    units: test.units ?? '',
    low: test.lo_limit_f32 ?? null,
    high: test.hi_limit_f32 ?? null,
    scale: test.res_scal ?? null,
  };
}

function hex(limit: number | null): string | null {
  return limit === null ? null : float32Bits(limit).toString(16).padStart(8, '0');
}
