import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { WafersyncError } from '../../errors.ts';
import { type LotFile, lotFiles } from '../../generator/lot-files.ts';
import { makeLots } from '../../generator/lots.ts';
import type { LotModel } from '../../generator/model.ts';
import { type ContentDigests, ModelDigest } from '../../generator/model-digest.ts';
import type { YieldRules } from '../../generator/model-yield.ts';
import type { ByteOrder } from '../../generator/stdf-bytes.ts';
import { writeStdf } from '../../generator/stdf-writer.ts';
import { grouped, type Terminal, table } from '../output.ts';
import { type Compress, type GenerateOptions, parametersOf } from './options.ts';
import { percent } from './percent.ts';

/** What is true of a file, by the model and not by reading it. Keys of `--json`. */
interface GeneratedFile {
  readonly file: string;
  readonly lot: string;
  readonly insertion: string;
  /** Ids; empty where the tester gave none. */
  readonly wafers: readonly string[];
  readonly byte_order: ByteOrder;
  /** Complete parts, and results in them. */
  readonly attempts: number;
  readonly results: number;
  /** The file ends within a record. */
  readonly is_cut: boolean;
  /** The file whose bytes it repeats under another name; null for any other. */
  readonly repeats: string | null;
  readonly digests: ContentDigests;
  readonly yield: YieldRules;
}

/** Options of a generator that writes files. */
export type WriteLotsOptions = GenerateOptions & {
  /** Folder. */
  readonly out: string;
};

/** Writes lots as STDF files, and prints what is true of them. Resolves to the exit code. */
export async function writeLots(options: WriteLotsOptions, terminal: Terminal): Promise<number> {
  await mkdir(options.out, { recursive: true }).catch((error: Error) => cannotWrite(options.out, error));
  const generated: GeneratedFile[] = [];
  const { seed, lots, lot: name } = options;
  for (const lot of makeLots({ seed, lots, name, parameters: parametersOf(options) })) {
    for (const file of lotFiles(lot, options.wafersPerFile ?? 'lot')) {
      generated.push(...(await writeFile(lot, file, generated.length, options)));
      if (terminal.interactive && !options.json) terminal.err(`${generated.at(-1)!.file}`);
    }
  }
  if (options.json) terminal.out(JSON.stringify(generated));
  else terminal.out(tableOf(generated));
  return 0;
}

/** Writes a file, and once more under another name where the lot says so. `number` counts the files before it. */
async function writeFile(
  lot: LotModel,
  file: LotFile,
  number: number,
  options: WriteLotsOptions,
): Promise<GeneratedFile[]> {
  const order = options.byteOrder === 'mixed' ? (number % 2 === 0 ? 'little' : 'big') : options.byteOrder;
  const first = await writeOnce(lot, file, { ...options, order, name: file.name, repeats: null });
  if (!file.isRepeated) return [first];
  const name = file.name.replace('.stdf', '.again.stdf');
  return [first, await writeOnce(lot, file, { ...options, order, name, repeats: first.file })];
}

interface Writing {
  /** Folder. */
  readonly out: string;
  readonly name: string;
  readonly order: ByteOrder;
  readonly compress: Compress;
  readonly repeats: string | null;
}

async function writeOnce(
  lot: LotModel,
  file: LotFile,
  { out, name, order, compress, repeats }: Writing,
): Promise<GeneratedFile> {
  const path = join(out, compress === 'gzip' ? `${name}.gz` : name);
  const digest = new ModelDigest();
  await writePieces(path, writeStdf(lot, file, { byteOrder: order, observer: digest }), compress);
  return {
    file: path,
    lot: lot.parameters.lot,
    insertion: lot.parameters.names.insertion,
    wafers: file.wafers.map((index) => lot.wafers[index]!.id),
    byte_order: order,
    is_cut: file.cut !== null,
    repeats,
    ...digest.truth(),
  };
}

/** The file appears under its name when it is whole: whoever watches the folder sees no half one. */
async function writePieces(path: string, pieces: Iterable<Uint8Array>, compress: Compress): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.part`);
  const source = Readable.from(pieces, { objectMode: true, highWaterMark: 1 });
  const target = createWriteStream(part);
  try {
    await (compress === 'gzip' ? pipeline(source, createGzip(), target) : pipeline(source, target));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof WafersyncError) throw error;
    cannotWrite(path, error as Error);
  }
}

function cannotWrite(path: string, error: Error): never {
  throw new WafersyncError('precondition', `${path} cannot be written: ${error.message}`, {
    hint: 'Name a folder that may be written, on a disk with room.',
    cause: error,
  });
}

function tableOf(generated: readonly GeneratedFile[]): string {
  return table(
    ['FILE', 'WAFERS', 'ATTEMPTS', 'RESULTS', 'YIELD (LAST)', 'COMPLETE', 'ATTEMPTS SHA-256'],
    generated.map((one) => [
      one.file,
      one.wafers.length > 3 ? `${one.wafers.length} wafers` : one.wafers.map((id) => id || '-').join(' '),
      grouped(one.attempts),
      grouped(one.results),
      percent(one.yield.last_per_xy.yield),
      one.is_cut ? 'no' : 'yes',
      one.digests.attempts_sha256,
    ]),
  );
}
