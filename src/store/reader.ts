import { type Dot, epoch, fabId, sequence } from '../clocks/dot.ts';
import type { RunRef } from '../wafer/run.ts';
import { type Update, updateBytes } from '../wafer/update.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection, Query } from './connection.ts';
import { type ReadFilter, ReadScan, type ScannedAttempt, type ScannedRun } from './read-scan.ts';
import { openForReading } from './reading-connection.ts';
import { DamagedUpdate, openSealed, type SealedRow } from './sealed.ts';
import type { Decoders } from './types.ts';

/** Bounds of one page. */
export interface PageBounds {
  /** Attempts looked at, 1 or more. */
  readonly maxAttempts: number;
  /** Bytes of updates; a single larger update comes alone. */
  readonly maxBytes: number;
}

const BOUNDS: PageBounds = { maxAttempts: 1000, maxBytes: 4 * 1024 * 1024 };

/** An update and those of its attempts that were asked for. */
export interface ReadRow {
  readonly run: RunRef;
  readonly wafer: WaferKey;
  readonly update: Update;
  /** Indexes in the run, growing; never empty. Attempts of the update that are not named do not count here. */
  readonly indexes: readonly number[];
}

interface DotColumns {
  readonly fab: string;
  readonly epoch: number;
  readonly sequence: number;
}

/** What a reader tells its store. */
export interface ReaderEvents {
  closed(): void;
  /** An update was found damaged. */
  damaged(dot: Dot): void;
}

/** A read-only connection of its own, for long reads beside the writer. */
export class StoreReader {
  readonly #connection: Connection;
  readonly #decoders: Decoders;
  readonly #sealed: Query<[number], SealedRow & DotColumns>;
  readonly #events: ReaderEvents;

  /**
   * @throws WafersyncError `unavailable`
   */
  constructor(file: string, decoders: Decoders, events: ReaderEvents) {
    this.#connection = openForReading(file);
    this.#decoders = decoders;
    this.#events = events;
    this.#sealed = this.#connection.prepare(
      `SELECT o.fab, o.epoch, u.sequence, u.header, u.payload, u.digest,
         u.stub_digest AS stubDigest
       FROM update_log u JOIN origins o ON o.id = u.origin WHERE u.id = ?`,
    );
  }

  /**
   * Attempts that match, with the updates that carry them: run by run in the order of start and run id, by index
   * within a run. Nothing is held open between pages, and a page may be empty, so that a caller can always give way.
   * An update comes again on a later page where its attempts lie across two. What is written meanwhile may show.
   */
  *pages(filter: ReadFilter, bounds: PageBounds = BOUNDS): Generator<ReadRow[]> {
    const scan = new ReadScan(this.#connection, filter);
    for (let run = scan.runAfter(null); run; run = scan.runAfter(run)) {
      let after = -1;
      for (let more = true; more; ) {
        const attempts = scan.attemptsAfter(run, after, bounds.maxAttempts);
        yield* this.#pages(run, attempts, bounds.maxBytes);
        more = attempts.length === bounds.maxAttempts;
        after = attempts.at(-1)?.index ?? after;
      }
    }
  }

  /** Closes the connection. Pages that are still being read fail. */
  close(): void {
    this.#connection.close();
    this.#events.closed();
  }

  /** Pages of some attempts, cut so that none holds more than `maxBytes`. */
  *#pages(run: ScannedRun, attempts: readonly ScannedAttempt[], maxBytes: number): Generator<ReadRow[]> {
    let page = new Map<number, ReadRow & { readonly indexes: number[] }>();
    let bytes = 0;
    for (const attempt of attempts) {
      if (!attempt.matches) continue;
      let row = page.get(attempt.updateRow);
      if (!row) {
        const update = this.#open(attempt.updateRow);
        if (page.size > 0 && bytes + updateBytes(update) > maxBytes) {
          yield [...page.values()];
          page = new Map();
          bytes = 0;
        }
        bytes += updateBytes(update);
        row = { ...placeOf(run, attempt), update, indexes: [] };
        page.set(attempt.updateRow, row);
      }
      row.indexes.push(attempt.index);
    }
    yield [...page.values()];
  }

  #open(updateRow: number): Update {
    const { fab, epoch: life, sequence: position, ...row } = this.#sealed.get(updateRow)!;
    const dot = { fab: fabId(fab), epoch: epoch(life), sequence: sequence(position) };
    try {
      return openSealed(row, dot, this.#decoders);
    } catch (thrown) {
      if (thrown instanceof DamagedUpdate) this.#events.damaged(dot);
      throw thrown;
    }
  }
}

function placeOf(
  run: ScannedRun,
  { lot, waferId, insertion }: ScannedAttempt,
): Pick<ReadRow, 'run' | 'wafer'> {
  return { run: { id: run.id, startedAtUs: run.startedAtUs }, wafer: { lot, waferId, insertion } };
}
