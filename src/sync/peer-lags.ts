import type { FabId } from '../clocks/dot.ts';
import { type Timestamp, timestampMs } from '../clocks/hlc.ts';
import type { Log } from '../log.ts';
import type { Commit } from '../replica/commit.ts';
import { type EventSource, logged } from '../replica/event-source.ts';
import type { World } from '../world.ts';
import type { PeerClocks } from './peer-clocks.ts';

/** How long an update was under way. */
export interface Lag {
  /** From its birth to visible here, milliseconds, at least 0. */
  readonly ms: number;
  /** How far that may be off for the offset of the clocks; null where none was known, and none is taken out. */
  readonly uncertaintyMs: number | null;
  /** When it became visible here, ms since 1970. */
  readonly atMs: number;
}

/** What lags are measured with. */
export interface PeerLagsOptions {
  readonly self: FabId;
  readonly commits: Pick<EventSource<Commit<unknown>>, 'subscribe'>;
  readonly clocks: Pick<PeerClocks, 'offsetOf'>;
  readonly world: Pick<World, 'nowMs'>;
  readonly log: Log;
}

/** Of each other fab, the lag of the latest update that was born there and became visible here since the start. */
export class PeerLags {
  readonly #options: PeerLagsOptions;
  readonly #lags = new Map<FabId, Lag>();

  constructor(options: PeerLagsOptions) {
    this.#options = options;
    options.commits.subscribe(logged(options.log, 'lags', (commit) => this.#measure(commit)));
  }

  /** Lag of a fab; null before one was measured. */
  of(fab: FabId): Lag | null {
    return this.#lags.get(fab) ?? null;
  }

  #measure({ added, released }: Pick<Commit<unknown>, 'added' | 'released'>): void {
    const { self, clocks, world } = this.#options;
    const born = new Map<FabId, Timestamp>();
    for (const { update, token, applied } of added) {
      if (token && applied) born.set(update.header.dot.fab, update.header.timestamp);
    }
    for (const { header } of released) born.set(header.dot.fab, header.timestamp);
    born.delete(self);
    for (const [fab, timestamp] of born) {
      const atMs = world.nowMs();
      this.#lags.set(fab, lagOf(timestampMs(timestamp), atMs, clocks.offsetOf(fab)));
    }
  }
}

/** Lag of an update that is visible now. Its birth is told by a clock that is ahead by the offset: what passed since is that much more. */
export function lagOf(bornMs: number, atMs: number, offset: ReturnType<PeerClocks['offsetOf']>): Lag {
  const ms = Math.max(0, atMs - bornMs + (offset?.offsetMs ?? 0));
  return { ms, uncertaintyMs: offset?.uncertaintyMs ?? null, atMs };
}
