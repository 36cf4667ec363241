import Database from 'better-sqlite3';
import { epoch, fabId } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';

interface Row {
  readonly fab: string;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

/** What the database of a node, which may have died, says that it has received. */
export function storedVector(file: string): TransportVector {
  const db = new Database(file, { readonly: true });
  try {
    const sql =
      'SELECT o.fab, o.epoch, i.first, i.last FROM received_intervals i JOIN origins o ON o.id = i.origin';
    const rows = db.prepare<[], Row>(sql).all();
    return rows.reduce((vector, row) => {
      const origin = { fab: fabId(row.fab), epoch: epoch(row.epoch) };
      return vector.with(origin, vector.get(origin).union(IntervalSet.range(row.first, row.last)));
    }, TransportVector.empty);
  } finally {
    db.close();
  }
}
