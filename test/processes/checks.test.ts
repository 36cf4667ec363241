import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Store } from '../../src/store/store.ts';
import type { AttemptSummary } from '../../src/wafer/attempt.ts';
import { attempt, jsonDecoders, origin, PROGRAM, stillWorld, TW, update } from '../store/fixtures.ts';
import { startNodes } from '../support/local-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { compareDatabases } from './compare-databases.ts';
import { EditLoad } from './edit-load.ts';
import { FileLoad } from './file-load.ts';
import { Ledger } from './ledger.ts';
import { StreamLoad } from './stream-load.ts';

/** A database whose log holds one attempt each under these sequences of az. */
function database(t: TestContext, attempts: Readonly<Record<number, AttemptSummary>>): string {
  const file = join(temporaryFolder(t), 'wafersync.db');
  const store = Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
  store.transaction(() => {
    store.programs.put(PROGRAM.digest, PROGRAM.body);
    for (const [at, one] of Object.entries(attempts)) {
      const born = update(origin('az'), Number(at), [one]);
      store.log.append(born);
      store.apply(born);
    }
  });
  store.close();
  return file;
}

test('logs that agree are told so; a dot with two contents, a missing one and a gap are named', (t) => {
  const whole = database(t, { 1: attempt(1), 2: attempt(2) });
  assert.deepEqual(compareDatabases({ tw: whole, de: whole }), { updates: 2, faults: [] });
  const other = database(t, { 1: attempt(1), 2: attempt(2, { hardBin: 7 }) });
  assert.match(
    compareDatabases({ tw: whole, de: other }).faults.join(),
    /^az.*2 is one thing at tw and another at de$/,
  );
  const gap = database(t, { 2: attempt(2) });
  assert.match(
    compareDatabases({ tw: whole, de: gap }).faults.join(),
    /^az.*1 is not at de,de lacks az.*1 before 2$/,
  );
});

test('what was acknowledged and is not there is a loss of the fault under which it was', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const ledger = new Ledger();
  const plan = { lot: 'L', equipmentId: 'T', node: tw!.address, diesPerSecond: 200, resultsPerDie: 10 };
  const stream = new StreamLoad(plan, ledger);
  const edits = new EditLoad({ author: 'ana', node: tw!.address, wafer: 'E', everyMs: 5 }, ledger);
  const files = new FileLoad(ledger, 1);
  await files.handIn(tw!.address, 20);
  await stream.more(100);
  ledger.fault = 1;
  await stream.more(100);
  await edits.stop();
  const { results } = await stream.stop();
  for (const load of [stream, edits, files]) await load.check('tw', tw!.address);
  assert.deepEqual(ledger.losses, []);
  assert.equal(ledger.acknowledgedUnder(0) + ledger.acknowledgedUnder(1), ledger.total);
  assert.ok(stream.acknowledged === results && edits.acknowledged > 0);

  // A node that has nothing of it: all of it is missed.
  await tw!.stop();
  const [empty] = await startNodes(t, ['kr']);
  await stream.check('kr', empty!.address);
  assert.deepEqual(ledger.losses, [{ fault: 0, what: `stream L: ${results} were acknowledged, kr has 0` }]);
  await edits.check('kr', empty!.address);
  await files.check('kr', empty!.address);
  const whats = ledger.losses.map(({ what }) => what);
  assert.equal(
    whats.filter((what) => /^edits of ana at wafer E: note \d+ is not at kr$/.test(what)).length,
    edits.acknowledged,
  );
  assert.equal(whats.at(-1), 'file DEMO-001.stdf: not at kr as it was');
});
