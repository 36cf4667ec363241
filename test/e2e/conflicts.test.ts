import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { wafersync } from '../../src/gen/wafersync.js';
import { Cluster, FABS, type Fab } from '../support/cluster.ts';
import { foldDigest } from '../support/fold-digests.ts';
import { Person } from '../support/wafer-client.ts';

const { SyncState, ConflictState, ConflictKind } = wafersync.v1;

describe('conflicts over five real processes', () => {
  let cluster: Cluster;
  let people: Record<Fab, Person>;

  before(async () => {
    cluster = await Cluster.start();
    people = Object.fromEntries(FABS.map((fab) => [fab, new Person(cluster.address(fab))])) as Record<
      Fab,
      Person
    >;
  });

  after(async () => {
    for (const person of Object.values(people)) person.close();
    await cluster.stop();
  });

  const others = (fab: Fab) => FABS.filter((other) => other !== fab);

  /** Settles once every fab has all edits that any has, of a wafer. */
  async function everywhere(
    wafer: string,
    version: number,
    holds: (person: Person) => Promise<boolean> = async () => true,
  ) {
    for (const fab of FABS) {
      const person = people[fab];
      await person.until(async () => {
        const now = await person.wafer(wafer).catch(() => null);
        return now !== null && Number(now.version) === version && (await holds(person));
      });
    }
  }

  test('two fabs edit one wafer while their links are down; the conflict is at all five, is settled at one, ends at all', async () => {
    for (const fab of others('az')) cluster.cut('az', fab);
    await people.tw.patch('W1', [{ op: 'replace', path: '/disposition', value: 'ship' }], 'lin');
    await people.az.patch('W1', [{ op: 'add', path: '/holds/H1', value: { reason: 'scratch' } }], 'ana');
    assert.equal((await people.tw.wafer('W1')).open_conflicts.toNumber(), 0);
    for (const fab of others('az')) cluster.heal('az', fab);
    await everywhere('W1', 2);
    const conflicts = await Promise.all(FABS.map((fab) => people[fab].conflicts('W1')));
    for (const found of conflicts) {
      assert.equal(found.length, 1);
      assert.deepEqual(found, conflicts[0], 'told alike at every fab');
      assert.equal(found[0]!.kind, ConflictKind.CONFLICT_KIND_GUARD);
      assert.deepEqual(found[0]!.members.map(({ author }) => author).sort(), ['ana', 'lin']);
    }
    for (const fab of FABS) assert.equal((await people[fab].wafer('W1')).state, SyncState.CONFLICT, fab);
    const [conflict] = conflicts[0]!;
    const hold = conflict!.members.find(({ field }) => field?.startsWith('/holds/'))!;
    await people.il.resolve(conflict!.id, 'az', hold.dot!.sequence, 'noa');
    await everywhere('W1', 3, async (person) => (await person.wafer('W1')).state === SyncState.SYNCED);
    for (const fab of FABS) {
      const [settled] = await people[fab].conflicts('W1');
      assert.deepEqual([settled!.id, settled!.state], [conflict!.id, ConflictState.CONFLICT_STATE_SETTLED]);
      assert.deepEqual(
        settled!.settlements.map(({ author }) => author),
        ['noa'],
      );
      assert.equal((await people[fab].document('W1')).disposition, 'hold');
      assert.match(
        (await people[fab].explain('W1', '/disposition')).join('\n'),
        /noa wrote "hold".*looked at it/,
      );
    }
  });

  test('a fab that was down while others wrote and settled tells the same history, through a restart', async () => {
    await cluster.stopNode('kr', 'SIGKILL');
    cluster.cut('tw', 'de');
    cluster.cut('tw', 'az');
    cluster.cut('tw', 'il');
    await people.tw.patch('W2', [{ op: 'add', path: '/limits_revision', value: 'B' }]);
    await people.de.patch('W2', [{ op: 'add', path: '/limits_revision', value: 'C' }]);
    for (const fab of ['de', 'az', 'il'] as const) cluster.heal('tw', fab);
    await people.az.until(async () => (await people.az.conflicts('W2').catch(() => [])).length === 1);
    const [conflict] = await people.az.conflicts('W2');
    assert.equal(conflict!.state, ConflictState.CONFLICT_STATE_RULED);
    const first = conflict!.members.find(({ dot }) => dot!.fab_id === 'tw')!;
    await people.az.resolve(conflict!.id, 'tw', first.dot!.sequence);
    await cluster.startNode('kr');
    people.kr.close();
    people.kr = new Person(cluster.address('kr'));
    await everywhere('W2', 3);
    for (const fab of FABS) {
      const [settled, ...rest] = await people[fab].conflicts('W2');
      assert.deepEqual(rest, []);
      assert.deepEqual(settled, (await people.az.conflicts('W2'))[0]);
      assert.equal((await people[fab].document('W2')).limits_revision, 'B');
    }
  });

  test('five fabs, all apart, write the same fields; when they meet, all show the same', async () => {
    for (const [i, a] of FABS.entries()) for (const b of FABS.slice(i + 1)) cluster.cut(a, b);
    for (const fab of FABS) {
      await people[fab].patch('W3', [
        { op: 'add', path: `/notes/${fab}`, value: { text: `seen at ${fab}` } },
        { op: 'add', path: '/attributes/oven', value: fab < 'il' ? fab : { name: fab } },
        { op: 'add', path: '/rebins/3,-4', value: 7 },
        { op: 'replace', path: '/disposition', value: fab === 'de' ? 'scrap' : 'hold' },
      ]);
    }
    for (const [i, a] of FABS.entries()) for (const b of FABS.slice(i + 1)) cluster.heal(a, b);
    await everywhere('W3', 5);
    const shown = await Promise.all(FABS.map((fab) => people[fab].document('W3')));
    for (const document of shown) assert.deepEqual(document, shown[0]);
    assert.deepEqual(Object.keys(shown[0]!.notes as object).sort(), [...FABS].sort());
    const conflicts = await Promise.all(FABS.map((fab) => people[fab].conflicts('W3')));
    for (const found of conflicts) assert.deepEqual(found, conflicts[0]);
    assert.deepEqual(
      conflicts[0]!.map(({ kind, field }) => `${ConflictKind[kind]} ${field}`).sort(),
      [
        'CONFLICT_KIND_FIELD /attributes/oven',
        'CONFLICT_KIND_FIELD /attributes/oven/name',
        'CONFLICT_KIND_FIELD /disposition',
        'CONFLICT_KIND_SHAPE /attributes/oven',
      ],
      'equal bins and notes of their own are none',
    );
  });

  test('the tables of all five are equal in the end', async () => {
    for (const fab of FABS) await cluster.stopNode(fab, 'SIGTERM');
    const digests = FABS.map((fab) => foldDigest(cluster.dataFolder(fab), fab));
    assert.equal(new Set(digests).size, 1);
  });
});
