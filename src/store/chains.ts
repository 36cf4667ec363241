import { createHash } from 'node:crypto';
import type { Chain } from '../clocks/chain.ts';
import { type Origin, type OriginKey, originKey, parseOriginKey } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import type { Connection, Participant } from './connection.ts';
import type { LocalKeys } from './keys.ts';
import type { NodeState } from './node-state.ts';

/** Heights between two that are kept. */
const MARK = 1024;

/** Updates that one commit adds to the chains at most: behind a gap that closes there may be millions. */
const ADVANCED_AT_ONCE = 8192;

const NOTHING = Buffer.alloc(32);

interface Top {
  readonly height: number;
  readonly hash: Buffer;
}

/**
 * Hash chains over the digests of every origin's updates. They follow what is received, at each commit.
 *
 * Invariant: a chain's height is at most the last sequence that is here without a hole; it is less only while a gap that
 * closed is being caught up with.
 */
export class Chains implements Participant {
  readonly #keys: LocalKeys;
  readonly #state: NodeState;
  readonly #statements;
  #tops: ReadonlyMap<OriginKey, Top>;
  /** What was received when the chains last had come as far as they could. */
  #followed = TransportVector.empty;
  /** The chains as they are told; null where they changed since. */
  #told: readonly Chain[] | null = null;

  constructor(connection: Connection, keys: LocalKeys, state: NodeState) {
    this.#keys = keys;
    this.#state = state;
    this.#statements = statements(connection);
    this.#tops = new Map(
      this.#statements.tops.all().map(({ origin, height, hash }) => {
        return [originKey(keys.originAt(origin)), { height, hash: Buffer.from(hash) }];
      }),
    );
    connection.enlist(this);
  }

  /** The chain of every origin, as of the last commit. */
  all(): readonly Chain[] {
    this.#told ??= [...this.#tops].map(([key, { height, hash }]) => {
      return { origin: parseOriginKey(key), height, hash: hash.toString('hex') };
    });
    return this.#told;
  }

  /** Greatest height of an origin's chain; 0 without one. */
  top(origin: Origin): number {
    return this.#tops.get(originKey(origin))?.height ?? 0;
  }

  /** Hash of an origin's chain at a height; null where the chain does not reach it. Reads up to a thousand digests. */
  at(origin: Origin, height: number): string | null {
    const top = this.#tops.get(originKey(origin));
    const key = this.#keys.findOrigin(origin);
    if (height === 0) return NOTHING.toString('hex');
    if (!top || key === null || height > top.height) return null;
    if (height === top.height) return top.hash.toString('hex');
    const below = this.#statements.below.get(key, height);
    return this.#advance(key, asTop(below), height).top.hash.toString('hex');
  }

  /** Inside a transaction: forgets an origin's chain from a sequence on, whose update is another one now, or gone. */
  cut(origin: Origin, from: number): void {
    const top = this.#tops.get(originKey(origin));
    const key = this.#keys.findOrigin(origin);
    if (!top || key === null || top.height < from) return;
    this.#statements.drop.run(key, from);
    const below = asTop(this.#statements.below.get(key, from - 1));
    this.#set(origin, below.height === 0 ? null : below);
    this.#followed = TransportVector.empty;
  }

  save(): () => void {
    const tops = this.#tops;
    const followed = this.#followed;
    return () => {
      this.#tops = tops;
      this.#followed = followed;
      this.#told = null;
    };
  }

  flush(): void {
    const { received } = this.#state.vectors;
    let left = ADVANCED_AT_ONCE;
    for (const origin of received.changedSince(this.#followed)) {
      left -= this.#follow(origin, received.get(origin).contiguousThrough, left);
    }
    if (left > 0) this.#followed = received;
  }

  /** Leads an origin's chain towards a height, by so many updates at most; tells by how many it did. */
  #follow(origin: Origin, through: number, atMost: number): number {
    const top = this.#tops.get(originKey(origin)) ?? asTop(undefined);
    const to = Math.min(through, top.height + atMost);
    if (to <= top.height) return 0;
    const key = this.#keys.origin(origin);
    const { top: next, marks } = this.#advance(key, top, to);
    if (top.height % MARK !== 0) this.#statements.dropOne.run(key, top.height);
    for (const { height, hash } of [...marks, next]) this.#statements.put.run(key, height, hash);
    this.#set(origin, next);
    return to - top.height;
  }

  #set(origin: Origin, top: Top | null): void {
    const tops = new Map(this.#tops);
    if (top) tops.set(originKey(origin), top);
    else tops.delete(originKey(origin));
    this.#tops = tops;
    this.#told = null;
  }

  /** The chain from one height to another, and its hashes at the heights between that are kept. */
  #advance(key: number, from: Top, to: number): { readonly top: Top; readonly marks: readonly Top[] } {
    let { height, hash } = from;
    const marks: Top[] = [];
    this.#statements.digests.each(
      ({ digest }) => {
        height++;
        hash = createHash('sha256').update(hash).update(digest).digest();
        if (height % MARK === 0) marks.push({ height, hash });
        return height < to;
      },
      key,
      from.height,
      to,
    );
    return { top: { height, hash }, marks };
  }
}

function asTop(row: { readonly height: number; readonly hash: Uint8Array } | undefined): Top {
  return row ? { height: row.height, hash: Buffer.from(row.hash) } : { height: 0, hash: NOTHING };
}

interface ChainRow {
  readonly origin: number;
  readonly height: number;
  readonly hash: Uint8Array;
}

function statements(connection: Connection) {
  return {
    tops: connection.prepare<[], ChainRow>(
      'SELECT origin, max(height) AS height, hash FROM chains GROUP BY origin',
    ),
    below: connection.prepare<[number, number], ChainRow>(
      'SELECT origin, height, hash FROM chains WHERE origin = ? AND height <= ? ORDER BY height DESC LIMIT 1',
    ),
    put: connection.prepare<[number, number, Uint8Array], never>(
      'INSERT OR REPLACE INTO chains (origin, height, hash) VALUES (?, ?, ?)',
    ),
    drop: connection.prepare<[number, number], never>('DELETE FROM chains WHERE origin = ? AND height >= ?'),
    dropOne: connection.prepare<[number, number], never>(
      'DELETE FROM chains WHERE origin = ? AND height = ?',
    ),
    digests: connection.prepare<[number, number, number], { digest: Uint8Array }>(
      'SELECT digest FROM update_log WHERE origin = ? AND sequence > ? AND sequence <= ? ORDER BY sequence',
    ),
  };
}
