import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { wafersync } from '../../src/gen/wafersync.js';
import { Cluster, type Fab } from '../support/cluster.ts';
import { importFile } from '../support/run-client.ts';
import { type Sample, samplesMissing, twoFabSample } from '../support/stdf-samples.ts';
import { Person } from '../support/wafer-client.ts';

const { SyncState, ConflictKind } = wafersync.v1;
const FABS: readonly Fab[] = ['tw', 'az'];

describe('a wafer tested at one fab, its fails again at another', { skip: samplesMissing }, () => {
  let cluster: Cluster;
  let people: Person[];

  before(async () => {
    cluster = await Cluster.start(FABS);
    people = FABS.map((fab) => new Person(cluster.address(fab)));
  });

  after(async () => {
    for (const person of people) person.close();
    await cluster.stop();
  });

  function handIn(fab: Fab, { name, path }: Sample, wait: readonly Fab[], final: boolean) {
    return importFile(cluster.address(fab), name, readFileSync(path), wait, final);
  }

  test('is no conflict as it is, and one for each die that changed its verdict once both runs are final', async () => {
    const { fabA, fabB, truth } = twoFabSample('lot2');
    cluster.cut('tw', 'az');
    await handIn('tw', fabA, ['tw'], false);
    await handIn('az', fabB, ['az'], false);
    cluster.heal('tw', 'az');
    await handIn('tw', fabA, FABS, false);
    await handIn('az', fabB, FABS, false);
    for (const person of people) {
      assert.deepEqual(await person.conflicts(), []);
      assert.equal((await person.wafer(truth.wafer)).state, SyncState.SYNCED);
    }
    // Marked final afterwards: the attempts still did not know of each other.
    await handIn('tw', fabA, FABS, true);
    await handIn('az', fabB, FABS, true);
    const changed = truth.both.filter(({ fabA: a, fabB: b }) => a.passed !== b.passed);
    assert.equal(changed.length, 46);
    for (const person of people) {
      const conflicts = await person.conflicts(truth.wafer);
      assert.deepEqual(
        conflicts.map(({ field }) => field).sort(),
        changed.map(({ x, y }) => `/verdicts/${x},${y}`).sort(),
      );
      for (const { kind, members } of conflicts) {
        assert.equal(kind, ConflictKind.CONFLICT_KIND_VERDICT);
        assert.deepEqual(members.map(({ dot, value_json }) => [dot!.fab_id, value_json]).sort(), [
          ['az', '"pass"'],
          ['tw', '"fail"'],
        ]);
      }
      const wafer = await person.wafer(truth.wafer);
      assert.equal(wafer.state, SyncState.CONFLICT);
      assert.equal(wafer.open_conflicts.toNumber(), 46);
    }
    const map = await people[0]!.wafers.GetWaferMap({ wafer_id: truth.wafer });
    assert.equal(map.dies?.filter(({ disputed }) => disputed).length, 46);
  });
});

describe('a retest that knew the first pass', { skip: samplesMissing }, () => {
  test('is no conflict, final or not', async (t) => {
    const { fabA, fabB, truth } = twoFabSample('lot2');
    const cluster = await Cluster.start(FABS);
    const person = new Person(cluster.address('az'));
    t.after(async () => {
      person.close();
      await cluster.stop();
    });
    await importFile(cluster.address('tw'), fabA.name, readFileSync(fabA.path), FABS, true);
    await importFile(cluster.address('az'), fabB.name, readFileSync(fabB.path), FABS, true);
    assert.deepEqual(await person.conflicts(), []);
    assert.equal((await person.wafer(truth.wafer)).state, SyncState.SYNCED);
  });
});
