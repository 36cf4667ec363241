import type { TestDefinition } from './program.ts';

const KINDS = { PTR: 0, MPR: 1, FTR: 2 } as const;

/** The definitions of one test: those of the same kind, number and name. */
interface Variants {
  /** The one asked for last; nearly always the one that is asked for next. */
  last: TestDefinition;
  lastIndex: number;
  /** Index of each by all else that it says. */
  readonly byRest: Map<string, number>;
}

/** Finds definitions by what they say, fast enough to be asked for every result. */
export class DefinitionIndex {
  /** By number and kind, then by name. */
  readonly #tests = new Map<number, Map<string, Variants>>();

  /** Index of a definition; undefined where it was not added. */
  get(definition: TestDefinition): number | undefined {
    const variants = this.#tests.get(testKey(definition))?.get(definition.name);
    if (variants === undefined) return undefined;
    if (variants.last === definition || sameRest(variants.last, definition)) return variants.lastIndex;
    const index = variants.byRest.get(restKey(definition));
    if (index === undefined) return undefined;
    variants.last = definition;
    variants.lastIndex = index;
    return index;
  }

  /** Adds a definition that {@link get} does not find. */
  add(definition: TestDefinition, index: number): void {
    const key = testKey(definition);
    let names = this.#tests.get(key);
    if (names === undefined) {
      names = new Map();
      this.#tests.set(key, names);
    }
    const byRest = names.get(definition.name)?.byRest ?? new Map<string, number>();
    byRest.set(restKey(definition), index);
    names.set(definition.name, { last: definition, lastIndex: index, byRest });
  }
}

function testKey({ kind, number }: TestDefinition): number {
  return number * 4 + KINDS[kind];
}

function sameRest(a: TestDefinition, b: TestDefinition): boolean {
  return (
    a.units === b.units &&
    Object.is(a.lowLimit, b.lowLimit) &&
    Object.is(a.highLimit, b.highLimit) &&
    Object.is(a.lowSpec, b.lowSpec) &&
    Object.is(a.highSpec, b.highSpec) &&
    Object.is(a.resultScale, b.resultScale)
  );
}

/** Units come last, since they may hold anything. */
function restKey({ lowLimit, highLimit, lowSpec, highSpec, resultScale, units }: TestDefinition): string {
  const numbers = [lowLimit, highLimit, lowSpec, highSpec, resultScale];
  return `${numbers.map((number) => (Object.is(number, -0) ? '-0' : String(number))).join(' ')} ${units}`;
}
