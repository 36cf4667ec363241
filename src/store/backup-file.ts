import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { decodeManifest, encodeManifest, type Manifest } from '../wire/backup-manifest.ts';
import { SCHEMA_VERSION } from './schema.ts';

/**
 * A backup is a database as one SQLite file, the manifest behind it, and a footer:
 *
 * | bytes | what |
 * |---|---|
 * | 32 | SHA-256 over database and manifest |
 * | 4 | bytes of the manifest, little-endian |
 * | 4 | layout of backups, little-endian: 1 |
 * | 16 | `wafersync backup` |
 *
 * SQLite opens it as it is, for a database says itself how long it is. Without its end it is no backup.
 */
const MAGIC = Buffer.from('wafersync backup');
const LAYOUT = 1;
const DIGEST_BYTES = 32;
const FOOTER_BYTES = DIGEST_BYTES + 8 + MAGIC.length;

/** Bytes of a piece that is read, and sent, at once. */
const PIECE_BYTES = 256 * 1024;

/** Bytes of the largest manifest that is read. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** What a backup ends with. */
export interface BackupDigest {
  /** Bytes of the whole file. */
  readonly bytes: number;
  /** SHA-256 over the whole file. */
  readonly sha256: Uint8Array;
}

/** A backup as it is sent: its pieces, once; then its digest. */
export class BackupPieces implements AsyncIterable<Uint8Array> {
  readonly #file: string;
  readonly #manifest: Manifest;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  /** @param file a copy of a database, which nobody has open */
  constructor(file: string, manifest: Manifest) {
    this.#file = file;
    this.#manifest = manifest;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const handle = await open(this.#file);
    try {
      for await (const piece of pieces(handle, this.#manifest.databaseBytes)) yield this.#counted(piece);
    } finally {
      await handle.close();
    }
    const manifest = encodeManifest(this.#manifest);
    yield this.#counted(manifest);
    yield this.#counted(footer(this.#hash, manifest.length));
  }

  /** Of all pieces; once, at the end. */
  digest(): BackupDigest {
    return { bytes: this.#bytes, sha256: this.#hash.digest() };
  }

  #counted(piece: Uint8Array): Uint8Array {
    this.#bytes += piece.length;
    this.#hash.update(piece);
    return piece;
  }
}

function footer(hash: Hash, manifestBytes: number): Uint8Array {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(manifestBytes, 0);
  numbers.writeUInt32LE(LAYOUT, 4);
  return Buffer.concat([hash.copy().digest(), numbers, MAGIC]);
}

/**
 * Reads all of a backup and says what it is.
 * @param signal ends it
 * @throws the reason of `signal` WafersyncError `not-found`, `unavailable`; `damaged` where it is not whole or none; `conflict` where a newer version
 * made it
 */
export async function readBackup(file: string, signal?: AbortSignal): Promise<Manifest> {
  const handle = await openBackup(file);
  try {
    const { size } = await handle.stat();
    const { digest, manifestBytes } = readFooter(file, await end(handle, size));
    if (manifestBytes > Math.min(size - FOOTER_BYTES, MAX_MANIFEST_BYTES)) throw damaged(file);
    const hash = createHash('sha256');
    for await (const piece of pieces(handle, size - FOOTER_BYTES)) {
      signal?.throwIfAborted();
      hash.update(piece);
    }
    if (Buffer.compare(hash.digest(), digest) !== 0) throw damaged(file);
    const bytes = await readAt(handle, size - FOOTER_BYTES - manifestBytes, manifestBytes);
    return decodeManifest(bytes);
  } finally {
    await handle.close();
  }
}

/**
 * Checks that a backup is for this fab and this version.
 * @throws WafersyncError `conflict`
 */
export function checkFits(file: string, { origin, schemaVersion, version }: Manifest, fab: FabId): void {
  if (origin.fab !== fab) {
    throw new WafersyncError('conflict', `${file} is a backup of fab ${origin.fab}, not of ${fab}`, {
      hint: `Take one of ${fab}, or name the configuration of ${origin.fab}.`,
    });
  }
  if (schemaVersion <= SCHEMA_VERSION) return;
  throw new WafersyncError(
    'conflict',
    `${file} was made by wafersync ${version}: its database is of schema version ${schemaVersion}, and this program knows none above ${SCHEMA_VERSION}`,
    { hint: 'Restore it with the newer wafersync.' },
  );
}

/** Writes the database of a backup to a file, durably. @throws what the file system throws */
export async function extractDatabase(
  backup: string,
  { databaseBytes }: Manifest,
  to: string,
): Promise<void> {
  const from = await openBackup(backup);
  try {
    const handle = await open(to, 'w', 0o640);
    try {
      for await (const piece of pieces(from, databaseBytes)) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } finally {
    await from.close();
  }
}

async function openBackup(file: string): Promise<FileHandle> {
  try {
    return await open(file);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new WafersyncError('not-found', `there is no backup ${file}`, { hint: 'Check the path.' });
    }
    throw new WafersyncError('unavailable', `backup ${file} cannot be read: ${code ?? message}`, {
      hint: 'Let this user read it.',
      cause: thrown,
    });
  }
}

async function end(handle: FileHandle, size: number): Promise<Buffer> {
  return size < FOOTER_BYTES ? Buffer.alloc(0) : readAt(handle, size - FOOTER_BYTES, FOOTER_BYTES);
}

function readFooter(file: string, bytes: Buffer) {
  if (bytes.length === 0 || !bytes.subarray(-MAGIC.length).equals(MAGIC)) {
    throw new WafersyncError('damaged', `${file} is no backup, or its end is missing`, {
      hint: 'Take a file that `wafersync backup` ended well with.',
    });
  }
  const layout = bytes.readUInt32LE(DIGEST_BYTES + 4);
  if (layout > LAYOUT) {
    throw new WafersyncError('conflict', `${file} is a backup of layout ${layout}, which is not known here`, {
      hint: 'Restore it with the newer wafersync that made it.',
    });
  }
  return { digest: bytes.subarray(0, DIGEST_BYTES), manifestBytes: bytes.readUInt32LE(DIGEST_BYTES) };
}

function damaged(file: string): WafersyncError {
  return new WafersyncError('damaged', `${file} is damaged: its bytes are not those that were written`, {
    hint: 'Take another backup, or begin a new database, which fetches everything from the other fabs.',
  });
}

/** Bytes of a file from its beginning on. @throws WafersyncError `damaged` where it ends before */
async function* pieces(handle: FileHandle, bytes: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    yield await readAt(handle, at, Math.min(PIECE_BYTES, bytes - at));
  }
}

async function readAt(handle: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  for (let read = 0; read < bytes; ) {
    const { bytesRead } = await handle.read(buffer, read, bytes - read, at + read);
    if (bytesRead === 0) throw new WafersyncError('damaged', 'a file ended while it was read');
    read += bytesRead;
  }
  return buffer;
}
