import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FabId, fabId } from '../../src/clocks/dot.ts';
import {
  chooseSources,
  type LiveNeighbour,
  type Route,
  routesOf,
  sameRoutes,
} from '../../src/sync/routes.ts';

const FABS = ['a', 'b', 'c', 'd', 'e', 'f'].map(fabId);

/** Directed live lanes: which fab pushes to which. */
const lanes: fc.Arbitrary<ReadonlyMap<FabId, readonly FabId[]>> = fc
  .array(fc.subarray(FABS), { minLength: FABS.length, maxLength: FABS.length })
  .map((from) => new Map(FABS.map((fab, i) => [fab, from[i]!.filter((peer) => peer !== fab)])));

type Tables = Map<FabId, Map<FabId, Route>>;

/** One round in which every fab hears the routes of those that push to it. */
function round(lanesTo: ReadonlyMap<FabId, readonly FabId[]>, tables: Tables): Tables {
  return new Map(
    FABS.map((fab) => {
      const neighbours: LiveNeighbour[] = lanesTo.get(fab)!.map((peer) => ({
        peer,
        routes: routesOf(peer, tables.get(peer)!),
      }));
      return [fab, chooseSources(fab, neighbours, tables.get(fab)!)];
    }),
  );
}

function settle(lanesTo: ReadonlyMap<FabId, readonly FabId[]>, tables: Tables): Tables {
  let now = tables;
  for (let i = 0; i < 2 * FABS.length; i++) now = round(lanesTo, now);
  return now;
}

const nothing = (): Tables => new Map(FABS.map((fab) => [fab, new Map()]));

/** Lanes from `to` back to every fab that it can hear from, in hops. */
function distances(lanesTo: ReadonlyMap<FabId, readonly FabId[]>, to: FabId): Map<FabId, number> {
  const hops = new Map<FabId, number>([[to, 0]]);
  for (const fab of hops.keys()) {
    for (const peer of lanesTo.get(fab)!) if (!hops.has(peer)) hops.set(peer, hops.get(fab)! + 1);
  }
  return hops;
}

function describe(tables: Tables): string {
  return FABS.map((fab) =>
    routesOf(fab, tables.get(fab)!)
      .map(({ path }) => path.join('>'))
      .join(' '),
  ).join('\n');
}

test('every fab that can be heard from is chosen by a shortest way, and no other', () => {
  fc.assert(
    fc.property(lanes, (lanesTo) => {
      const tables = settle(lanesTo, nothing());
      for (const fab of FABS) {
        const hops = distances(lanesTo, fab);
        hops.delete(fab);
        const chosen = [...tables.get(fab)!.values()];
        assert.deepEqual(chosen.map((route) => route.fab).sort(), [...hops.keys()].sort());
        for (const { fab: origin, path } of chosen) assert.equal(path.length, hops.get(origin));
      }
    }),
  );
});

test('no way leads through itself or through the chooser, at any moment while lanes come and go', () => {
  fc.assert(
    fc.property(fc.array(lanes, { minLength: 1, maxLength: 6 }), (moments) => {
      let tables = nothing();
      for (const lanesTo of moments) {
        tables = round(lanesTo, tables);
        for (const [fab, table] of tables) {
          for (const { path } of table.values()) {
            assert.equal(new Set([fab, ...path]).size, path.length + 1, `${fab}>${path.join('>')}`);
          }
        }
      }
    }),
  );
});

test('ways to fabs that are gone are forgotten, whatever was known before', () => {
  fc.assert(
    fc.property(lanes, lanes, (before, after) => {
      const tables = settle(after, settle(before, nothing()));
      for (const fab of FABS) {
        const hops = distances(after, fab);
        hops.delete(fab);
        assert.deepEqual([...tables.get(fab)!.keys()].sort(), [...hops.keys()].sort());
      }
    }),
  );
});

test('once chosen, ways do not change while lanes do not', () => {
  fc.assert(
    fc.property(lanes, lanes, (before, after) => {
      const tables = settle(after, settle(before, nothing()));
      assert.equal(describe(round(after, tables)), describe(tables));
    }),
  );
});

test('a source in use stays while no way is shorter', () => {
  const [a, b, c, d] = FABS as [FabId, FabId, FabId, FabId];
  const via = (peer: FabId): LiveNeighbour => ({ peer, routes: [{ fab: d, path: [peer, d] }] });
  const current = new Map([[d, { fab: d, path: [c, d] }]]);
  assert.deepEqual(chooseSources(a, [via(b), via(c)], current).get(d)?.path, [c, d]);
  assert.deepEqual(chooseSources(a, [via(b), via(c)], new Map()).get(d)?.path, [b, d]);
  const direct: LiveNeighbour = { peer: d, routes: [] };
  assert.deepEqual(chooseSources(a, [via(b), via(c), direct], current).get(d)?.path, [d]);
});

test('a route that does not begin with the peer that announced it is not believed', () => {
  const [a, b, c, d] = FABS as [FabId, FabId, FabId, FabId];
  const chosen = chooseSources(a, [{ peer: b, routes: [{ fab: d, path: [c, d] }] }], new Map());
  assert.deepEqual([...chosen.keys()], [b]);
});

test('two tables are the same where fabs and paths are', () => {
  const [a, b] = FABS as [FabId, FabId];
  const table = routesOf(a, new Map([[b, { fab: b, path: [b] }]]));
  assert.ok(sameRoutes(table, structuredClone(table)));
  assert.ok(!sameRoutes(table, routesOf(a, new Map())));
});

test('a way of more than five fabs is not taken', () => {
  const [a, b] = FABS as [FabId, FabId];
  const far = (length: number) => ['b', 'x1', 'x2', 'x3', 'x4', 'x5'].slice(0, length).map(fabId);
  const through = (path: FabId[]) =>
    chooseSources(a, [{ peer: b, routes: [{ fab: path.at(-1)!, path }] }], new Map());
  assert.deepEqual([...through(far(5)).keys()], ['b', 'x4']);
  assert.deepEqual([...through(far(6)).keys()], ['b']);
});
