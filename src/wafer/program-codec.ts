import { createHash } from 'node:crypto';
import { WafersyncError } from '../errors.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { encodeDefinition, readDefinition } from './definition-codec.ts';
import { DefinitionIndex } from './definition-index.ts';
import type { ProgramDigest, TestDefinition, TestProgram } from './program.ts';

/** First byte of a program's canonical bytes: the layout that docs/PAYLOAD.md describes. */
export const PROGRAM_VERSION = 1;

/** Definitions of one program. */
export const MAX_DEFINITIONS = 65_535;

/** Canonical bytes of one program. */
export const MAX_PROGRAM_BYTES = 4 * 1024 * 1024;

/** Most bytes that a version and a number of definitions take. */
const HEAD_BYTES = 4;

/**
 * Program of test definitions: equal lists have equal bytes and one digest, everywhere.
 *
 * @throws WafersyncError `invalid` over {@link MAX_DEFINITIONS} or {@link MAX_PROGRAM_BYTES}, or where a definition
 *   breaks its own bounds
 */
export function makeProgram(tests: readonly TestDefinition[]): TestProgram {
  const encoded: Uint8Array[] = [];
  let bytes = 0;
  for (const test of tests) {
    const definition = encodeDefinition(test);
    bytes += definition.length;
    checkRoom(encoded.push(definition), bytes);
  }
  return assemble(tests, encoded);
}

/**
 * Program of canonical bytes that anyone may have made.
 *
 * @throws WafersyncError `damaged` where the bytes are no program, are not canonical, or have another digest than
 *   `expected`; `precondition` where a newer version made them
 */
export function readProgram(body: Uint8Array, expected?: ProgramDigest): TestProgram {
  const reader = new ByteReader(body, 'test program');
  if (body.length > MAX_PROGRAM_BYTES) throw reader.damaged(`${body.length} bytes are too many`);
  const digest = digestOf(body);
  if (expected !== undefined && digest !== expected) {
    throw reader.damaged(`its digest is ${digest} and should be ${expected}`);
  }
  checkVersion(reader, digest);
  const count = reader.varint(MAX_DEFINITIONS);
  if (reader.remaining > MAX_PROGRAM_BYTES - HEAD_BYTES) throw reader.damaged('it has too many bytes');
  const tests: TestDefinition[] = [];
  while (tests.length < count) tests.push(readDefinition(reader));
  reader.end();
  // Two byte sequences of the same definitions would be two programs.
  if (makeProgram(tests).digest !== digest) throw reader.damaged('its bytes are not the canonical ones');
  return { digest, body, tests };
}

/**
 * A program that grows as definitions are met. A definition keeps its index, so that what names an earlier
 * program may as well name a later one.
 */
export class ProgramBuilder {
  readonly #tests: TestDefinition[] = [];
  /** Canonical bytes of each test. */
  readonly #encoded: Uint8Array[] = [];
  /** Invariant: the lengths of #encoded together. */
  #bytes = 0;
  readonly #index = new DefinitionIndex();
  /** Null where the program has grown since it was last asked for. */
  #program: TestProgram | null = null;

  /** @param tests definitions to begin with; of equal ones the first alone */
  constructor(tests: readonly TestDefinition[] = []) {
    for (const test of tests) this.index(test);
  }

  /** How many definitions it has. */
  get size(): number {
    return this.#tests.length;
  }

  /** Index of a definition, which is added if it is new. @throws WafersyncError `invalid`, and nothing is added */
  index(definition: TestDefinition): number {
    const known = this.#index.get(definition);
    if (known !== undefined) return known;
    const encoded = encodeDefinition(definition);
    checkRoom(this.#tests.length + 1, this.#bytes + encoded.length);
    this.#encoded.push(encoded);
    this.#bytes += encoded.length;
    const index = this.#tests.push({ ...definition }) - 1;
    this.#index.add(this.#tests[index]!, index);
    this.#program = null;
    return index;
  }

  /** Definition of an index; undefined where there is none. */
  definition(index: number): TestDefinition | undefined {
    return this.#tests[index];
  }

  /** The program with all definitions so far; the same object until it grows. */
  program(): TestProgram {
    this.#program ??= assemble(this.#tests, this.#encoded);
    return this.#program;
  }
}

function assemble(tests: readonly TestDefinition[], encoded: readonly Uint8Array[]): TestProgram {
  const writer = new ByteWriter();
  writer.u8(PROGRAM_VERSION);
  writer.varint(tests.length);
  for (const definition of encoded) writer.bytes(definition);
  const body = writer.take();
  return { digest: digestOf(body), body, tests: [...tests] };
}

function checkRoom(definitions: number, bytes: number): void {
  if (definitions <= MAX_DEFINITIONS && bytes <= MAX_PROGRAM_BYTES - HEAD_BYTES) return;
  throw new WafersyncError(
    'invalid',
    `a test program of ${definitions} definitions in ${bytes} bytes is too large: at most ${MAX_DEFINITIONS} in ${MAX_PROGRAM_BYTES - HEAD_BYTES}`,
    { hint: 'Keep what changes from die to die out of names, units and limits.' },
  );
}

function checkVersion(reader: ByteReader, digest: ProgramDigest): void {
  const version = reader.u8();
  if (version === 0) throw reader.damaged('no layout has version 0');
  if (version === PROGRAM_VERSION) return;
  throw new WafersyncError(
    'precondition',
    `test program ${digest} has layout ${version}, known here are up to ${PROGRAM_VERSION}`,
    { hint: 'Upgrade this node.' },
  );
}

function digestOf(body: Uint8Array): ProgramDigest {
  return createHash('sha256').update(body).digest('hex') as ProgramDigest;
}
