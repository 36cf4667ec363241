import { WafersyncError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { decodeAttempts } from '../../wafer/payload/decode.ts';
import { readProgram } from '../../wafer/program-codec.ts';
import type { RunId } from '../../wafer/run.ts';
import type { StoredAttempt, StreamHistory, StreamPast } from './stream-history.ts';
import { siteKey } from './stream-result.ts';

/** What a node's store knows of streams. */
export function storeHistory(store: Pick<Store, 'runs' | 'attempts' | 'log' | 'programs'>): StreamHistory {
  return {
    past: async (run) => pastOf(store, run),
    attemptAt: async (run, head, site, sequence) => attemptAt(store, run, head, site, sequence),
  };
}

function pastOf(store: Pick<Store, 'runs' | 'attempts'>, run: RunId): StreamPast {
  const row = store.runs.get(run);
  return {
    attempts: row?.attempts ?? 0,
    results: row?.results ?? 0,
    lot: store.runs.wafers(run)[0]?.lot ?? null,
    lastSequences: new Map(
      store.attempts
        .lastSequences(run)
        .map(({ head, site, lastSequence }) => [siteKey(head, site), lastSequence]),
    ),
  };
}

function attemptAt(
  store: Pick<Store, 'attempts' | 'log' | 'programs'>,
  run: RunId,
  head: number,
  site: number,
  sequence: number,
): StoredAttempt | null {
  const row = store.attempts.at(run, head, site, sequence);
  if (!row) return null;
  const update = store.log.get(row.dot);
  const program = update?.header.program ? store.programs.get(update.header.program) : null;
  const attempt = update && decodeAttempts(update.payload).find(({ index }) => index === row.index);
  if (!attempt || !program) {
    throw new WafersyncError('damaged', `attempt ${row.index} of run ${run} is listed, but not in the log`, {
      hint: 'Run `wafersync rebuild` while the node is stopped.',
    });
  }
  return { wafer: row.wafer, attempt, tests: readProgram(program).tests };
}
