import { compareDots } from '../../src/clocks/dot.ts';
import { type AttemptSummary, passed } from '../../src/wafer/attempt.ts';
import type { RunRecord } from '../../src/wafer/run.ts';
import type { Update } from '../../src/wafer/update.ts';
import { jsonDecoders } from './fixtures.ts';

/** What the folds have to hold, worked out from the whole set of updates at once. */
export interface Expected {
  readonly runs: unknown[];
  readonly attempts: unknown[];
  readonly dies: unknown[];
  readonly wafers: unknown[];
}

interface Winner {
  readonly update: Update;
  readonly attempt: AttemptSummary;
}

/** SQL whose rows are to equal the {@link Expected} of the same name. */
export const ACTUAL: Record<keyof Expected, string> = {
  runs: `SELECT v.run_id, v.fab, r.started_at_us, v.attempts, v.results, v.record_attempts, v.file_name
         FROM v_runs v JOIN runs r USING (run_id) ORDER BY v.run_id`,
  attempts: `SELECT run_id, attempt_index, wafer_id, x, y, hard_bin, passed, results, fab, sequence
             FROM v_attempts ORDER BY run_id, attempt_index`,
  dies: `SELECT wafer_id, x, y, attempts, run_id, attempt_index, hard_bin, passed FROM v_dies ORDER BY wafer_id, x, y`,
  wafers: `SELECT wafer_id, attempts, results, dies, passed_dies FROM v_wafers ORDER BY wafer_id`,
};

/** Folds a set of updates without regard to any order of arrival. */
export function fold(updates: readonly Update[]): Expected {
  const sorted = updates.toSorted((a, b) => compareDots(a.header.dot, b.header.dot));
  const winners = winnersOf(sorted);
  const starts = new Map(sorted.toReversed().map(({ header }) => [header.run!.id, header.run!.startedAtUs]));
  const dies = diesOf(winners, starts);
  const runs = [...new Set(sorted.map(({ header }) => header.run!.id))].sort();
  const waferIds = sorted.flatMap(({ header }) => (header.kind === 'results' ? [header.wafer.waferId] : []));
  return {
    runs: runs.map((id) => {
      const own = winners.filter(({ update }) => update.header.run!.id === id);
      const content = recordOf(sorted.filter(({ header }) => header.kind === 'run' && header.run!.id === id));
      return {
        run_id: id,
        fab: sorted.find(({ header }) => header.run!.id === id)!.header.dot.fab,
        started_at_us: starts.get(id),
        attempts: own.length,
        results: results(own),
        record_attempts: content?.attempts ?? null,
        file_name: content?.fileName ?? null,
      };
    }),
    attempts: winners.map(({ update: { header }, attempt }) => ({
      run_id: header.run!.id,
      attempt_index: attempt.index,
      wafer_id: header.wafer.waferId,
      x: attempt.x,
      y: attempt.y,
      hard_bin: attempt.hardBin,
      passed: verdict(attempt),
      results: attempt.resultCount,
      fab: header.dot.fab,
      sequence: header.dot.sequence,
    })),
    dies,
    wafers: [...new Set(waferIds)].sort().map((waferId) => {
      const own = winners.filter(({ update }) => update.header.wafer.waferId === waferId);
      const shown = dies.filter((die) => die.wafer_id === waferId);
      return {
        wafer_id: waferId,
        attempts: own.length,
        results: results(own),
        dies: shown.length,
        passed_dies: shown.filter((die) => die.passed === 1).length,
      };
    }),
  };
}

/** The smallest dot of each (run, index), in that order. */
function winnersOf(sorted: readonly Update[]): Winner[] {
  const winners = new Map<string, Winner>();
  for (const update of sorted) {
    if (update.header.kind !== 'results') continue;
    for (const attempt of jsonDecoders.readAttempts(update.payload)) {
      const key = keyOf({ update, attempt });
      if (!winners.has(key)) winners.set(key, { update, attempt });
    }
  }
  return [...winners.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf({ update, attempt }: Winner): string {
  return `${update.header.run!.id} ${String(attempt.index).padStart(6, '0')}`;
}

function diesOf(winners: readonly Winner[], starts: ReadonlyMap<string, number>) {
  const placed = winners.filter(({ attempt }) => attempt.x !== null);
  const place = ({ update, attempt }: Winner) => `${update.header.wafer.waferId} ${attempt.x} ${attempt.y}`;
  const order = (winner: Winner) => [starts.get(winner.update.header.run!.id)!, keyOf(winner)] as const;
  return [...Map.groupBy(placed, place).entries()].sort().map(([, own]) => {
    const last = own.reduce((a, b) => {
      const [startA, keyA] = order(a);
      const [startB, keyB] = order(b);
      return startB > startA || (startB === startA && keyB > keyA) ? b : a;
    });
    return {
      wafer_id: last.update.header.wafer.waferId,
      x: last.attempt.x,
      y: last.attempt.y,
      attempts: own.length,
      run_id: last.update.header.run!.id,
      attempt_index: last.attempt.index,
      hard_bin: last.attempt.hardBin,
      passed: verdict(last.attempt),
    };
  });
}

function recordOf(sorted: readonly Update[]): RunRecord | undefined {
  const contents = sorted.map(({ payload }) => jsonDecoders.decodeRunRecord(payload));
  const most = Math.max(...contents.map(({ attempts }) => attempts));
  const longest = contents.filter(({ attempts }) => attempts === most);
  return longest.find(({ complete }) => complete) ?? longest[0];
}

function results(winners: readonly Winner[]): number {
  return winners.reduce((sum, { attempt }) => sum + attempt.resultCount, 0);
}

function verdict(attempt: AttemptSummary): number | null {
  const value = passed(attempt);
  return value === null ? null : Number(value);
}
