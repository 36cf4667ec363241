import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WafersyncError } from '../errors.ts';
import { BackupPieces } from '../store/backup-file.ts';
import { type CopyProgress, removeCopy } from '../store/database-copy.ts';
import { databaseFacts } from '../store/database-facts.ts';
import { requireRoom } from '../store/disk-space.ts';
import type { Store } from '../store/store.ts';
import type { Membership } from '../sync/membership.ts';
import { type Manifest, toManifest } from '../wire/backup-manifest.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { backupService } from '../wire/services.ts';
import type { World } from '../world.ts';
import { serverStream } from './call.ts';
import type { HandlersOf } from './handlers.ts';

/** The backups that were sent whole since the start. Whether they are kept is not known here. */
export class SentBackups {
  #lastMs: number | null = null;

  /** When the last one was made, ms since 1970; null before one was. */
  get lastMs(): number | null {
    return this.#lastMs;
  }

  /** One was sent whole. @param madeAtMs when its copy was made, ms since 1970 */
  sent(madeAtMs: number): void {
    this.#lastMs = madeAtMs;
  }
}

/** What the service is made of. */
export interface BackupServiceOptions {
  readonly store: Pick<Store, 'origin' | 'copyTo' | 'copyBytes'>;
  readonly membership: Pick<Membership, 'fabs'>;
  readonly world: Pick<World, 'nowMs'>;
  /** Version of the program. */
  readonly version: string;
  /** Where the copy stands while it is sent; its folder is emptied at each start. */
  readonly copyFile: string;
  readonly backups: SentBackups;
}

/** Room that has to be left on the node's disk while a copy stands there: what comes in meanwhile needs it. */
const HEADROOM_BYTES = 256 * 1024 * 1024;

/** Part of the pages between two words of progress. */
const TOLD_EVERY = 1 / 100;

/** Handlers of BackupService. */
export function backupServiceHandlers(
  options: BackupServiceOptions,
): HandlersOf<typeof backupService.methods> {
  let isBusy = false;
  return {
    Backup: serverStream<Message<'BackupRequest'>, Message<'BackupResponse'>>(async function* (
      _,
      { signal },
    ) {
      if (isBusy) throw busy();
      isBusy = true;
      try {
        yield* backup(options, signal);
      } finally {
        await removeCopy(options.copyFile);
        isBusy = false;
      }
    }, 'large'),
  };
}

async function* backup(
  options: BackupServiceOptions,
  signal: AbortSignal,
): AsyncGenerator<Message<'BackupResponse'>, void, void> {
  const { store, copyFile } = options;
  const { fab } = store.origin;
  // A disk that a backup fills takes nothing in.
  const wanted = store.copyBytes + HEADROOM_BYTES;
  const hint = "Free space on the disk of the node's data_dir.";
  requireRoom(dirname(copyFile), wanted, 'a backup, while it is made, needs', hint);
  yield { begun: { fab_id: fab, estimated_bytes: fromNumber(store.copyBytes) } };
  for await (const progress of copying(options, signal)) yield { progress };
  const manifest = await manifestOf(options);
  const pieces = new BackupPieces(copyFile, manifest);
  for await (const data of pieces) yield { data };
  const { bytes, sha256 } = pieces.digest();
  yield { end: { bytes: fromNumber(bytes), sha256, manifest: toManifest(manifest) } };
  // Resumed once that has left.
  if (!signal.aborted) options.backups.sent(manifest.madeAtMs);
}

/** Makes the copy, and tells how far it is. */
async function* copying(
  { store, copyFile }: BackupServiceOptions,
  signal: AbortSignal,
): AsyncGenerator<Message<'BackupProgress'>, void, void> {
  let latest: CopyProgress = { copiedPages: 0, pages: 1 };
  let ended = false;
  let wake = () => {};
  const noted = (progress: CopyProgress) => {
    latest = progress;
    wake();
  };
  const copy = store.copyTo(copyFile, noted, signal).finally(() => {
    ended = true;
    wake();
  });
  // Whoever leaves early leaves nothing that still writes. That it failed is told below.
  const over = copy.catch(() => {});
  try {
    for (let told = 0; !ended; ) {
      const { copiedPages, pages } = latest;
      if (Math.abs(copiedPages - told) >= pages * TOLD_EVERY) {
        told = copiedPages;
        yield { copied_pages: fromNumber(copiedPages), pages: fromNumber(pages) };
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    await copy;
  } finally {
    await over;
  }
}

async function manifestOf({
  store,
  membership,
  world,
  version,
  copyFile,
}: BackupServiceOptions): Promise<Manifest> {
  const { fab } = store.origin;
  const { size } = await stat(copyFile);
  const others = membership.fabs().filter((known) => known.fab !== fab && known.state !== 'removed');
  return {
    ...databaseFacts(copyFile),
    version,
    madeAtMs: world.nowMs(),
    databaseBytes: size,
    peers: new Map(others.map((known) => [known.fab, known.address])),
  };
}

function busy(): WafersyncError {
  return new WafersyncError(
    'exhausted',
    'a backup is being made already, and this node makes one at a time',
    {
      hint: 'Try again when it is done.',
    },
  );
}
