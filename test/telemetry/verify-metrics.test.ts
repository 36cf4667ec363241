import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../src/log.ts';
import { MetricSet } from '../../src/telemetry/metrics/metric-set.ts';
import { verifyMetrics } from '../../src/telemetry/metrics/verify-metrics.ts';
import { batch } from '../replica/replica-fixture.ts';
import { exchange } from '../support/document-bench.ts';
import { Exposition } from '../support/exposition.ts';
import { VerifyFab } from '../support/verify-fab.ts';

test('comparisons, what they find and what becomes of it, and how long they take are counted by peer', async (t) => {
  const az = new VerifyFab(t, 'az');
  const tw = new VerifyFab(t, 'tw', [az], 24);
  void tw.bench.replica.write(batch([0, 1]));
  await tw.bench.commit();
  await exchange([tw, az]);
  const set = new MetricSet(silentLog);
  const stop = verifyMetrics(set, tw, (listen) => listen);
  const read = async () => {
    const now = new Exposition(await set.text());
    return (name: string) => now.value(`wafersync_verify_${name}`);
  };
  const before = await read();
  assert.equal(before('equal_timestamp_seconds{peer="az"}'), undefined, 'it was not compared yet');
  assert.equal(before('interval_seconds{peer="az"}'), 86_400);
  assert.equal(before('findings_total{outcome="not-repaired"}'), 0, 'so that the first one is an increase');

  await tw.verify();
  const equal = await read();
  const at = equal('equal_timestamp_seconds{peer="az"}');
  assert.equal(at, tw.verifier.view().peers[0]!.equalMs! / 1000);
  assert.equal(equal('comparisons_total{peer="az",outcome="equal"}'), 1);
  assert.equal(equal('different_subjects_total{peer="az"}'), 0);
  assert.equal(equal('seconds_count'), 1);

  az.change('UPDATE dies SET hard_bin = 9 WHERE x = 1');
  await tw.verify({ repair: false });
  await tw.verify();
  const wrong = await read();
  assert.equal(wrong('equal_timestamp_seconds{peer="az"}'), at, 'it stays what it was');
  assert.equal(wrong('comparisons_total{peer="az",outcome="different"}'), 2);
  assert.equal(wrong('different_subjects_total{peer="az"}'), 2);
  assert.deepEqual(
    ['left', 'repaired', 'not-repaired'].map((outcome) => wrong(`findings_total{outcome="${outcome}"}`)),
    [1, 1, 0],
  );
  assert.ok(wrong('seconds_sum')! >= 0);

  az.verifier.answer = () => {
    throw new Error('away');
  };
  await tw.verify();
  assert.equal((await read())('comparisons_total{peer="az",outcome="failed"}'), 1);
  stop();
  await tw.verify();
  assert.equal((await read())('comparisons_total{peer="az",outcome="failed"}'), 1);
});
