import { basename } from 'node:path';
import { WafersyncError } from '../../errors.ts';
import { AttemptsDigest, flagsText, float32Hex, PartsDigest } from '../../wafer/attempts-digest.ts';
import { type PartCounts, PartTally } from '../../wafer/part-tally.ts';
import type { ResultsBuilder } from '../../wafer/results-builder.ts';
import { TextDigest } from '../../wafer/text-digest.ts';
import { type YieldRules, YieldTally } from '../../wafer/yield.ts';
import { ColumnCollector } from './collectors.ts';
import type { ByteSource, Compression } from './decompress.ts';
import { type ClosedPart, StdfFold } from './fold.ts';
import type { Truncation } from './framing.ts';
import { type LeftOut, LeftOutList } from './left-out.ts';
import { MAX_PART_BYTES } from './part-joiner.ts';
import { RecordStream } from './record-stream.ts';
import type { MirFields, StdfRecord } from './records.ts';
import type { ResultRecord } from './result-record.ts';
import { openStdf, type StdfStream } from './stdf-file.ts';

/** What an STDF stream contains. Keys are those of the `inspect` command's JSON. */
export interface StdfInspection {
  /** Name of the file without folders; of a stream that is not the first or only one in it, see {@link StdfStream}. */
  readonly file: string;
  readonly compression: Compression;
  readonly uncompressed_bytes: number;
  /** Whole records by name; unknown ones as `UNK_type_subtype`. */
  readonly records: Readonly<Record<string, number>>;
  /** Unknown records by `type/subtype`. */
  readonly unknown_records: Readonly<Record<string, number>>;
  readonly records_after_mrr: number;
  /** Where the file was cut; null if it was not. */
  readonly truncated: Truncation | CompressedTruncation | null;
  /** Fields of the MIR that say something; null without a MIR. Times are seconds of the tester's local time. */
  readonly mir: MirFields | null;
  readonly wafers: readonly { readonly wafer_id: string | null; readonly parts: number }[];
  readonly parts: InspectedParts;
  readonly yield: YieldRules;
  readonly digests: {
    readonly parts_sha256: string;
    /** Over every result in file order, those of no part included. */
    readonly results_sha256: string;
    readonly attempts_sha256: string;
  };
}

/** The compressed stream could not be inflated to its end, but ended between two records. */
export interface CompressedTruncation {
  readonly at: number;
  readonly bytes: 0;
  /** What is wrong with the stream. */
  readonly kind: string;
}

/** Counts over the parts of a file. */
export interface InspectedParts extends PartCounts {
  readonly prr_without_pir: number;
  readonly pir_without_prr: number;
  readonly results_without_part: number;
}

/**
 * Tells what each STDF stream of a file contains, in one pass. Memory grows with the number of parts, not of results.
 * @param name for messages; by default the last part of the path
 * @param leaveOut told what an archive holds that is not read
 * @throws WafersyncError `invalid` if there is no STDF in it, or a part is too large to be held
 */
export async function* inspectStdf(
  source: ByteSource,
  name?: string,
  leaveOut: (leftOut: LeftOut) => void = () => {},
): AsyncGenerator<StdfInspection> {
  const fileName = name ?? (typeof source === 'string' ? basename(source) : 'the stream');
  const file = await openStdf(source, fileName);
  const leftOut = new LeftOutList(file, fileName);
  let read = 0;
  for (const member of file.members) {
    try {
      for await (const stream of member.streams()) {
        yield await inspectStream(stream);
        read++;
      }
    } catch (error) {
      leftOut.add(member.name, error);
    }
  }
  leftOut.finish(read).forEach(leaveOut);
}

async function inspectStream(stream: StdfStream): Promise<StdfInspection> {
  const inspector = new Inspector(stream.name);
  const records = new RecordStream(stream.name, (record) => inspector.visit(record));
  for await (const chunk of stream.chunks) records.push(chunk);
  records.end();
  const { compression, damage } = stream;
  const cut = damage ? ({ at: damage.at, bytes: 0, kind: damage.reason } as const) : null;
  return {
    file: stream.name,
    compression,
    uncompressed_bytes: records.bytes,
    ...namedCounts(records.counts),
    truncated: records.truncated ?? cut,
    ...inspector.facts(),
  };
}

/** Follows the records of a file and sums up. */
class Inspector {
  readonly #file: string;
  readonly #collector = new ColumnCollector();
  readonly #fold = new StdfFold(this.#collector);
  readonly #results = new TextDigest();
  readonly #partsDigest = new PartsDigest();
  readonly #attemptsDigest = new AttemptsDigest();
  readonly #tally = new PartTally();
  readonly #yields = new YieldTally();
  #withoutPir = 0;

  constructor(file: string) {
    this.#file = file;
  }

  visit(record: StdfRecord): void {
    if (record.type === 'PTR' || record.type === 'MPR' || record.type === 'FTR') {
      this.#results.add(resultLine(record));
    }
    const part = this.#fold.step(record);
    if (part) this.#addPart(part);
  }

  facts() {
    const { mir, recordsAfterMrr, wafers, parts } = this.#fold;
    return {
      records_after_mrr: recordsAfterMrr,
      mir: mir && withoutBlanks(mir),
      wafers: wafers.wafers.map(({ waferId, parts }) => ({ wafer_id: waferId || null, parts })),
      parts: {
        ...this.#tally.counts(),
        prr_without_pir: this.#withoutPir,
        pir_without_prr: parts.openParts,
        results_without_part: parts.waitingResults,
      },
      yield: this.#yields.rules(),
      digests: {
        parts_sha256: this.#partsDigest.hex(),
        results_sha256: this.#results.hex(),
        attempts_sha256: this.#attemptsDigest.hex(),
      },
    };
  }

  #addPart({ content, index, record, wafer, resultCount, hadPir }: ClosedPart<ResultsBuilder>): void {
    if (!content) throw tooLarge(this.#file, index, resultCount);
    const attempt = this.#collector.attempt(content, index, record);
    if (!hadPir) this.#withoutPir++;
    this.#partsDigest.add(attempt, index);
    this.#attemptsDigest.add(attempt, index, this.#fold.tests.definitions);
    this.#tally.add({ ...attempt, resultCount }, wafer);
    this.#yields.add(attempt, wafer);
  }
}

/** The line of a result in results_sha256. */
function resultLine(record: ResultRecord): string {
  const { type, number, head, site, testFlags, valueCount } = record;
  let values = '';
  for (let i = 0; i < valueCount; i++) values += (i === 0 ? '' : ',') + float32Hex(record.valueBits(i));
  const fields = [number, head, site, testFlags].map(flagsText).join('\t');
  return `${type}\t${fields}\t${values}\n`;
}

function namedCounts(counts: readonly (readonly [name: string, count: number])[]) {
  const unknown = counts.filter(([name]) => name.includes('/'));
  const named = counts.map(([name, count]) => [name.replace(/^(\d+)\/(\d+)$/, 'UNK_$1_$2'), count] as const);
  return {
    records: Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1))),
    unknown_records: Object.fromEntries(unknown),
  };
}

/** Without fields that are empty, a single blank or a NUL, which testers fill in for nothing; null if none is left. */
function withoutBlanks(fields: MirFields): MirFields | null {
  const said = Object.entries(fields).filter(([, value]) => !['', ' ', '\0'].includes(String(value)));
  return said.length === 0 ? null : Object.fromEntries(said);
}

function tooLarge(file: string, index: number, resultCount: number): WafersyncError {
  const bound = `${MAX_PART_BYTES / 2 ** 20} MiB`;
  return new WafersyncError(
    'invalid',
    `part ${index} of ${file} has ${resultCount} results, more than ${bound}`,
    {
      hint: 'Split the part; it could not be stored either.',
    },
  );
}
