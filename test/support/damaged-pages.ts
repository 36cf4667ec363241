import { closeSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';

/** Overwrites the head of the first leaf page of a table, in a file that nobody has open. */
export function damageFirstPage(file: string, table: string): void {
  const db = new Database(file);
  db.pragma('wal_checkpoint(TRUNCATE)');
  const { page } = db
    .prepare<[string], { page: number }>(
      "SELECT pageno AS page FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path LIMIT 1",
    )
    .get(table)!;
  const size = Number(db.pragma('page_size', { simple: true }));
  db.close();
  const open = openSync(file, 'r+');
  writeSync(open, Buffer.alloc(64, 0xff), 0, 64, (page - 1) * size);
  closeSync(open);
}
