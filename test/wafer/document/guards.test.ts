import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epoch, fabId } from '../../../src/clocks/dot.ts';
import { type Born, MeshFab } from '../../support/document-mesh.ts';

const SHIP = { '/disposition': '"ship"' };
const HOLD = { '/holds/H1': '"probe card"' };

class Fab extends MeshFab {
  #now = 0;

  constructor(name: string) {
    super(fabId(name), epoch(2 ** 40));
  }

  writes(values: Readonly<Record<string, string | null>>, ...guards: string[]): Born {
    return this.write({ values: new Map(Object.entries(values)), guards }, ++this.#now)!;
  }

  takes(...edits: readonly Born[]): this {
    for (const edit of edits) this.take(edit);
    return this;
  }

  /** Guard conflicts as `field: fab field, fab field …`. */
  get guards(): string[] {
    return this.conflicts()
      .filter(({ kind }) => kind === 'guard')
      .map(
        ({ field, members }) =>
          `${field}: ${members.map(({ dot, field }) => `${dot.fab} ${field}`).join(', ')}`,
      );
  }
}

function fabs(): [Fab, Fab, Fab] {
  return [new Fab('tw'), new Fab('az'), new Fab('de')];
}

test('a shipment and a hold that did not know of each other are for a person, whichever came first', () => {
  const [tw, az, de] = fabs();
  const [ship, hold] = [tw.writes(SHIP), az.writes(HOLD)];
  for (const fab of [tw.takes(hold), az.takes(ship), de.takes(hold, ship)]) {
    assert.deepEqual(fab.guards, ['/disposition: tw /disposition, az /holds/H1']);
    assert.ok(fab.conflicts().every(({ open }) => open));
  }
});

test('only shipping rests on the holds by itself', () => {
  for (const value of ['"hold"', '"scrap"', '"release"', '"none"', null]) {
    const [tw, az] = fabs();
    tw.writes({ '/disposition': '"hold"' });
    const edit = tw.writes({ '/disposition': value });
    assert.deepEqual(edit.edit.guards, []);
    assert.deepEqual(tw.takes(az.writes(HOLD)).guards, []);
  }
  const [tw] = fabs();
  assert.deepEqual(tw.writes({ '/attributes/disposition': '"ship"' }).edit.guards, []);
});

test('whoever knew of the other is not against it: neither the one that ships over a hold, nor the hold after a shipment', () => {
  const [tw, az] = fabs();
  const hold = az.writes(HOLD);
  const ship = tw.takes(hold).writes(SHIP);
  assert.deepEqual(az.takes(ship).guards, []);
  const another = az.writes({ '/holds/H2': '"chuck"' });
  assert.deepEqual([az.guards, tw.takes(another).guards], [[], []]);
});

test('a removed hold takes nothing from a shipment, but takes away what a test rested on', () => {
  const [tw, az, de] = fabs();
  const hold = az.writes(HOLD);
  tw.takes(hold).writes(SHIP);
  de.takes(hold).writes({ '/attributes/a': '1' }, '/holds/H1');
  const removal = az.writes({ '/holds/H1': null });
  assert.deepEqual(tw.takes(removal).guards, []);
  assert.deepEqual(de.takes(removal).guards, ['/attributes/a: de /attributes/a, az /holds/H1']);
});

test('of several edits, only what was written unaware is against one', () => {
  const [tw, az, de] = fabs();
  const first = az.writes({ '/holds/H1': '"a"', '/holds/H2': '"b"' });
  const ship = tw.takes(first).writes(SHIP);
  const changed = az.writes({ '/holds/H1': '"c"' });
  assert.deepEqual(de.takes(ship, changed, first).guards, ['/disposition: tw /disposition, az /holds/H1']);
});

test('an edit is not against itself, nor others in what it writes: that is for the field', () => {
  const [tw, az] = fabs();
  tw.writes({ ...SHIP, ...HOLD });
  assert.deepEqual(tw.guards, []);
  const other = az.writes({ '/holds/H1': '"chuck"' });
  assert.deepEqual(tw.takes(other).guards, []);
  assert.deepEqual(
    tw.conflicts().map(({ kind, field }) => `${kind} ${field}`),
    ['field /holds/H1'],
  );
});

test('it stands as long as the edit stands in one of its fields, and moves to the next of these', () => {
  const [tw, az] = fabs();
  tw.writes({ '/attributes/a': '1', ...SHIP });
  tw.takes(az.writes(HOLD));
  assert.deepEqual(tw.guards, ['/attributes/a: tw /attributes/a, tw /disposition, az /holds/H1']);
  tw.writes({ '/attributes/a': '2' });
  assert.deepEqual(tw.guards, ['/disposition: tw /disposition, az /holds/H1']);
  const settling = tw.writes({ '/disposition': '"hold"' });
  assert.deepEqual(tw.guards, []);
  assert.equal(settling.edit.settlements.length, 1);
});

test('whoever writes one field of an edit knows the edit in all', () => {
  const [tw, az] = fabs();
  const edit = tw.writes({ '/attributes/a': '1', ...SHIP });
  const other = az.takes(edit).writes({ '/attributes/a': '2', ...HOLD });
  assert.deepEqual([az.guards, tw.takes(other).guards], [[], []]);
});

test('a shipment that is confirmed with the hold in sight ends the conflict, until another hold comes unaware', () => {
  const [tw, az, de] = fabs();
  const [ship, hold] = [tw.writes(SHIP), az.writes(HOLD)];
  const late = de.writes({ '/holds/H3': '"late"' });
  const confirmed = tw.takes(hold).writes(SHIP);
  assert.equal(confirmed.edit.settlements.length, 1);
  assert.deepEqual([tw.guards, az.takes(confirmed, ship).guards], [[], []]);
  assert.deepEqual(az.takes(late).guards, ['/disposition: tw /disposition, de /holds/H3']);
});

test('a guard is its branch, and no field whose name only begins alike', () => {
  const [tw, az] = fabs();
  tw.writes({ '/disposition': '"hold"' }, '/attributes/a');
  const alike = az.writes({ '/attributes/ab': '1', '/attributes/b': '1' });
  assert.deepEqual(tw.takes(alike).guards, []);
  assert.deepEqual(tw.takes(az.writes({ '/attributes/a/b': '1' })).guards, [
    '/disposition: tw /disposition, az /attributes/a/b',
  ]);
});

test('guards that lie within each other count a write once', () => {
  const [tw, az] = fabs();
  tw.writes(SHIP, '/holds/H1', '');
  assert.deepEqual(tw.takes(az.writes(HOLD)).guards, ['/disposition: tw /disposition, az /holds/H1']);
});
