import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { proberPath, roundDieMap } from '../../src/generator/die-map.ts';
import { Random } from '../../src/generator/random.ts';
import { drawSignature, SIGNATURE_RATES, type SignatureKind } from '../../src/generator/signatures.ts';

const turns = fc.constantFrom(0, 1, 2, 3);

test('a wafer has exactly as many dies as asked, each in a place of its own, half of them negative', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), turns, (count, quarterTurns) => {
      const dies = roundDieMap(count, quarterTurns);
      assert.equal(dies.length, count);
      assert.equal(new Set(dies.map(({ x, y }) => `${x} ${y}`)).size, count);
      assert.deepEqual(
        dies.map((die) => die.index),
        [...dies.keys()],
      );
      assert.ok(dies.every((die) => die.r2 <= 1 && !Object.is(die.x, -0) && !Object.is(die.y, -0)));
      if (count > 50) {
        const negative = dies.filter((die) => die.x < 0).length / count;
        assert.ok(negative > 0.35 && negative < 0.55, `${negative} are negative`);
      }
    }),
    { numRuns: 50 },
  );
});

test('the map is round: as far up as to the side', () => {
  const dies = roundDieMap(2000);
  const most = (of: (die: { u: number; v: number }) => number): number => Math.max(...dies.map(of));
  assert.ok(most((die) => die.u) > 0.97 && most((die) => die.v) > 0.97);
  assert.ok(most((die) => die.u + die.v) < 1.42);
});

test('turned axes move the coordinates and leave the dies where they are', () => {
  const straight = roundDieMap(500, 0);
  for (const quarterTurns of [1, 2, 3] as const) {
    const turned = roundDieMap(500, quarterTurns);
    for (const [i, die] of turned.entries()) {
      const { x, y, u, v } = straight[i]!;
      assert.deepEqual([die.u, die.v], [u, v]);
      const back = { 1: [die.y, -die.x], 2: [-die.x, -die.y], 3: [-die.y, die.x] }[quarterTurns];
      assert.deepEqual([back[0]! + 0, back[1]! + 0], [x, y]);
    }
  }
});

test('the prober touches every die once, neighbours together, there and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 800 }), fc.integer({ min: 1, max: 16 }), (count, sites) => {
      const dies = roundDieMap(count);
      const path = proberPath(dies, sites);
      const touched = path.flatMap((sited) => sited.map(({ die }) => die.index));
      assert.deepEqual(
        touched.toSorted((a, b) => a - b),
        [...dies.keys()],
      );
      for (const sited of path) {
        assert.ok(sited.length <= sites);
        for (const [i, { die, site }] of sited.entries()) {
          assert.equal(site, i + 1);
          assert.deepEqual([die.x, die.y], [sited[0]!.die.x + i, sited[0]!.die.y]);
        }
      }
    }),
    { numRuns: 40 },
  );
  const starts = proberPath(roundDieMap(300), 4).map((sited) => sited[0]!.die);
  for (const [i, { x, y }] of starts.slice(1).entries()) {
    const from = starts[i]!;
    assert.ok(
      Math.abs(x - from.x) <= 8 && Math.abs(y - from.y) <= 1,
      `from ${from.x}/${from.y} to ${x}/${y}`,
    );
  }
});

test('patterns are found as often as the field has them', () => {
  const random = Random.seeded(1);
  const found = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const { kind } = drawSignature(random, SIGNATURE_RATES);
    found.set(kind, (found.get(kind) ?? 0) + 1);
  }
  const near = (kind: string, share: number): void => {
    const off = Math.abs((found.get(kind) ?? 0) - 20_000 * share);
    assert.ok(off <= 4 * Math.sqrt(20_000 * share), `${kind}: ${found.get(kind)}`);
  };
  near('none', 0.857);
  for (const [kind, share] of Object.entries(SIGNATURE_RATES)) near(kind, share);
});

test('each pattern hits some dies, in its place', () => {
  const dies = roundDieMap(2000);
  const meanR2: Partial<Record<SignatureKind, number>> = {};
  for (const kind of Object.keys(SIGNATURE_RATES) as SignatureKind[]) {
    for (let seed = 0; seed < 20; seed++) {
      const none = Object.fromEntries(Object.keys(SIGNATURE_RATES).map((each) => [each, 0]));
      const rates = { ...(none as typeof SIGNATURE_RATES), [kind]: 1 };
      const signature = drawSignature(Random.seeded(seed), rates);
      const hit = dies.filter((die) => signature.hits(die) > 0);
      assert.equal(signature.kind, kind);
      assert.ok(hit.length > 4, `${kind} hits ${hit.length}`);
      assert.ok(hit.length < dies.length * 0.4 || kind === 'near-full', `${kind} hits ${hit.length}`);
      meanR2[kind] = hit.reduce((sum, die) => sum + die.r2, 0) / hit.length;
    }
  }
  assert.ok(meanR2.center! < meanR2.donut! && meanR2.donut! < meanR2['edge-loc']!);
  assert.ok(meanR2['edge-ring']! > 0.8);
});
