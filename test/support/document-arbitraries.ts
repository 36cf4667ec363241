import fc from 'fast-check';
import { epoch, fabId } from '../../src/clocks/dot.ts';
import { type Conflict, conflictId, settlementOf } from '../../src/wafer/document/conflict.ts';
import type { WaferKey } from '../../src/wafer/wafer-key.ts';
import { type Born, type Intent, MeshFab } from './document-mesh.ts';

/** The wafer of every history. */
export const WAFER: WaferKey = { lot: 'L1', waferId: 'W1', insertion: 'CP1' };

/** What happens at a fab. */
type Step =
  | { readonly do: 'write'; readonly fab: number; readonly skew: number; readonly intent: Intent }
  | { readonly do: 'settle'; readonly fab: number; readonly skew: number; readonly pick: number }
  | { readonly do: 'deliver'; readonly fab: number; readonly picks: readonly number[] }
  | { readonly do: 'epoch'; readonly fab: number };

/** Edits at some fabs, some of which reach others in between, in any order and more than once. */
export interface History {
  readonly fabs: number;
  readonly steps: readonly Step[];
  /** For each fab, what puts all edits in the order in which they reach it in the end. */
  readonly last: readonly (readonly number[])[];
}

const FABS = ['tw', 'az', 'de', 'il', 'kr'].map(fabId);
const MAX_STEPS = 30;

/** Few fields and few values, so that writes meet: as siblings, as equals, and as a value against its own members. */
const VALUES: Readonly<Record<string, readonly (string | null)[]>> = {
  '/disposition': ['"ship"', '"ship"', '"hold"', '"scrap"', '"none"'],
  '/holds/H1': ['{}', '"probe card"', null],
  '/holds/H1/reason': ['"probe card"', '"chuck"', null],
  '/holds/H2': ['"probe card"', null],
  '/a': ['1', '2', '{}', null],
  '/a/b': ['1', '2', '{}', null],
  '/a/b/c': ['1', '2', null],
  '/a/d': ['1', null],
  '/notes/n': ['"x"', '"y"', null],
  '/retired': ['true', null],
};

const write = fc
  .constantFrom(...Object.entries(VALUES))
  .chain(([field, values]) => fc.tuple(fc.constant(field), fc.constantFrom(...values)));

const guards = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string[]>([]) },
  {
    weight: 2,
    arbitrary: fc.subarray(
      ['/holds', '/holds/H1', '/a', '/a/b', '/notes/n', '/disposition', '/attempts', ''],
      {
        minLength: 1,
        maxLength: 2,
      },
    ),
  },
);

/** The values without those that cannot stand in one document: members of what another gives a value. */
function consistent(values: ReadonlyMap<string, string | null>): Map<string, string | null> {
  const scalars = [...values].filter(([, value]) => value !== null && value !== '{}').map(([field]) => field);
  return new Map([...values].filter(([field]) => !scalars.some((above) => field.startsWith(`${above}/`))));
}

const intent: fc.Arbitrary<Intent> = fc.record({
  values: fc.array(write, { minLength: 1, maxLength: 3 }).map((writes) => consistent(new Map(writes))),
  guards,
});

const fab = fc.nat({ max: FABS.length - 1 });
/** Clocks of fabs differ by more than the steps are apart: time and cause need not agree. */
const skew = fc.integer({ min: -60, max: 60 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), fab, skew, intent }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const), fab, skew, pick: fc.nat() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      fab,
      picks: fc.array(fc.nat({ max: MAX_STEPS }), { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('epoch' as const), fab }) },
);

export const history: fc.Arbitrary<History> = fc.record({
  fabs: fc.integer({ min: 2, max: FABS.length }),
  steps: fc.array(step, { minLength: 4, maxLength: MAX_STEPS, size: 'max' }),
  last: fc.array(fc.array(fc.nat({ max: 1000 }), { minLength: MAX_STEPS, maxLength: MAX_STEPS }), {
    minLength: FABS.length,
    maxLength: FABS.length,
  }),
});

/** Sees a fab after each step there; `born` where it wrote. */
export type Watch = (fab: MeshFab, born: Born | null, before: readonly Conflict[]) => void;

/** Plays a history to the point where every fab has everything. */
export function play({ fabs: count, steps, last }: History, watch: Watch = () => {}): MeshFab[] {
  const fabs = FABS.slice(0, count).map((name) => new MeshFab(name, epoch(2 ** 40)));
  const born: Born[] = [];
  for (const [i, step] of steps.entries()) {
    const fab = fabs[step.fab % count]!;
    const before = fab.conflicts();
    const own = takeStep(step, fab, born, 100 + 20 * i);
    if (own) born.push(own);
    watch(fab, own, before);
  }
  for (const [i, fab] of fabs.entries()) {
    const keys = last[i]!;
    for (const edit of born.toSorted((a, b) => keyOf(a) - keyOf(b))) fab.take(edit);
    function keyOf(edit: Born): number {
      return keys[born.indexOf(edit)]!;
    }
  }
  return fabs;
}

function takeStep(step: Step, fab: MeshFab, born: readonly Born[], now: number): Born | null {
  switch (step.do) {
    case 'write':
      return fab.write(step.intent, now + step.skew);
    case 'settle': {
      const settling = settlingIntent(fab.conflicts(), step.pick);
      return settling && fab.write(settling, now + step.skew);
    }
    case 'deliver':
      for (const pick of step.picks) if (born.length > 0) fab.take(born[pick % born.length]!);
      return null;
    case 'epoch':
      fab.beginEpoch();
      return null;
  }
}

/** Settles one of the conflicts that stand, by the value of one of its members and without the other side. */
function settlingIntent(conflicts: readonly Conflict[], pick: number): Intent | null {
  if (conflicts.length === 0) return null;
  const { kind, field, members } = conflicts[pick % conflicts.length]!;
  const chosen = members[Math.floor(pick / conflicts.length) % members.length]!;
  if (kind === 'field') return { values: new Map([[field, chosen.value]]), guards: [] };
  if (kind === 'shape') {
    const others = members.filter((member) => (member.field === field) !== (chosen.field === field));
    const gone = others.map((member) => [member.field, null] as const);
    return { values: new Map([...gone, [chosen.field, chosen.value]]), guards: [] };
  }
  return { values: new Map([[field, chosen.field === field ? chosen.value : '"hold"']]), guards: ['/holds'] };
}

/** Ids of conflicts, each once, sorted. */
export function idsOf(conflicts: readonly Conflict[]): string[] {
  return [...new Set(conflicts.map((conflict) => conflictId(WAFER, settlementOf(conflict))))].sort();
}
