import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { silentLog } from '../../src/log.ts';
import { Membership, mustHaveApplied } from '../../src/sync/membership.ts';
import { canonicalJson } from '../../src/wafer/document/json.ts';
import type { MemberState } from '../../src/wafer/document/members.ts';
import { addressField, memberField } from '../../src/wafer/document/mesh.ts';
import { DocumentFab, equalFolds, exchange, MESH } from '../support/document-bench.ts';

const BEGUN = ['az', 'de', 'tw'].map(fabId);

function fabsOf(t: TestContext) {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const told: string[] = [];
  const log = {
    ...silentLog,
    info: (event: string, fields?: object) => void told.push(`info ${event} ${JSON.stringify(fields)}`),
    warn: (event: string, fields?: object) => void told.push(`warn ${event} ${JSON.stringify(fields)}`),
  };
  const memberships = fabs.map(({ store, bench }, i) => {
    const configured = { members: BEGUN, addresses: new Map([[fabId(i === 0 ? 'az' : 'tw'), 'tunnel:1']]) };
    const self = fabId(i === 0 ? 'tw' : 'az');
    return new Membership({
      self,
      configured,
      store,
      commits: bench.replica.commits,
      log: i === 0 ? log : silentLog,
    });
  });
  return {
    fabs: fabs as [DocumentFab, DocumentFab],
    memberships: memberships as [Membership, Membership],
    told,
  };
}

async function say(fab: DocumentFab, name: string, state: MemberState, address?: string): Promise<void> {
  const said = new Map([[memberField(name), canonicalJson(state)]]);
  if (address !== undefined) said.set(addressField(name), canonicalJson(address));
  void fab.bench.replica.edit((editor) => editor.sayOfFabs(said, { author: 'mia', reason: 'so it is' }));
  await fab.bench.commit();
}

test('who belongs to the mesh is the same at every fab, follows what is said at any, and is told once', async (t) => {
  const { fabs, memberships, told } = fabsOf(t);
  const [tw, az] = memberships;
  let changes = 0;
  tw.changes.subscribe(() => changes++);
  assert.deepEqual([tw.members(), tw.dialled()], [BEGUN, ['az']]);
  await say(fabs[1], 'kr', 'member', 'kr.example:50051');
  await say(fabs[1], 'de', 'evicted');
  await exchange(fabs);
  for (const membership of memberships) assert.deepEqual(membership.members(), ['az', 'kr', 'tw']);
  assert.deepEqual(
    [tw.dialled(), az.dialled()],
    [
      ['az', 'kr'],
      ['kr', 'tw'],
    ],
  );
  assert.deepEqual([tw.stateOf(fabId('de')), tw.stateOf(fabId('il'))], ['evicted', null]);
  assert.deepEqual(told.toSorted(), ['info fab.added {"fab":"kr"}', 'warn fab.evicted {"fab":"de"}']);
  const before = changes;
  await fabs[0].patch([['add', '/policies/*/~1disposition', 'manual']], { wafer: MESH });
  await exchange(fabs);
  assert.equal(changes, before, 'other edits of the mesh document change nobody');
});

test('two people who say otherwise of a fab unaware of each other end with one answer, and no writer is lost', async (t) => {
  const { fabs, memberships } = fabsOf(t);
  await say(fabs[0], 'de', 'removed');
  await say(fabs[1], 'de', 'evicted');
  await exchange(fabs);
  const [tw, az] = memberships.map((membership) => membership.stateOf(fabId('de')));
  assert.equal(tw, az);
  assert.equal(fabs[0].store.documents.conflicts(MESH).ruled, 1, 'both are kept');
  equalFolds(fabs);
});

test('what is said already is not written again', async (t) => {
  const { fabs } = fabsOf(t);
  await say(fabs[0], 'kr', 'member');
  await say(fabs[0], 'kr', 'member');
  assert.equal(fabs[0].store.documents.version(MESH), 1);
});

test('members are not patched, nor taken out: that would go round what eviction asks for', async (t) => {
  const { fabs, memberships } = fabsOf(t);
  for (const [fab, state] of [
    ['de', 'evicted'],
    ['kr', 'member'],
  ] as const)
    await say(fabs[0], fab, state, 'x:1');
  for (const operation of [
    ['replace', '/members/de', 'member'],
    ['remove', '/members/de'],
    ['remove', '/members'],
    ['add', '/members', { de: 'member' }],
    ['remove', '/addresses/de'],
  ] as const) {
    const patched = fabs[0].patch([operation], { wafer: MESH });
    await assert.rejects(patched, { code: 'invalid', hint: /wafersync fab add/ }, operation.join(' '));
  }
  assert.equal(memberships[0].stateOf(fabId('de')), 'evicted');
});

test('a node that is evicted when it starts says so', async (t) => {
  const { fabs } = fabsOf(t);
  await say(fabs[0], 'tw', 'evicted');
  const told: string[] = [];
  const log = { ...silentLog, warn: (event: string) => void told.push(event) };
  const { store, bench } = fabs[0];
  const configured = { members: BEGUN, addresses: new Map() };
  new Membership({ self: fabId('tw'), configured, store, commits: bench.replica.commits, log });
  assert.deepEqual(told, ['fab.evicted']);
});

test('a purge waits for the members, and for fabs that are heard of and cannot be placed yet', async (t) => {
  const { fabs, memberships } = fabsOf(t);
  await say(fabs[0], 'de', 'evicted');
  const [tw] = memberships;
  const origin = { fab: fabId('il'), epoch: fabs[0].store.origin.epoch };
  const received = TransportVector.of([[origin, IntervalSet.of([{ from: 1, to: 2 }])]]);
  const report = { node: { ...origin, fab: fabId('kr') }, number: 1, received, held: TransportVector.empty };
  assert.deepEqual(mustHaveApplied(tw, [report], received), ['az', 'il', 'kr', 'tw']);
  await say(fabs[0], 'il', 'member');
  await say(fabs[0], 'kr', 'removed');
  assert.deepEqual(mustHaveApplied(tw, [report], received), ['az', 'il', 'tw']);
});
