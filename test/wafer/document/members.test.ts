import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId } from '../../../src/clocks/dot.ts';
import { knownFabs, type MemberState } from '../../../src/wafer/document/members.ts';

const [AZ, DE, KR, TW] = ['az', 'de', 'kr', 'tw'].map(fabId) as [never, never, never, never];

function known(states: Record<string, MemberState>, addresses: Record<string, string> = {}) {
  const said = {
    states: new Map(Object.entries(states).map(([fab, state]) => [fabId(fab), state])),
    addresses: new Map(Object.entries(addresses).map(([fab, address]) => [fabId(fab), address])),
  };
  const configured = { members: [TW, DE, AZ], addresses: new Map([[AZ, 'tunnel:1']]) };
  return knownFabs(configured, said);
}

test('where the mesh document says nothing, the members are those of the configuration', () => {
  assert.deepEqual(known({}), [
    { fab: AZ, state: 'member', address: 'tunnel:1' },
    { fab: DE, state: 'member', address: null },
    { fab: TW, state: 'member', address: null },
  ]);
});

test('what the mesh document says of a fab counts for more than the configuration', () => {
  const states = Object.fromEntries(
    known({ de: 'evicted', az: 'removed', kr: 'member' }).map(({ fab, state }) => [fab, state]),
  );
  assert.deepEqual(states, { az: 'removed', de: 'evicted', kr: 'member', tw: 'member' });
});

test("an address of this machine's own goes before the one of the mesh document", () => {
  const addresses = known({ kr: 'member' }, { az: 'az.example:1', de: 'de.example:1', kr: 'kr.example:1' });
  assert.deepEqual(
    addresses.map(({ fab, address }) => [fab, address]),
    [
      [AZ, 'tunnel:1'],
      [DE, 'de.example:1'],
      [KR, 'kr.example:1'],
      [TW, null],
    ],
  );
});
