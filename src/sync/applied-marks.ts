import { type Dot, type FabId, type Origin, originKey } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import { appliedOf, type Report } from './report.ts';

/** Marks that are kept, of all fabs and origins together. */
const MAX_MARKS = 65_536;

/** Marks within this time are told as one, the latest, where room is short; milliseconds. */
const COARSE_MS = 1_000;

/** Sequences of one origin that a fab was first known to have applied at one time. */
interface Mark {
  readonly from: number;
  readonly to: number;
  /** The time of the first of the marks that it was made of, and of the last; milliseconds since 1970. */
  readonly sinceMs: number;
  readonly atMs: number;
}

/**
 * When each fab was first known to have applied what, in memory alone. What a fab had when this process first heard of it has
 * no mark.
 * With room for n marks of a fab and an origin, those of the last n seconds are within a second, however fast updates come;
 * where they come slowly, marks of any age are exact. The oldest are forgotten.
 *
 * Invariant: marks of one fab and origin that have just grown are no more than an even share of {@link MAX_MARKS}.
 */
export class AppliedMarks {
  readonly #known = new Map<FabId, { readonly report: Report; readonly applied: TransportVector }>();
  /** Reports from before this process, until something else is heard of their fabs. */
  readonly #kept = new Map<FabId, Report>();
  readonly #marks = new Map<FabId, Map<string, Mark[]>>();
  readonly #maxMarks: number;
  #lists = 0;

  /** @param maxMarks for tests */
  constructor(maxMarks = MAX_MARKS) {
    this.#maxMarks = maxMarks;
  }

  /** Takes in reports that were kept over a restart: what is heard next of their fabs has been there for a time unknown. */
  remembered(reports: readonly Report[]): void {
    for (const report of reports) this.#kept.set(report.node.fab, report);
  }

  /** Takes in the latest reports of all nodes. */
  heard(reports: readonly Report[], nowMs: number): void {
    for (const report of reports) this.#heard(report, nowMs);
  }

  /** When a fab was first known to have applied an update, milliseconds since 1970; null where that is not known. */
  at(fab: FabId, dot: Dot): number | null {
    const marks = this.#marks.get(fab)?.get(originKey(dot)) ?? [];
    return marks.find(({ from, to }) => from <= dot.sequence && dot.sequence <= to)?.atMs ?? null;
  }

  #heard(report: Report, nowMs: number): void {
    const { fab, epoch } = report.node;
    if (this.#kept.get(fab) === report) return;
    this.#kept.delete(fab);
    const before = this.#known.get(fab);
    if (before && before.report.received === report.received && before.report.held === report.held) return;
    const applied = appliedOf(report);
    this.#known.set(fab, { report, applied });
    if (before?.report.node.epoch !== epoch) {
      this.#lists -= this.#marks.get(fab)?.size ?? 0;
      this.#marks.set(fab, new Map());
      return;
    }
    for (const origin of applied.changedSince(before.applied)) {
      const gained = applied.get(origin).difference(before.applied.get(origin));
      for (const { from, to } of gained.intervals)
        this.#mark(fab, origin, { from, to, sinceMs: nowMs, atMs: nowMs });
    }
  }

  #mark(fab: FabId, origin: Origin, mark: Mark): void {
    const ofFab = this.#marks.get(fab)!;
    const key = originKey(origin);
    const marks = ofFab.get(key) ?? [];
    if (!ofFab.has(key)) this.#lists++;
    marks.push(mark);
    const room = Math.max(1, Math.floor(this.#maxMarks / this.#lists));
    ofFab.set(key, marks.length <= room ? marks : thinned(marks, room));
  }
}

/** Fewer marks: neighbours of one time are one, and of what is left the latest stay, so that there is room again. */
function thinned(marks: readonly Mark[], room: number): Mark[] {
  const fewer: Mark[] = [];
  for (const mark of marks) {
    const last = fewer.at(-1);
    if (last && touches(last, mark) && mark.atMs - last.sinceMs <= COARSE_MS)
      fewer[fewer.length - 1] = joined(last, mark);
    else fewer.push(mark);
  }
  return fewer.slice(-Math.max(1, Math.floor((room * 3) / 4)));
}

/** Whether one goes on where the other ends: what is live grows upwards, what is fetched later downwards. */
function touches(a: Mark, b: Mark): boolean {
  return a.to + 1 === b.from || b.to + 1 === a.from;
}

function joined(a: Mark, b: Mark): Mark {
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to), sinceMs: a.sinceMs, atMs: b.atMs };
}
