import { type FarFacts, RecordFramer, type Truncation } from './framing.ts';
import { recordName } from './record-names.ts';
import { RecordDecoder, type StdfRecord } from './records.ts';

/** Decodes and counts the records of a file that comes in chunks, and hands them to a visitor one by one. */
export class RecordStream {
  readonly #framer: RecordFramer;
  readonly #counts = new Float64Array(0x10000);
  #far: FarFacts | null = null;
  #truncated: Truncation | null = null;

  /** `name` is the file's, for messages. A result record that is visited is good only until the next one. */
  constructor(name: string, visit: (record: StdfRecord) => void) {
    this.#framer = new RecordFramer(name, (far) => {
      this.#far = far;
      const decoder = new RecordDecoder(far);
      return (code, buffer, start, end) => {
        this.#counts[code]!++;
        visit(decoder.decode(code, buffer, start, end));
      };
    });
  }

  /** Visits the records that this chunk completes. @throws WafersyncError `invalid` if the file is not STDF */
  push(chunk: Buffer): void {
    this.#framer.push(chunk);
  }

  /** Ends the file. @throws WafersyncError `invalid` if it is not STDF */
  end(): void {
    this.#truncated = this.#framer.end();
  }

  /** How the file is written; null until its first 6 bytes are there. */
  get far(): FarFacts | null {
    return this.#far;
  }

  /** Where the file was cut; null if it was not, or has not ended. */
  get truncated(): Truncation | null {
    return this.#truncated;
  }

  /** Decompressed bytes seen. */
  get bytes(): number {
    return this.#framer.bytes;
  }

  /** Whole records by name, sorted by name; unknown ones as `type/subtype`. */
  get counts(): (readonly [name: string, count: number])[] {
    const named: [string, number][] = [];
    this.#counts.forEach((count, code) => {
      if (count > 0) named.push([recordName(code), count]);
    });
    return named.sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
