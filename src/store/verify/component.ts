import type { Connection } from '../connection.ts';
import type { SubjectRow } from './subject-tables.ts';

/** Subjects that hang together: what is folded of one may hang on what is applied of another. */
export interface Component {
  readonly wafers: readonly number[];
  readonly runs: readonly number[];
  /** Rows of purges. */
  readonly purges: readonly number[];
}

/**
 * Finds what hangs together. A wafer hangs on the runs that add to it, by their starts, records and attempts, and a run
 * has attempts of several wafers; so a component is what runs join, mostly the wafers of a lot at one insertion.
 */
export class Components {
  readonly #statements;

  constructor(connection: Connection) {
    this.#statements = {
      runsOf: connection.prepare<[number], { id: number }>(
        'SELECT DISTINCT run AS id FROM update_log WHERE wafer = ? AND run IS NOT NULL',
      ),
      wafersOf: connection.prepare<[number], { id: number }>(
        'SELECT DISTINCT wafer AS id FROM update_log WHERE run = ? AND wafer IS NOT NULL',
      ),
    };
  }

  /** The component of a subject, by what the log says. */
  around(subject: SubjectRow): Component {
    if (subject.kind === 'purge') return { wafers: [], runs: [], purges: [subject.row] };
    const wafers = new Set<number>();
    const runs = new Set<number>();
    const open = [subject];
    for (let next = open.pop(); next; next = open.pop()) {
      const { kind, row } = next;
      const known = kind === 'wafer' ? wafers : runs;
      if (known.has(row)) continue;
      known.add(row);
      if (kind === 'wafer')
        open.push(...this.#statements.runsOf.all(row).map(({ id }) => ({ kind: 'run' as const, row: id })));
      else
        open.push(
          ...this.#statements.wafersOf.all(row).map(({ id }) => ({ kind: 'wafer' as const, row: id })),
        );
    }
    return { wafers: [...wafers], runs: [...runs], purges: [] };
  }
}

/** Subjects of a component. */
export function subjectsOf({ wafers, runs, purges }: Component): SubjectRow[] {
  return [
    ...wafers.map((row) => ({ kind: 'wafer' as const, row })),
    ...runs.map((row) => ({ kind: 'run' as const, row })),
    ...purges.map((row) => ({ kind: 'purge' as const, row })),
  ];
}
