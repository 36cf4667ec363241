/** Heartbeats that are kept of each peer. */
const KEPT_SAMPLES = 16;

/** How far two clocks may drift apart, a part of the time that passes: quartz does less. */
const DRIFT = 1e-4;

/** One heartbeat that a peer answered. */
export interface ClockSample {
  /** This node's clock when it was sent, milliseconds since 1970. */
  readonly sentMs: number;
  /** The peer's clock when it answered. */
  readonly answeredMs: number;
  /** This node's clock when the answer came. */
  readonly nowMs: number;
}

/** How far a peer's clock is ahead of this node's. */
export interface ClockOffset {
  /** Milliseconds; below 0 where it is behind. */
  readonly offsetMs: number;
  /** How far that may be off, milliseconds. */
  readonly uncertaintyMs: number;
  /** Heartbeats that count. */
  readonly samples: number;
  /** When the one came by which it is told, milliseconds since 1970. */
  readonly measuredAtMs: number;
}

interface Kept {
  readonly offsetMs: number;
  readonly halfTripMs: number;
  readonly nowMs: number;
  readonly steadyMs: number;
}

/**
 * The clock of one peer, as NTP finds it: at the middle of a round trip the peer's clock showed what it answered, give or
 * take half the round trip, whichever way took longer. Of the latest samples the one counts that leaves the least doubt.
 *
 * Invariant: of the kept samples, the intervals within which each leaves the offset have something in common; where one comes that
 * contradicts another, a clock was set, and it is kept alone.
 */
export class ClockSamples {
  #kept: Kept[] = [];

  /** An answer came. One that took less than no time is none: the clock was set on the way. @param steadyMs a clock that is never set */
  take({ sentMs, answeredMs, nowMs }: ClockSample, steadyMs: number): void {
    const halfTripMs = (nowMs - sentMs) / 2;
    if (halfTripMs < 0) return;
    const sample = { offsetMs: answeredMs - (sentMs + halfTripMs), halfTripMs, nowMs, steadyMs };
    const contradicted = this.#kept.some(
      (kept) =>
        Math.abs(kept.offsetMs - sample.offsetMs) > doubtMs(kept, steadyMs) + doubtMs(sample, steadyMs),
    );
    this.#kept = contradicted ? [sample] : [...this.#kept, sample].slice(-KEPT_SAMPLES);
  }

  /** The offset, as of a moment of the steady clock; null while nothing was measured. */
  offset(steadyMs: number): ClockOffset | null {
    let best: Kept | null = null;
    for (const kept of this.#kept) {
      if (!best || doubtMs(kept, steadyMs) <= doubtMs(best, steadyMs)) best = kept;
    }
    return (
      best && {
        offsetMs: best.offsetMs,
        uncertaintyMs: doubtMs(best, steadyMs),
        samples: this.#kept.length,
        measuredAtMs: best.nowMs,
      }
    );
  }
}

function doubtMs({ halfTripMs, steadyMs }: Kept, nowSteadyMs: number): number {
  return halfTripMs + (nowSteadyMs - steadyMs) * DRIFT;
}
