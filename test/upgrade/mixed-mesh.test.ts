import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inspectRun } from '../../src/cli/inspect.ts';
import { fabId, epoch as mintedEpoch } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { converged, reaches } from '../processes/mesh-watch.ts';
import { conflictsAt, verdict } from '../processes/verdict.ts';
import { Cluster } from '../support/cluster.ts';
import { importFile } from '../support/run-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { Person } from '../support/wafer-client.ts';
import { RecordedNode } from './recorded-node.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const BOUNDED = { timeout: 120_000 };

for (const version of readdirSync(FIXTURES).filter((name) => name.startsWith('v'))) {
  describe(`a mesh with ${version}`, () => {
    const facts = JSON.parse(readFileSync(join(FIXTURES, version, 'facts.json'), 'utf8'));
    const lots = [1, 2].map((number) => demoLot({ number, wafers: 1, parameters: { tests: 12, dies: 60 } }));
    const all = TransportVector.empty.with(
      { fab: fabId('tw'), epoch: mintedEpoch(facts.epoch) },
      IntervalSet.range(1, facts.stats.updates),
    );

    test(
      'a node goes on with its database: others get what it holds, and what it takes in and is edited since',
      BOUNDED,
      async (t) => {
        const folder = join(temporaryFolder(t), 'tw');
        mkdirSync(folder);
        copyFileSync(join(FIXTURES, version, 'wafersync.db'), join(folder, 'wafersync.db'));
        const cluster = await Cluster.start(['tw', 'az', 'de'], { tw: folder });
        t.after(() => cluster.stop());
        const addresses = cluster.fabs.map((fab) => cluster.address(fab));
        await Promise.all(addresses.map((address) => reaches(address, all)));
        const again = await importFile(cluster.address('az'), lots[0]!.fileName, lots[0]!.stdf);
        assert.deepEqual(
          [again.runId, again.addedAttempts],
          [facts.run.run_id, 0],
          'known, wherever it is handed in',
        );
        const fresh = demoLot({ number: 3, wafers: 1 });
        await importFile(cluster.address('tw'), fresh.fileName, fresh.stdf);
        const person = new Person(cluster.address('de'));
        await person.wafers.PatchWafer({
          ...{
            wafer_id: lots[0]!.wafers[0]!,
            lot: lots[0]!.lot,
            insertion: lots[0]!.insertion,
            author: 'ana',
          },
          patch_json: JSON.stringify([{ op: 'add', path: '/disposition', value: 'hold' }]),
        });
        person.close();
        await converged(addresses);
        for (const fab of cluster.fabs) {
          const { digests } = await inspectRun(cluster.address(fab), facts.run.run_id);
          assert.equal(digests.attempts_sha256, facts.run.attempts_sha256, fab);
          assert.equal(await conflictsAt(cluster, fab), 0);
        }
        assert.deepEqual((await verdict(cluster)).faults, []);
      },
    );

    test(
      'what it said on both lanes is taken by a live node of today, passed on, and shown as it was',
      BOUNDED,
      async (t) => {
        const old = new RecordedNode(version, facts.epoch);
        const address = await old.start();
        t.after(() => old.stop());
        const cluster = await Cluster.start(['az', 'de'], {}, { elsewhere: { tw: address } });
        t.after(() => cluster.stop());
        await old.push(cluster.address('az'));
        for (const fab of cluster.fabs) await reaches(cluster.address(fab), all);
        assert.ok(old.pulls > 0, 'what had not been pushed was pulled');
        const found = await verdict(cluster);
        assert.deepEqual(found.faults, []);
        assert.deepEqual([...new Set(Object.values(found.digests))], [facts.fold_digest]);
      },
    );
  });
}
