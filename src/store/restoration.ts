import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { Manifest } from '../wire/backup-manifest.ts';
import { extractDatabase } from './backup-file.ts';
import { realFile, sync } from './database.ts';
import { removeCopy } from './database-copy.ts';
import { checkDatabase, type DatabaseFacts, databaseFacts } from './database-facts.ts';
import { inspectDatabase } from './inspect.ts';
import { DatabaseLock } from './lock.ts';
import { fromSqlite } from './sqlite-error.ts';

/** How long another program that reads the database is waited for, milliseconds. */
const BUSY_TIMEOUT_MS = 250;

/** What ends the name of a write-ahead log. */
const LOG_SUFFIX = '-wal';

/** What stands where a database is to be restored. */
export type PresentDatabase =
  | { readonly state: 'none' }
  | { readonly state: 'read'; readonly facts: DatabaseFacts }
  /** It cannot be read, and why. */
  | { readonly state: 'unreadable'; readonly error: WafersyncError };

/** One of the steps that put a restored database in place; a crash may come between any two. */
export interface RestorationStep {
  readonly name: string;
  run(): void;
}

/**
 * Tells what stands at the path of a database. Nothing is changed.
 * @throws WafersyncError `conflict` where it is another fab's or program's, `unavailable`
 */
export function presentDatabase(path: string, fab: FabId): PresentDatabase {
  if (!existsSync(dirname(path))) return { state: 'none' };
  const file = realFile(path);
  try {
    if (existsSync(file)) {
      // A newer version's may be replaced as well: that is a way back.
      inspectDatabase(file, fab, 'any');
      return { state: 'read', facts: databaseFacts(file) };
    }
    if (!hasLog(file)) return { state: 'none' };
    throw new WafersyncError('damaged', `database ${file} is missing, but its write-ahead log is there`);
  } catch (thrown) {
    const error = WafersyncError.from(thrown);
    if (error.code !== 'damaged') throw error;
    return { state: 'unreadable', error };
  }
}

/** A database that a restore has put aside. */
export interface ReplacedDatabase {
  readonly file: string;
  /** With what it has of a write-ahead log. */
  readonly bytes: number;
}

/** The databases that restores have put aside at the path of a database, the oldest first. */
export function replacedDatabases(path: string): ReplacedDatabase[] {
  const file = realFile(path);
  const names = asideNames(file).map((name) => join(dirname(file), name));
  const bytesOf = (name: string) => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  return names.sort().map((name) => ({ file: name, bytes: bytesOf(name) + bytesOf(`${name}${LOG_SUFFIX}`) }));
}

/**
 * Puts the database of a backup where a node has its own. Holds the node's lock meanwhile.
 *
 * Invariant: after each step a node opens either the database that was there or the restored one, or, where the former is
 * damaged, refuses; it never opens one with the write-ahead log of the other, and begins none anew.
 */
export class Restoration {
  readonly #file: string;
  readonly #lock: DatabaseLock;

  private constructor(file: string, lock: DatabaseLock) {
    this.#file = file;
    this.#lock = lock;
  }

  /** @throws WafersyncError `precondition` where the node runs, or its folder does not exist */
  static begin(path: string): Restoration {
    const file = realFile(path);
    return new Restoration(file, DatabaseLock.acquire(file));
  }

  /** Where the database is made whole before it is put in place. */
  get #staged(): string {
    return `${this.#file}.restore`;
  }

  /** Takes the database out of the backup and checks it; nothing else is touched. */
  async stage(backup: string, manifest: Manifest): Promise<void> {
    await this.discard();
    try {
      await extractDatabase(backup, manifest, this.#staged);
      checkDatabase(this.#staged);
    } catch (thrown) {
      await this.discard();
      throw thrown;
    }
  }

  /** Gives up what was staged. */
  discard(): Promise<void> {
    return removeCopy(this.#staged);
  }

  /**
   * The steps that put the staged database in place and the one that is there aside, under its name with a date. Gives the
   * path of the latter; null where there is none.
   * @param state of the one that is there
   */
  replacement(
    nowMs: number,
    state: PresentDatabase['state'],
  ): { readonly steps: readonly RestorationStep[]; readonly aside: string | null } {
    const file = this.#file;
    const isKept = state === 'none' || isPlaceholder(file);
    const aside = isKept ? null : freeName(`${file}.replaced-${stamp(nowMs)}`);
    return { aside, steps: [...(aside === null ? [] : setAside(file, aside, state)), ...this.#place()] };
  }

  /** Lets go of the lock. */
  end(): void {
    this.#lock.release();
  }

  /** What is left of a write-ahead log and its index is of the other database. */
  #place(): RestorationStep[] {
    return [
      {
        name: 'drop the log',
        run: () => {
          rmSync(`${this.#file}-wal`, { force: true });
          sync(dirname(this.#file));
        },
      },
      { name: 'drop the index', run: () => rmSync(`${this.#file}-shm`, { force: true }) },
      {
        name: 'place',
        run: () => {
          renameSync(this.#staged, this.#file);
          sync(dirname(this.#file));
        },
      },
    ];
  }
}

/**
 * The log goes into the database first, so that one rename is all that has to be atomic. One that is damaged is kept as it
 * is: both get their second names before they lose their first. A node that is started in between refuses, as it did before.
 */
function setAside(file: string, aside: string, state: PresentDatabase['state']): RestorationStep[] {
  return [
    { name: 'drop aliases', run: () => dropAliases(file) },
    ...(state === 'read' ? [{ name: 'fold the log in', run: () => foldLogIn(file) }] : []),
    {
      name: 'second name of the log',
      run: () => {
        if (hasLog(file)) linkSync(`${file}-wal`, `${aside}-wal`);
      },
    },
    {
      name: 'second name of the database',
      run: () => {
        if (existsSync(file)) linkSync(file, aside);
        sync(dirname(file));
      },
    },
    {
      name: 'part the database from its log',
      run: () => {
        if (hasLog(file)) putPlaceholder(file);
      },
    },
  ];
}

/** Stands where a database was until the restored one does: no node takes it for a database, or begins a new one. */
const PLACEHOLDER =
  'A restore was cut here. Restore again; the database that was here is beside this file.\n';

function putPlaceholder(file: string): void {
  const draft = `${file}.new`;
  writeFileSync(draft, PLACEHOLDER, { flush: true });
  renameSync(draft, file);
  sync(dirname(file));
}

function isPlaceholder(file: string): boolean {
  const { size } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0 };
  return size === PLACEHOLDER.length && readFileSync(file, 'latin1') === PLACEHOLDER;
}

/** A restoration that was cut may have left a second name of the database that is still in use. */
function dropAliases(file: string): void {
  const { ino } = statSync(file, { throwIfNoEntry: false }) ?? {};
  const folder = dirname(file);
  for (const name of asideNames(file)) {
    if (statSync(join(folder, name)).ino === ino) rmSync(join(folder, name));
  }
}

/** Names of what was put aside in the folder of a database, without their logs. */
function asideNames(file: string): string[] {
  const isAside = (name: string) =>
    name.startsWith(`${basename(file)}.replaced-`) && !name.endsWith(LOG_SUFFIX);
  return readdirSync(dirname(file)).filter(isAside);
}

function foldLogIn(file: string): void {
  let db: Database.Database | null = null;
  try {
    db = new Database(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    const isBusy = db.pragma('wal_checkpoint(TRUNCATE)', { simple: true }) === 1;
    if (isBusy) {
      throw new WafersyncError('unavailable', `database ${file} is being read by another program`, {
        hint: 'Close it, such as an SQLite shell, and try again.',
      });
    }
  } catch (thrown) {
    throw fromSqlite(thrown, file);
  } finally {
    // Closed by the last who has it open, it has no log any more.
    db?.close();
  }
}

function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** `20261130T163415Z`. */
function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
}

function freeName(name: string): string {
  for (let n = 1; ; n++) {
    const free = n === 1 ? name : `${name}-${n}`;
    if (!existsSync(free) && !existsSync(`${free}-wal`)) return free;
  }
}
