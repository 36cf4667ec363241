import { constants } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FileState } from './settling.ts';

/** What stands under a name: a file to take, nothing, or something to leave alone. */
export type Look =
  | { readonly kind: 'file'; readonly state: FileState }
  | { readonly kind: 'gone' }
  | { readonly kind: 'other'; readonly why: string; readonly state: FileState };

/** What is left alone looks the same at all times. */
const NO_FILE: FileState = { size: 0, modifiedMs: 0, inode: 0 };

/** Looks at a path. Only plain files that may be read, and whose names begin with no dot, are taken. */
export async function lookAt(path: string): Promise<Look> {
  try {
    const stats = await lstat(path);
    if (basename(path).startsWith('.')) return other('its name begins with a dot');
    if (stats.isSymbolicLink()) return other('it is a link');
    if (stats.isDirectory()) return other('it is a folder');
    if (!stats.isFile()) return other('it is no plain file');
    await access(path, constants.R_OK);
    return { kind: 'file', state: { size: stats.size, modifiedMs: stats.mtimeMs, inode: stats.ino } };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'gone' };
    return other(code === 'EACCES' || code === 'EPERM' ? 'it may not be read' : message);
  }
}

function other(why: string): Look {
  return { kind: 'other', why, state: NO_FILE };
}
