import Database from 'better-sqlite3';

/** What the databases of several fabs, whose nodes are stopped, hold against each other and against themselves. */
export interface Comparison {
  /** Updates in the log of each. */
  readonly updates: number;
  /** Sentences about what must not be; empty where all is well. */
  readonly faults: readonly string[];
}

interface Row {
  readonly fab: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly digest: string;
  readonly held: number;
}

const LOG = `SELECT o.fab, o.epoch, u.sequence, hex(u.digest) AS digest, h.update_row IS NOT NULL AS held
  FROM update_log u JOIN origins o ON o.id = u.origin LEFT JOIN held_updates h ON h.update_row = u.id
  ORDER BY o.fab, o.epoch, u.sequence`;

/** Compares the logs: no dot with two contents, none that one has and another has not, no gap, none held. */
export function compareDatabases(files: Readonly<Record<string, string>>): Comparison {
  const faults: string[] = [];
  const logs = new Map(Object.entries(files).map(([fab, file]) => [fab, logOf(file)]));
  const known = new Map<string, { readonly digest: string; readonly fab: string }>();
  for (const [fab, log] of logs) {
    for (const [dot, { digest }] of log) {
      const first = known.get(dot);
      if (!first) known.set(dot, { digest, fab });
      else if (first.digest !== digest)
        faults.push(`${dot} is one thing at ${first.fab} and another at ${fab}`);
    }
  }
  for (const [fab, log] of logs) {
    for (const dot of known.keys()) if (!log.has(dot)) faults.push(`${dot} is not at ${fab}`);
    faults.push(...faultsWithin(fab, [...log.values()]));
  }
  return { updates: known.size, faults };
}

function logOf(file: string): Map<string, Row> {
  const db = new Database(file, { readonly: true });
  try {
    const rows = db.prepare<[], Row>(LOG).all();
    return new Map(rows.map((row) => [`${row.fab}/${row.epoch}/${row.sequence}`, row]));
  } finally {
    db.close();
  }
}

/** Gaps and what is held, in rows sorted by origin and sequence. */
function faultsWithin(fab: string, rows: readonly Row[]): string[] {
  const faults: string[] = [];
  for (const [i, { fab: author, epoch, sequence, held }] of rows.entries()) {
    const before = rows[i - 1];
    const next = before?.fab === author && before.epoch === epoch ? before.sequence + 1 : 1;
    if (sequence !== next) faults.push(`${fab} lacks ${author}/${epoch}/${next} before ${sequence}`);
    if (held) faults.push(`${author}/${epoch}/${sequence} is held at ${fab}`);
  }
  return faults;
}
