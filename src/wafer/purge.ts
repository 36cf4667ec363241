import type { Dot } from '../clocks/dot.ts';

/** Updates that one purge names at most: it is carried out in one commit at every fab, and others wait for that. */
export const MAX_PURGED_UPDATES = 256;

/** Bytes of payloads that one purge takes at most; a single larger update goes alone. */
export const MAX_PURGED_BYTES = 8 * 1024 * 1024;

/** An update that a purge names, by its dot and its content. */
export interface PurgedUpdate {
  readonly dot: Dot;
  /** {@link stubDigest} of its stub, which binds the purge to the content: other content under the dot is not meant. */
  readonly stubDigest: Uint8Array;
}

/** Content of an update of kind `purge`: named updates lose their values, for good and everywhere. */
export interface Purge {
  /** Who asked for it; empty for a node's daily purge. */
  readonly author: string;
  readonly reason: string;
  /** Age that the updates had at least, days; 0 where none was asked for. */
  readonly termDays: number;
  /** Sorted by fab, epoch and sequence, each once; 1 to {@link MAX_PURGED_UPDATES}. */
  readonly purged: readonly PurgedUpdate[];
}
