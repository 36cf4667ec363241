import type { FabId } from '../clocks/dot.ts';
import type { LimitWindow, PeerLimit } from '../store/limits.ts';
import type { Cancel, World } from '../world.ts';
import { TokenBucket } from './token-bucket.ts';

/** Which way bytes go: to the peer, or from it. */
export type Direction = 'to' | 'from';

/** Longest wait before the limit is looked at, which may have changed meanwhile, milliseconds. */
const LONGEST_WAIT_MS = 1_000;

/** Least bytes that are asked for at once. */
const LEAST_CHUNK_BYTES = 4 * 1024;

const DAY_MINUTES = 24 * 60;

/** Limit that holds at a minute of the day, bytes a second; null without one. */
export function rateAt({ bytesPerS, windows }: Pick<PeerLimit, 'bytesPerS' | 'windows'>, minute: number) {
  const window = windows.find((each) => holdsAt(each, minute));
  return (window ? window.bytesPerS : bytesPerS) || null;
}

function holdsAt({ fromMinute, toMinute }: LimitWindow, minute: number): boolean {
  const span = (toMinute - fromMinute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  return (minute - fromMinute + DAY_MINUTES) % DAY_MINUTES < span;
}

/** Minute of the day in a time zone. */
export function minuteOfDay(timeZone: string): (nowMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', hour: 'numeric', minute: 'numeric' },
  });
  return (nowMs) => {
    const parts = new Map(format.formatToParts(nowMs).map(({ type, value }) => [type, Number(value)]));
    return (parts.get('hour') ?? 0) * 60 + (parts.get('minute') ?? 0);
  };
}

/** What rates are measured by. */
export interface PeerRatesOptions {
  readonly world: Pick<World, 'nowMs' | 'steadyMs' | 'after'>;
  readonly minuteOfDay: (nowMs: number) => number;
  readonly limits: ReadonlyMap<FabId, PeerLimit>;
}

/** What a peer said of how much it takes pushed. */
interface Said {
  /** 0 for no limit. */
  bytesPerS: number;
  readonly bucket: TokenBucket;
}

/** How fast updates go to and come from each peer. Where no limit holds nothing is measured, and nobody waits. */
export class PeerRates {
  readonly #options: PeerRatesOptions;
  #limits: ReadonlyMap<FabId, PeerLimit>;
  readonly #buckets = new Map<string, TokenBucket>();
  /** Of peers that said how much they take pushed. What was overdrawn stays so over lanes that come and go. */
  readonly #said = new Map<FabId, Said>();
  readonly #waits = new Set<Cancel>();
  #minute = { number: 0, ofDay: 0 };
  #stopped = false;

  constructor(options: PeerRatesOptions) {
    this.#options = options;
    this.#limits = options.limits;
  }

  /** These limits hold from now on, and no others. */
  limit(limits: ReadonlyMap<FabId, PeerLimit>): void {
    this.#limits = limits;
    this.#buckets.clear();
  }

  /** What holds for a peer now, bytes a second in each direction; null for no limit. */
  now(peer: FabId): number | null {
    const limit = this.#limits.get(peer);
    return limit ? rateAt(limit, this.#minuteOfDay()) : null;
  }

  /** Bytes of updates have passed. */
  spend(peer: FabId, direction: Direction, bytes: number): void {
    const nowMs = this.#options.world.steadyMs();
    this.#bucket(peer, direction, nowMs)?.spend(bytes, nowMs);
  }

  /** A peer said how many bytes a second it takes pushed at most; 0 for no limit, or where its lane is gone. */
  said(peer: FabId, bytesPerS: number): void {
    const nowMs = this.#options.world.steadyMs();
    const known = this.#said.get(peer);
    if (known && bytesPerS > 0) known.bucket.setRate(bytesPerS, nowMs);
    if (known) known.bytesPerS = bytesPerS;
    else if (bytesPerS > 0) this.#said.set(peer, { bytesPerS, bucket: new TokenBucket(bytesPerS, nowMs) });
  }

  /** How many bytes a second a peer takes pushed at most, as it says; 0 for no limit. */
  saidBy(peer: FabId): number {
    return this.#said.get(peer)?.bytesPerS ?? 0;
  }

  /** Whether an update may be pushed to a peer, by the limit here and by what the peer said; counts it where it may. */
  mayPush(peer: FabId, bytes: number): boolean {
    const nowMs = this.#options.world.steadyMs();
    const own = this.#bucket(peer, 'to', nowMs);
    const said = this.#said.get(peer);
    const theirs = said && said.bytesPerS > 0 ? said.bucket : null;
    if (own?.takesFresh(nowMs) === false || theirs?.takesFresh(nowMs) === false) return false;
    own?.spend(bytes, nowMs);
    theirs?.spend(bytes, nowMs);
    return true;
  }

  /** Bytes to ask for, or to answer with, at once. */
  chunk(peer: FabId, bytes: number): number {
    const rate = this.now(peer);
    return rate === null ? bytes : Math.min(bytes, Math.max(LEAST_CHUNK_BYTES, Math.floor(rate / 2)));
  }

  /** Does something of a backlog when its turn has come; at once where there is no limit. Never once all is stopped. */
  inTurn(peer: FabId, direction: Direction, work: () => void): void {
    if (this.#stopped) return;
    const nowMs = this.#options.world.steadyMs();
    const waitMs = this.#bucket(peer, direction, nowMs)?.backlogWaitMs(nowMs) ?? 0;
    if (waitMs === 0) {
      work();
      return;
    }
    const cancel = this.#options.world.after('pace', Math.min(waitMs, LONGEST_WAIT_MS), () => {
      this.#waits.delete(cancel);
      this.inTurn(peer, direction, work);
    });
    this.#waits.add(cancel);
  }

  /** Nothing that waits is done any more. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#waits) cancel();
  }

  #bucket(peer: FabId, direction: Direction, nowMs: number): TokenBucket | null {
    const rate = this.now(peer);
    const key = `${direction} ${peer}`;
    if (rate === null) {
      this.#buckets.delete(key);
      return null;
    }
    const known = this.#buckets.get(key);
    known?.setRate(rate, nowMs);
    const bucket = known ?? new TokenBucket(rate, nowMs);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  /** Worked out once a minute. */
  #minuteOfDay(): number {
    const nowMs = this.#options.world.nowMs();
    const number = Math.floor(nowMs / 60_000);
    if (number !== this.#minute.number) this.#minute = { number, ofDay: this.#options.minuteOfDay(nowMs) };
    return this.#minute.ofDay;
  }
}
