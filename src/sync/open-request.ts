import { compareOrigins, type Dot, type Origin, type OriginKey, originKey } from '../clocks/dot.ts';
import { IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import type { ProgramDigest } from '../wafer/program.ts';

/**
 * A request on a catch-up lane whose answer has not ended.
 *
 * An answer goes origin by origin in their order, the newest update of each first, and ends when it has bytes enough.
 * So an update that is missing before the place where it ended was passed over: the peer's copy is damaged.
 */
export class OpenRequest {
  readonly programs: readonly ProgramDigest[];
  #wanted: TransportVector;
  /** Least sequence that came of each origin. */
  readonly #least = new Map<OriginKey, number>();
  /** Last of the origins of which something came. */
  #last: Origin | null = null;

  constructor(wanted: TransportVector, programs: readonly ProgramDigest[]) {
    this.#wanted = wanted;
    this.programs = programs;
  }

  /** What was asked for and has not come. */
  get wanted(): TransportVector {
    return this.#wanted;
  }

  /** Takes note of an update that came; tells whether it was asked for. */
  take(dot: Dot): boolean {
    if (!this.#wanted.has(dot)) return false;
    this.#wanted = this.#wanted.with(dot, this.#wanted.get(dot).without(dot.sequence));
    const least = this.#least.get(originKey(dot)) ?? dot.sequence;
    this.#least.set(originKey(dot), Math.min(least, dot.sequence));
    if (!this.#last || compareOrigins(this.#last, dot) < 0) this.#last = { fab: dot.fab, epoch: dot.epoch };
    return true;
  }

  /**
   * What the answer passed over, now that it has ended. Every answer holds one update at least: where none came that
   * was good, the very first is named.
   */
  passedOver(unavailable: TransportVector): TransportVector {
    const rest = this.#wanted.difference(unavailable).entries();
    const last = this.#last ?? rest[0]?.[0];
    return TransportVector.of(
      rest
        .filter(([origin]) => last && compareOrigins(origin, last) <= 0)
        .map(([origin, set]): [Origin, IntervalSet] => {
          const least = this.#least.get(originKey(origin));
          return [origin, least === undefined ? set.newest(1) : set.difference(IntervalSet.range(1, least))];
        }),
    );
  }
}
