import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { ProgramDigest } from '../wafer/program.ts';

/** Body of a program; null where it is not here, or cannot be read: the peer holds what needs it, and asks for it. */
export function programToSend(
  store: Pick<Store, 'programs'>,
  log: Pick<Log, 'error'>,
  digest: ProgramDigest,
): Uint8Array | null {
  try {
    return store.programs.get(digest);
  } catch (thrown) {
    log.error('program.not_read', { program: digest }, thrown);
    return null;
  }
}
