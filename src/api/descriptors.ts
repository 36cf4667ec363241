import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs/minimal.js';
import { WafersyncError } from '../errors.ts';

/** One proto file as the compiler described it. */
export interface FileDescriptor {
  /** Such as `wafersync/v1/sync.proto`. */
  readonly name: string;
  /** Names of the files that it imports itself. */
  readonly imports: readonly string[];
  /** Serialized FileDescriptorProto, byte for byte as the compiler wrote it. */
  readonly bytes: Uint8Array;
  /** Full names of everything that it declares. */
  readonly symbols: readonly string[];
}

/** The proto files of a FileDescriptorSet, by name and by what they declare. */
export class Descriptors {
  readonly #files = new Map<string, FileDescriptor>();
  readonly #bySymbol = new Map<string, FileDescriptor>();

  /**
   * Splits a serialized FileDescriptorSet. Nothing is encoded again: a second codec could lose what
   * strict clients check, such as the marks of map entries.
   * @throws WafersyncError `damaged` where bytes cannot be read or an import is not in the set
   */
  constructor(set: Uint8Array) {
    for (const bytes of readFields(set).get(SET_FILE) ?? []) this.#add(describeFile(bytes));
    for (const file of this.#files.values()) {
      const missing = file.imports.find((name) => !this.#files.has(name));
      if (missing !== undefined) {
        throw new WafersyncError('damaged', `${file.name} imports ${missing}, which is not described`);
      }
    }
  }

  /** All files, in the order of the set. */
  files(): readonly FileDescriptor[] {
    return [...this.#files.values()];
  }

  /** The file of this name and all that it imports, directly or not, each once; undefined where there is none. */
  withImports(name: string): readonly FileDescriptor[] | undefined {
    if (!this.#files.has(name)) return undefined;
    const found = new Map<string, FileDescriptor>();
    const pending = [name];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const file = this.#files.get(next);
      if (!file || found.has(next)) continue;
      found.set(next, file);
      pending.push(...file.imports);
    }
    return [...found.values()];
  }

  /** Name of the file that declares a symbol: its full name, with or without a dot before it. */
  fileOf(symbol: string): string | undefined {
    return this.#bySymbol.get(symbol.replace(/^\./, ''))?.name;
  }

  #add(file: FileDescriptor): void {
    this.#files.set(file.name, file);
    for (const symbol of file.symbols) this.#bySymbol.set(symbol, file);
  }
}

/**
 * The descriptors of the contract, which `node scripts/generate.mjs` writes.
 * @throws WafersyncError `precondition` where they have not been generated
 */
export function loadDescriptors(
  file: URL | string = new URL('../gen/descriptors.binpb', import.meta.url),
): Descriptors {
  try {
    return new Descriptors(readFileSync(file));
  } catch (error) {
    if (error instanceof WafersyncError) throw error;
    throw new WafersyncError('precondition', `the descriptors ${String(file)} cannot be read`, {
      hint: 'Run node scripts/generate.mjs.',
      cause: error,
    });
  }
}

// Field numbers of google/protobuf/descriptor.proto.
const SET_FILE = 1;
const NAME = 1;
const FILE = { package: 2, import: 3, message: 4, enum: 5, service: 6, extension: 7 };
const MESSAGE = { field: 2, nested: 3, enum: 4, extension: 6, oneof: 8 };
const ENUM_VALUE = 2;
const SERVICE_METHOD = 2;

/** Length-delimited fields of a message, by number. */
type Fields = ReadonlyMap<number, readonly Uint8Array[]>;

function describeFile(bytes: Uint8Array): FileDescriptor {
  const fields = readFields(bytes);
  const scope = text(fields, FILE.package);
  return {
    name: text(fields, NAME),
    imports: (fields.get(FILE.import) ?? []).map(toText),
    bytes,
    symbols: [
      ...each(fields, FILE.message, scope, messageSymbols),
      ...each(fields, FILE.enum, scope, enumSymbols),
      ...each(fields, FILE.service, scope, serviceSymbols),
      ...each(fields, FILE.extension, scope, ownName),
    ],
  };
}

type Symbols = (fields: Fields, scope: string) => readonly string[];

const ownName: Symbols = (fields, scope) => [join(scope, text(fields, NAME))];

const messageSymbols: Symbols = (fields, scope) => {
  const name = join(scope, text(fields, NAME));
  return [
    name,
    ...each(fields, MESSAGE.field, name, ownName),
    ...each(fields, MESSAGE.nested, name, messageSymbols),
    ...each(fields, MESSAGE.enum, name, enumSymbols),
    ...each(fields, MESSAGE.extension, name, ownName),
    ...each(fields, MESSAGE.oneof, name, ownName),
  ];
};

/** The values of an enum are siblings of the enum, as in C++; clients ask for them inside it, too. */
const enumSymbols: Symbols = (fields, scope) => {
  const name = join(scope, text(fields, NAME));
  return [name, ...each(fields, ENUM_VALUE, scope, ownName), ...each(fields, ENUM_VALUE, name, ownName)];
};

const serviceSymbols: Symbols = (fields, scope) => {
  const name = join(scope, text(fields, NAME));
  return [name, ...each(fields, SERVICE_METHOD, name, ownName)];
};

function each(fields: Fields, number: number, scope: string, symbols: Symbols): readonly string[] {
  return (fields.get(number) ?? []).flatMap((bytes) => symbols(readFields(bytes), scope));
}

function join(scope: string, name: string): string {
  return scope ? `${scope}.${name}` : name;
}

function text(fields: Fields, number: number): string {
  return toText(fields.get(number)?.[0] ?? new Uint8Array());
}

function toText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const LENGTH_DELIMITED = 2;

/** Views on the fields; other wire types are passed over. @throws WafersyncError `damaged` */
function readFields(bytes: Uint8Array): Fields {
  const fields = new Map<number, Uint8Array[]>();
  const reader = protobuf.Reader.create(bytes);
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if ((tag & 7) !== LENGTH_DELIMITED) {
        reader.skipType(tag & 7);
        continue;
      }
      const known = fields.get(tag >>> 3);
      if (known) known.push(reader.bytes());
      else fields.set(tag >>> 3, [reader.bytes()]);
    }
    return fields;
  } catch (error) {
    throw WafersyncError.from(error, 'damaged', 'a descriptor cannot be read');
  }
}
