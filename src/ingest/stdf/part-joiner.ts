import type { ResultRecord } from './result-record.ts';

/** Most bytes of results that one part may have before its PRR, at 16 a result and 4 a value: 1.6 million PTRs. */
export const MAX_PART_BYTES = 32 * 1024 * 1024;
/** Most bytes of results that all open parts may have together. */
export const MAX_OPEN_BYTES = 4 * MAX_PART_BYTES;

const RESULT_BYTES = 16;
const VALUE_BYTES = 4;

/** How the results of a part are kept: as columns, or only counted. */
export interface Collector<C> {
  begin(): C;
  add(content: C, record: ResultRecord, test: number): void;
}

/** A part and what belongs to it. */
export interface JoinedPart<C> {
  /** Null where the part has more results than may be held; they were let go. */
  readonly content: C | null;
  readonly resultCount: number;
  /** False where the part had no PIR. */
  readonly hadPir: boolean;
}

interface OpenPart<C> {
  content: C | null;
  resultCount: number;
  bytes: number;
}

/**
 * Joins results to parts: to the open PIR of the same head and site; without one, to the next PRR of it.
 *
 * Invariant: the results held cost at most {@link MAX_OPEN_BYTES}. Which parts are over the bound depends on the records
 * alone, so that a counting pass and a collecting one agree.
 */
export class PartJoiner<C> {
  readonly #collector: Collector<C>;
  readonly #open = new Map<number, OpenPart<C>>();
  /** Results before any PIR of their head and site. */
  readonly #waiting = new Map<number, OpenPart<C>>();
  #bytes = 0;
  #replacedParts = 0;
  #replacedResults = 0;

  constructor(collector: Collector<C>) {
    this.#collector = collector;
  }

  /** A PIR. One that is still open ends without a PRR; its results are counted as unfinished. */
  begin(head: number, site: number): void {
    const key = keyOf(head, site);
    const replaced = this.#open.get(key);
    if (replaced) {
      this.#release(replaced);
      this.#replacedParts++;
      this.#replacedResults += replaced.resultCount;
    }
    this.#open.set(key, this.#newPart());
  }

  /** A result, with the index of its definition. */
  add(record: ResultRecord, test: number): void {
    const key = keyOf(record.head, record.site);
    let part = this.#open.get(key) ?? this.#waiting.get(key);
    if (!part) {
      part = this.#newPart();
      this.#waiting.set(key, part);
    }
    part.resultCount++;
    if (part.content === null) return;
    const bytes = RESULT_BYTES + VALUE_BYTES * record.valueCount;
    if (part.bytes + bytes > MAX_PART_BYTES || this.#bytes + bytes > MAX_OPEN_BYTES) {
      this.#release(part);
      part.content = null;
      return;
    }
    part.bytes += bytes;
    this.#bytes += bytes;
    this.#collector.add(part.content, record, test);
  }

  /** A PRR: the part that it ends. */
  end(head: number, site: number): JoinedPart<C> {
    const key = keyOf(head, site);
    const open = this.#open.get(key);
    const part = open ?? this.#waiting.get(key) ?? this.#newPart();
    (open ? this.#open : this.#waiting).delete(key);
    this.#release(part);
    return { content: part.content, resultCount: part.resultCount, hadPir: open !== undefined };
  }

  /** Results that wait for a PRR of their head and site, which has no PIR. */
  get waitingResults(): number {
    return sum(this.#waiting);
  }

  /** Parts with a PIR that are open now. */
  get openParts(): number {
    return this.#open.size;
  }

  /** Parts whose PIR no PRR answered: those open now, and those that another PIR took the place of. */
  get unfinishedParts(): number {
    return this.#open.size + this.#replacedParts;
  }

  /** Results of the unfinished parts. */
  get unfinishedResults(): number {
    return sum(this.#open) + this.#replacedResults;
  }

  #newPart(): OpenPart<C> {
    return { content: this.#collector.begin(), resultCount: 0, bytes: 0 };
  }

  #release(part: OpenPart<C>): void {
    this.#bytes -= part.bytes;
    part.bytes = 0;
  }
}

/** Absent numbers are −1. */
function keyOf(head: number, site: number): number {
  return (head + 1) * 257 + site + 1;
}

function sum(parts: ReadonlyMap<number, OpenPart<unknown>>): number {
  let count = 0;
  for (const part of parts.values()) count += part.resultCount;
  return count;
}
