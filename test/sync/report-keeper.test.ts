import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, WafersyncError } from '../../src/errors.ts';
import { ReportKeeper } from '../../src/sync/report-keeper.ts';
import { Journal } from '../support/grpc-client.ts';
import { reportOf } from '../support/mesh-messages.ts';

/** Saves a report where the store fails, then again where it does not; what was logged, and what was written. */
async function saveTwice(code: ErrorCode) {
  const log = new Journal();
  const saved: string[] = [];
  let works = false;
  const keeper = new ReportKeeper(
    { peers: { saveReport: ({ origin }: { origin: { fab: string } }) => saved.push(origin.fab) } as never },
    async (work) => {
      if (!works) throw new WafersyncError(code, 'the store failed');
      work();
    },
    log,
  );
  keeper.heard(reportOf('az', 1, 1));
  await keeper.save();
  works = true;
  await keeper.save();
  return { saved, events: log.lines.map(({ event }) => event) };
}

test('reports that cannot be saved are logged, and saved the next time', async () => {
  assert.deepEqual(await saveTwice('unavailable'), { saved: ['az'], events: ['reports.not_saved'] });
});

test('a full disk is not told with each report: it is told once, for all', async () => {
  assert.deepEqual(await saveTwice('exhausted'), { saved: ['az'], events: [] });
});
