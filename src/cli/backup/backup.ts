import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { formatEpoch } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import { readBackup } from '../../store/backup-file.ts';
import { checkDatabase } from '../../store/database-facts.ts';
import { requireRoom } from '../../store/disk-space.ts';
import type { Manifest } from '../../wire/backup-manifest.ts';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { backupService } from '../../wire/services.ts';
import { signalsHeard, untilInterrupted } from '../interrupted.ts';
import { withNode } from '../node-client.ts';
import { grouped, type Terminal, utc } from '../output.ts';
import { BackupProgress } from './backup-progress.ts';

/** Options of `wafersync backup`. */
export interface BackupOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
}

/** What ends the name of a backup that is not whole yet. */
const PART = '.part';

/**
 * Writes a backup. It stands under another name until it is on disk and has been read back and checked. Resolves to the exit
 * code.
 */
export async function backup(file: string, options: BackupOptions, terminal: Terminal): Promise<number> {
  const path = resolve(file);
  if (existsSync(path)) {
    throw new WafersyncError('conflict', `${file} is there already, and a backup is never written over`, {
      hint: 'Name another file, such as one with the date in its name.',
    });
  }
  return untilInterrupted((signal) => backupTo(file, options, terminal, signal));
}

async function backupTo(
  file: string,
  { node, json }: BackupOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const path = resolve(file);
  const part = path + PART;
  const progress = new BackupProgress(terminal);
  try {
    const sha256 = await fetchTo(part, node, progress, signal);
    const manifest = await readBackup(part, signal);
    checkDatabase(part);
    await signalsHeard();
    signal.throwIfAborted();
    await rename(part, path);
    await syncFolder(dirname(path));
    const told = { file, ...toJson(manifest), sha256 };
    terminal.out(json ? JSON.stringify(told) : text(told));
    return 0;
  } catch (thrown) {
    await rm(part, { force: true });
    throw signal.aborted ? interrupted(file) : fromFileSystem(thrown, file);
  } finally {
    progress.stop();
  }
}

/** Writes what the node sends to a file, durably. Gives the SHA-256 over all of it, as hex digits. */
async function fetchTo(
  part: string,
  node: string,
  progress: BackupProgress,
  signal: AbortSignal,
): Promise<string> {
  const handle = await open(part, 'w', 0o640);
  try {
    return await withNode(backupService, node, async (client) => {
      const end = await write(handle, dirname(part), client.Backup({}, { signal }), progress);
      await handle.sync();
      return end;
    });
  } finally {
    await handle.close();
  }
}

async function write(
  handle: FileHandle,
  folder: string,
  steps: AsyncIterable<Message<'BackupResponse'>>,
  progress: BackupProgress,
): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const { begun, progress: copied, data, end } of steps) {
    if (begun) {
      const hint = 'Free space there, or name a file elsewhere.';
      requireRoom(folder, toNumber(begun.estimated_bytes), 'the backup needs about', hint);
      progress.begin(toNumber(begun.estimated_bytes));
    } else if (copied) progress.copied(toNumber(copied.copied_pages), toNumber(copied.pages));
    else if (end) {
      const isWhole =
        toNumber(end.bytes) === bytes &&
        hash
          .copy()
          .digest()
          .equals(end.sha256 ?? new Uint8Array());
      if (isWhole) return hash.digest('hex');
      throw new WafersyncError('damaged', 'the backup came otherwise than the node sent it', {
        hint: 'Try again; if it happens again, check the machine and the network.',
      });
    } else if (data) {
      hash.update(data);
      bytes += data.length;
      await handle.writeFile(data);
      progress.received(bytes);
    }
  }
  throw new WafersyncError('unavailable', 'the node ended the backup before it was whole', {
    hint: 'Try again.',
  });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function interrupted(file: string): WafersyncError {
  return new WafersyncError('cancelled', `backup ${file} was interrupted, and nothing of it was kept`, {
    hint: 'Begin it again.',
  });
}

function fromFileSystem(thrown: unknown, file: string): unknown {
  // What failed while the node was asked comes wrapped.
  const isPlain = thrown instanceof WafersyncError && thrown.code !== 'internal';
  const failure = thrown instanceof WafersyncError && !isPlain ? thrown.cause : thrown;
  const { code, syscall } = (failure ?? {}) as NodeJS.ErrnoException;
  if (syscall === undefined) return thrown;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new WafersyncError(full ? 'exhausted' : 'unavailable', `backup ${file} cannot be written: ${code}`, {
    hint: full
      ? 'Free space there, or name a file elsewhere.'
      : 'Check that its folder is there and that this user may write to it.',
    cause: thrown,
  });
}

/** Keys of `--json`: those of the proto, times and epochs in words. */
export function toJson(manifest: Manifest) {
  const { origin, received, peers } = manifest;
  return {
    fab_id: origin.fab,
    epoch: formatEpoch(origin.epoch),
    version: manifest.version,
    schema_version: manifest.schemaVersion,
    made_at: new Date(manifest.madeAtMs).toISOString(),
    database_bytes: manifest.databaseBytes,
    updates: received.size,
    results: manifest.results,
    received: received.toString(),
    peers: [...peers].map(([fab, address]) => ({ fab_id: fab, address: address ?? '' })),
  };
}

/** A line that says what a backup is. */
export function backupLine(manifest: ReturnType<typeof toJson>): string {
  const { fab_id, epoch, made_at, version, updates, results, database_bytes } = manifest;
  const at = utc(Date.parse(made_at) * 1000);
  return `fab ${fab_id}, epoch ${epoch}, made ${at} by wafersync ${version}: ${grouped(results)} results in ${grouped(updates)} updates, a database of ${grouped(database_bytes)} bytes`;
}

function text(told: ReturnType<typeof toJson> & { readonly file: string; readonly sha256: string }): string {
  return `${told.file} is whole and checked\n${backupLine(told)}\nSHA-256 ${told.sha256}`;
}
