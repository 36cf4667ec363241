import type { FabId } from '../clocks/dot.ts';
import type { World } from '../world.ts';
import { type ClockOffset, ClockSamples } from './clock-samples.ts';

/** Longest that what a peer's clock showed is of account, milliseconds. */
const KEPT_MS = 3_600_000;

/**
 * How far the clocks of peers are ahead of this node's, by the times at which they sent their messages. What a message was
 * under way makes a clock seem as much behind.
 */
export class PeerClocks {
  readonly #world: Pick<World, 'nowMs' | 'steadyMs'>;
  /** The latest of each peer. */
  readonly #heard = new Map<FabId, { readonly aheadMs: number; readonly atMs: number }>();

  /** By round trips; each peer's bounded. */
  readonly #samples = new Map<FabId, ClockSamples>();

  constructor(world: Pick<World, 'nowMs' | 'steadyMs'>) {
    this.#world = world;
  }

  /**
   * A message came.
   * @param sentAtUs the peer's clock when it sent it, microseconds; 0 where it does not say
   * @param echoUs this node's clock when it sent what is answered here; 0 where it is no answer
   */
  heard(peer: FabId, sentAtUs: number, echoUs = 0): void {
    if (sentAtUs === 0) return;
    const [nowMs, steadyMs] = [this.#world.nowMs(), this.#world.steadyMs()];
    this.#heard.set(peer, { aheadMs: sentAtUs / 1000 - nowMs, atMs: steadyMs });
    if (echoUs === 0) return;
    const samples = this.#samples.get(peer) ?? new ClockSamples();
    this.#samples.set(peer, samples);
    samples.take({ sentMs: echoUs / 1000, answeredMs: sentAtUs / 1000, nowMs }, steadyMs);
  }

  /** How far a peer's clock is ahead, by the round trips of heartbeats; null while none was answered within an hour. */
  offsetOf(peer: FabId): ClockOffset | null {
    const steadyMs = this.#world.steadyMs();
    const heard = this.#heard.get(peer);
    if (!heard || heard.atMs < steadyMs - KEPT_MS) return null;
    return this.#samples.get(peer)?.offset(steadyMs) ?? null;
  }

  /** The peer whose clock is farthest from this node's; null while none was measured. */
  farthest(): (ClockOffset & { readonly peer: FabId }) | null {
    const measured = [...this.#samples.keys()].flatMap((peer) => {
      const offset = this.offsetOf(peer);
      return offset ? [{ ...offset, peer }] : [];
    });
    return measured.sort((a, b) => Math.abs(b.offsetMs) - Math.abs(a.offsetMs))[0] ?? null;
  }

  /** By fab, milliseconds; below 0 where it is behind. Such as were heard of within an hour. */
  ahead(): ReadonlyMap<FabId, number> {
    const sinceMs = this.#world.steadyMs() - KEPT_MS;
    const recent = [...this.#heard].filter(([, { atMs }]) => atMs >= sinceMs);
    return new Map(recent.map(([peer, { aheadMs }]) => [peer, aheadMs]));
  }
}
