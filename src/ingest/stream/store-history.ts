import { type Dot, formatDot } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import type { Attempt } from '../../wafer/attempt.ts';
import { decodeAttempts } from '../../wafer/payload/decode.ts';
import { blankAttempts, isStubPayload } from '../../wafer/payload/stub.ts';
import type { TestDefinition } from '../../wafer/program.ts';
import { readProgram } from '../../wafer/program-codec.ts';
import type { RunId } from '../../wafer/run.ts';
import type { StoredAttempt, StreamHistory, StreamPast } from './stream-history.ts';
import { siteKey } from './stream-result.ts';

type Sources = Pick<Store, 'runs' | 'attempts' | 'log' | 'programs'>;

/** What a node's store knows of streams. */
export function storeHistory(store: Sources): StreamHistory {
  const updates = new DecodedUpdates(store);
  return {
    past: async (run) => pastOf(store, run),
    attemptAt: async (run, head, site, sequence) => {
      const row = store.attempts.at(run, head, site, sequence);
      if (!row) return null;
      const { attempts, tests, purged } = updates.of(row.dot);
      const attempt = attempts.get(row.index);
      if (!attempt) throw lost(`attempt ${row.index} of run ${run}`);
      return { wafer: row.wafer, attempt, tests, purged } satisfies StoredAttempt;
    },
  };
}

function pastOf(store: Sources, run: RunId): StreamPast {
  const row = store.runs.get(run);
  return {
    attempts: row?.attempts ?? 0,
    results: row?.results ?? 0,
    recorded: (row?.record ?? null) !== null,
    lot: store.runs.wafers(run)[0]?.lot ?? null,
    through: store.attempts.through(run),
    lastSequences: new Map(
      store.attempts
        .lastSequences(run)
        .map(({ head, site, lastSequence }) => [siteKey(head, site), lastSequence]),
    ),
  };
}

interface Decoded {
  readonly dot: string;
  /** By index. */
  readonly attempts: ReadonlyMap<number, Attempt>;
  readonly tests: readonly TestDefinition[];
  readonly purged: boolean;
}

/** Reads updates of streams, and keeps the last one: what is sent again is asked for attempt by attempt. */
class DecodedUpdates {
  readonly #store: Sources;
  #last: Decoded | null = null;

  constructor(store: Sources) {
    this.#store = store;
  }

  of(dot: Dot): Decoded {
    const name = formatDot(dot);
    if (this.#last?.dot !== name) this.#last = this.#read(dot, name);
    return this.#last;
  }

  #read(dot: Dot, name: string): Decoded {
    const update = this.#store.log.get(dot);
    if (!update?.header.program) throw lost(`update ${name}`);
    const program = this.#store.programs.require(update.header.program);
    const purged = isStubPayload(update.payload);
    const read = purged ? blankAttempts : decodeAttempts;
    const attempts = new Map(read(update.payload).map((attempt) => [attempt.index, attempt]));
    return { dot: name, attempts, tests: readProgram(program).tests, purged };
  }
}

function lost(what: string): WafersyncError {
  return new WafersyncError('damaged', `${what} is listed, but not in the log`, {
    hint: 'Run `wafersync rebuild` while the node is stopped.',
  });
}
