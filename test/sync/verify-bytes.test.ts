import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunId } from '../../src/wafer/run.ts';
import { batch } from '../replica/replica-fixture.ts';
import { VerifyFab } from '../support/verify-fab.ts';

/** As many as the figures of docs/adr/0033-verify.md are of, where the environment says 10000. */
const WAFERS = Number(process.env.WAFERSYNC_TEST_WAFERS ?? 1_000);
const WAFERS_OF_A_LOT = 25;
const AT_ONCE = 500;

/** What a few kilobytes are. */
const FEW_BYTES = 4 * 1024;

/** Gives a fab results of many wafers, a run a lot. */
async function writeWafers(fab: VerifyFab): Promise<void> {
  for (let i = 0; i < WAFERS; i++) {
    const lot = Math.floor(i / WAFERS_OF_A_LOT);
    const wafer = { lot: `L${lot}`, waferId: `W${i}`, insertion: 'CP1' };
    const run = { id: lot.toString(16).padStart(32, '0') as RunId, startedAtUs: 1_700_000_000_000_000 + lot };
    void fab.bench.replica.write(batch([i % WAFERS_OF_A_LOT], { wafer, run }));
    if (i % AT_ONCE === AT_ONCE - 1) await fab.bench.commit();
  }
}

test('two equal nodes with thousands of wafers exchange a few bytes, and find one value that is not the same in a few kilobytes', async (t) => {
  const az = new VerifyFab(t, 'az');
  const tw = new VerifyFab(t, 'tw', [az]);
  await writeWafers(tw);
  for (let at = 0; at < tw.born.length; at += AT_ONCE) await az.take(...tw.born.slice(at, at + AT_ONCE));
  const equal = await tw.verify();
  assert.deepEqual(equal.findings, []);
  const [{ wafers, subjects, bytes }] = equal.results as [(typeof equal.results)[0]];
  assert.deepEqual([wafers, subjects], [WAFERS, WAFERS + WAFERS / WAFERS_OF_A_LOT]);
  assert.ok(bytes < FEW_BYTES, `${bytes} bytes`);
  az.change('UPDATE dies SET soft_bin = 9 WHERE wafer = 321');
  const spoiled = await tw.verify();
  assert.deepEqual(spoiled.findings, ['az tables dies repaired']);
  assert.ok(spoiled.results[0]!.bytes < FEW_BYTES, `${spoiled.results[0]!.bytes} bytes`);
  t.diagnostic(
    `${WAFERS} wafers: ${bytes} bytes where all is equal, ${spoiled.results[0]!.bytes} with one wafer that is not`,
  );
});
