import type { Origin } from './dot.ts';

/** What stands for an origin's updates from 1 to a height, without a hole: two nodes with the same hash have the same. */
export interface Chain {
  readonly origin: Origin;
  /** Last sequence that it covers. */
  readonly height: number;
  /** SHA-256 over the hash at the height below (32 zero bytes at 0) and the digest of the update at this height; hex. */
  readonly hash: string;
}
