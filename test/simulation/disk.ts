import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Dot, epoch, fabId, sequence } from '../../src/clocks/dot.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import type { Dice } from './dice.ts';

/** What a power cut or a copy leaves of a database. */
export interface DiskImage {
  readonly database: Buffer;
  /** The write-ahead log; empty where there is none. */
  readonly log: Buffer;
}

/** What became of the writes that were under way when the power went. */
export type Tear = 'none' | 'lost' | 'cut' | 'garbled';

/** Bytes of a page of the database. */
const PAGE = 4096;

/** The files of one database. SQLite writes them itself; what a crash leaves is worked out from them as they were synced. */
export class SimDisk {
  readonly file: string;

  /** Which file it is; a copy is another. */
  identity: string;
  #copies = 0;

  constructor(folder: string, name: string) {
    this.file = join(folder, `${name}.db`);
    this.identity = name;
  }

  /** From now on it is another file. */
  becomeAnother(): void {
    this.identity = `${this.identity} copy ${++this.#copies}`;
  }

  /** The file beside the database. */
  get life(): Buffer {
    return read(`${this.file}.life`);
  }

  putLife(bytes: Buffer): void {
    writeFileSync(`${this.file}.life`, bytes);
  }

  get exists(): boolean {
    return existsSync(this.file);
  }

  /** The files as they are. */
  image(): DiskImage {
    return { database: read(this.file), log: read(`${this.file}-wal`) };
  }

  /** Puts an image in place, in the same files. The database must be closed. */
  put({ database, log }: DiskImage): void {
    rmSync(`${this.file}-shm`, { force: true });
    writeFileSync(this.file, database);
    if (log.length > 0) writeFileSync(`${this.file}-wal`, log);
    else rmSync(`${this.file}-wal`, { force: true });
  }

  /**
   * Flips a bit in the bytes of an update of the log, as it rots where nobody looks. Gives its dot; null without one.
   */
  rot(dice: Dice, mayRot: (dot: Dot) => boolean): Dot | null {
    const db = new Database(this.file);
    try {
      const rows = db
        .prepare<[], { id: number; fab: string; epoch: number; sequence: number }>(
          'SELECT u.id, o.fab, o.epoch, u.sequence FROM update_log u JOIN origins o ON o.id = u.origin ORDER BY u.id',
        )
        .all()
        .map(({ id, ...row }) => ({ id, dot: dotOf(row) }))
        .filter(({ dot }) => mayRot(dot));
      if (rows.length === 0) return null;
      const { id, dot } = dice.pick(rows);
      const column = dice.pick(['header', 'payload', 'digest']);
      const row = db.prepare<[number], { bytes: Buffer }>(
        `SELECT ${column} AS bytes FROM update_log WHERE id = ?`,
      );
      const { bytes } = row.get(id)!;
      if (bytes.length === 0) return null;
      bytes[dice.int(bytes.length)]! ^= 1 << dice.int(8);
      db.prepare<[Buffer, number], never>(`UPDATE update_log SET ${column} = ? WHERE id = ?`).run(bytes, id);
      return dot;
    } finally {
      db.close();
    }
  }

  /** Flips a bit in the bytes of a test program. Gives its digest; null without one. */
  rotProgram(dice: Dice, mayRot: (digest: ProgramDigest) => boolean): ProgramDigest | null {
    const db = new Database(this.file);
    try {
      const rows = db
        .prepare<[], { id: number; digest: ProgramDigest; body: Buffer }>(
          'SELECT id, digest, body FROM programs WHERE body IS NOT NULL ORDER BY id',
        )
        .all()
        .filter(({ digest }) => mayRot(digest));
      if (rows.length === 0) return null;
      const { id, digest, body } = dice.pick(rows);
      body[dice.int(body.length)]! ^= 1 << dice.int(8);
      db.prepare<[Buffer, number], never>('UPDATE programs SET body = ? WHERE id = ?').run(body, id);
      return digest;
    } finally {
      db.close();
    }
  }

  /** As a lost disk. */
  destroy(): void {
    for (const suffix of ['', '-wal', '-shm', '.lock', '.life']) rmSync(this.file + suffix, { force: true });
  }
}

/** What is on disk where the power went while the second image was being written over the first. */
export function torn(before: DiskImage, after: DiskImage, tear: Tear, dice: Dice): DiskImage {
  if (tear === 'none') return after;
  if (tear === 'lost') return before;
  // A commit appends to the log alone; a checkpoint writes pages of the database, with the log as it was.
  if (!before.database.equals(after.database)) {
    return { database: somePages(before.database, after.database, dice), log: before.log };
  }
  return { database: before.database, log: cutLog(before.log, after.log, tear, dice) };
}

function cutLog(before: Buffer, after: Buffer, tear: Tear, dice: Dice): Buffer {
  const from = firstDifference(before, after);
  const at = from + dice.int(after.length - from + 1);
  const kept = Buffer.concat([after.subarray(0, at), before.subarray(at)]);
  if (tear === 'garbled' && at < after.length) {
    const sector = Buffer.from(dice.bytes(Math.min(512, after.length - at)));
    return Buffer.concat([after.subarray(0, at), sector, before.subarray(at + sector.length)]);
  }
  return kept;
}

function somePages(before: Buffer, after: Buffer, dice: Dice): Buffer {
  const pages: Buffer[] = [];
  const written = dice.next();
  for (let at = 0; at < after.length; at += PAGE) {
    const old = before.subarray(at, at + PAGE);
    pages.push(dice.chance(written) || old.length === 0 ? after.subarray(at, at + PAGE) : old);
  }
  return Buffer.concat(pages);
}

function firstDifference(a: Buffer, b: Buffer): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i;
  return end;
}

function dotOf(row: { fab: string; epoch: number; sequence: number }): Dot {
  return { fab: fabId(row.fab), epoch: epoch(row.epoch), sequence: sequence(row.sequence) };
}

function read(file: string): Buffer {
  return existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
}
