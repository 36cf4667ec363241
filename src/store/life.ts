import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { WafersyncError } from '../errors.ts';
import type { World } from '../world.ts';
import type { Connection } from './connection.ts';

/** Why a database goes on under another epoch. */
export type RenewalReason =
  /** It was restored from a backup. */
  | 'restored'
  /** The file is another one than was opened last: a copy, or a backup that was put in its place. */
  | 'copied'
  /** The file is the same one, with what it held at an earlier opening. */
  | 'put-back'
  /** Others have updates of this life that it does not know: it was put back unseen. */
  | 'behind'
  /** Others know of a later life of this fab. */
  | 'superseded'
  /** Another database bore other updates under its dots. */
  | 'forked';

/** How a file is told from a copy of it; the simulator has its own. */
export type IdentifyFile = (file: string) => string;

/** Inode and time of birth: what a copy does not share. */
export const identifyFile: IdentifyFile = (file) => {
  const { ino, birthtimeMs } = statSync(file);
  return `${ino} ${Math.floor(birthtimeMs)}`;
};

/** Stands for the file of a database in a backup, which no file is. */
export const IN_BACKUP = 'backup';

/** Bytes of a token. */
const TOKEN_BYTES = 16;

/**
 * Finds out when it is opened whether a database is what it was when it was closed, or killed. A token that is drawn at
 * each opening stands in the database and in a file beside it.
 */
export class Life {
  readonly #connection: Connection;
  readonly #statements;
  readonly #world: World;
  readonly #identify: IdentifyFile;

  constructor(connection: Connection, world: World, identify: IdentifyFile) {
    this.#connection = connection;
    this.#world = world;
    this.#identify = identify;
    this.#statements = {
      get: connection.prepare<[], { token: string; file: string }>('SELECT token, file FROM life'),
      put: connection.prepare<[string, string], never>(
        'INSERT OR REPLACE INTO life (id, token, file) VALUES (1, ?, ?)',
      ),
    };
  }

  /** Why what was opened is not what was left; null where it is, or where it is opened so for the first time. */
  recognise(): 'restored' | 'copied' | 'put-back' | null {
    const row = this.#statements.get.get();
    // It never knew a token, but a token was written beside it: that part of it is gone.
    if (!row) return this.#tokens().length > 0 ? 'put-back' : null;
    if (row.file === IN_BACKUP) return 'restored';
    if (row.file !== this.#identify(this.#connection.file)) return 'copied';
    return this.#tokens().includes(row.token) ? null : 'put-back';
  }

  /**
   * Draws the token of this opening. The file beside the database is written first, with the token before as well, and
   * once more with the new one alone when that is durable: a crash in between is no copy. A full disk keeps the old one.
   * @param renew what belongs to the same transaction
   */
  begin(renew: () => void): void {
    const before = this.#statements.get.get()?.token ?? '';
    const token = Buffer.from(this.#world.random(TOKEN_BYTES)).toString('hex');
    this.#connection.transaction(() => {
      renew();
      this.#statements.put.run(token, this.#identify(this.#connection.file));
      this.#write(`${before}\n${token}\n`);
    });
    this.#write(`${token}\n`);
  }

  get #path(): string {
    return `${this.#connection.file}.life`;
  }

  #tokens(): string[] {
    try {
      return readFileSync(this.#path, 'utf8').split('\n').filter(Boolean);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fromFileSystem(thrown, this.#path);
    }
  }

  #write(text: string): void {
    try {
      const descriptor = openSync(this.#path, 'w', 0o600);
      try {
        writeSync(descriptor, text);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch (thrown) {
      throw fromFileSystem(thrown, this.#path);
    }
  }
}

function fromFileSystem(thrown: unknown, path: string): WafersyncError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new WafersyncError(full ? 'exhausted' : 'unavailable', `${path}: ${code ?? message}`, {
    hint: full ? 'Free space on its volume.' : 'Let this user read and write it.',
    cause: thrown,
  });
}
