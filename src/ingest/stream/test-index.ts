import { WafersyncError } from '../../errors.ts';
import type { TestDefinition, TestProgram } from '../../wafer/program.ts';
import type { StreamBounds } from './stream-bounds.ts';
import type { StreamTest } from './stream-result.ts';

/** A test program that grows: `ProgramBuilder` of src/wafer/program-codec.ts. */
export interface GrowingProgram {
  /** Index of a definition, which is added if it is new. */
  index(definition: TestDefinition): number;
  /** The program as it is now. */
  program(): TestProgram;
}

interface Known {
  readonly test: StreamTest;
  readonly index: number;
}

/** Finds the definition of each streamed test in the stream's program, adding what is new. */
export class TestIndex {
  readonly #program: GrowingProgram;
  readonly #bounds: StreamBounds;
  /** Last test seen under each name: nearly every result is found here without making a key of all fields. */
  readonly #byName = new Map<string, Known>();
  /** Definition by index. Invariant: at most `bounds.definitions`. */
  readonly #definitions: TestDefinition[] = [];
  #bytes = 0;

  constructor(program: GrowingProgram, bounds: StreamBounds) {
    this.#program = program;
    this.#bounds = bounds;
  }

  /** Index of a test. @throws WafersyncError `invalid` where the stream has too many */
  of(test: StreamTest, where: () => string): number {
    const known = this.#byName.get(test.name);
    if (known !== undefined && sameTest(known.test, test)) return known.index;
    this.#checkRoom(test, where);
    const definition = toDefinition(test);
    const index = this.#program.index(definition);
    if (this.#definitions[index] === undefined) {
      this.#definitions[index] = definition;
      this.#bytes += estimate(test);
    }
    this.#byName.set(test.name, { test, index });
    return index;
  }

  /** Definition of an index that {@link of} gave. */
  definition(index: number): TestDefinition {
    return this.#definitions[index]!;
  }

  /** The program with all definitions so far. */
  program(): TestProgram {
    return this.#program.program();
  }

  /** Applies to known definitions as well, at the very bound: simpler, and nobody comes near it. */
  #checkRoom(test: StreamTest, where: () => string): void {
    const { definitions, definitionBytes } = this.#bounds;
    if (this.#definitions.length < definitions && this.#bytes + estimate(test) <= definitionBytes) return;
    throw new WafersyncError(
      'invalid',
      `test ${JSON.stringify(test.name.slice(0, 64))} is one too many at ${where()}: the stream has ${this.#definitions.length} tests in about ${this.#bytes} bytes, of at most ${definitions} in ${definitionBytes}`,
      { hint: 'Keep what changes from die to die out of names, units and limits, or begin another stream.' },
    );
  }
}

function sameTest(a: StreamTest, b: StreamTest): boolean {
  return (
    a.number === b.number &&
    a.units === b.units &&
    Object.is(a.lowLimit, b.lowLimit) &&
    Object.is(a.highLimit, b.highLimit)
  );
}

function toDefinition({ number, name, units, lowLimit, highLimit }: StreamTest): TestDefinition {
  return {
    kind: 'PTR',
    number,
    name,
    units,
    lowLimit,
    highLimit,
    lowSpec: null,
    highSpec: null,
    resultScale: null,
  };
}

/** Bytes of a definition in a program, estimated from above. */
function estimate({ name, units }: StreamTest): number {
  return Buffer.byteLength(name) + Buffer.byteLength(units) + 64;
}
