import { WafersyncError } from '../errors.ts';
import type { TimerPurpose, World } from '../world.ts';

/** How long a reading goes on before it gives way, milliseconds. */
const TURN_MS = 8;

/** What a reading that nobody waits for rests after each turn, milliseconds. */
export const REST_MS = 100;

/** Longest that it rests at a time, milliseconds: its peer waits for a word. */
const MOST_REST_MS = 5_000;

/** Of a reading that always comes to its end. */
const NEVER = new AbortController().signal;

/** Lets a long reading give way to everything else that the node does. */
export class Turns {
  readonly #world: World;
  readonly #restMs: number;
  readonly #purpose: TimerPurpose;
  /** When it went on after it gave way last. */
  #began: number;
  /** What it worked since it rested last, up to there, milliseconds. */
  #workedMs = 0;

  /** @param restMs how long it rests after a turn */
  constructor(world: World, restMs: number, purpose: TimerPurpose = 'verify') {
    this.#world = world;
    this.#restMs = restMs;
    this.#purpose = purpose;
    this.#began = world.steadyMs();
  }

  /** Milliseconds of a clock that is never set. */
  steadyMs(): number {
    return this.#world.steadyMs();
  }

  /** Runs something that yields where it may give way; it does not rest there, since it holds a reading open. @throws WafersyncError `cancelled` */
  async run<T>(reading: Generator<void, T>, signal: AbortSignal = NEVER): Promise<T> {
    try {
      for (;;) {
        const step = reading.next();
        if (step.done) return step.value;
        if (this.#isOver()) await this.#give(0, signal);
      }
    } finally {
      reading.return(undefined as never);
    }
  }

  /** Between two readings: gives way, and rests for all that it has worked, if it has gone on for long. @throws WafersyncError `cancelled` */
  async between(signal: AbortSignal): Promise<void> {
    const workedMs = this.#workedMs + this.#world.steadyMs() - this.#began;
    if (workedMs < TURN_MS) {
      stopIf(signal);
      return;
    }
    await this.#give(Math.min((this.#restMs * workedMs) / TURN_MS, MOST_REST_MS), signal);
    this.#workedMs = 0;
  }

  /** Gives way. @throws WafersyncError `cancelled` */
  end(signal: AbortSignal): Promise<void> {
    return this.#give(0, signal);
  }

  #isOver(): boolean {
    return this.#world.steadyMs() - this.#began >= TURN_MS;
  }

  async #give(delayMs: number, signal: AbortSignal): Promise<void> {
    this.#workedMs += this.#world.steadyMs() - this.#began;
    await new Promise<void>((resolve) => this.#world.after(this.#purpose, delayMs, resolve));
    this.#began = this.#world.steadyMs();
    stopIf(signal);
  }
}

/** @throws WafersyncError `cancelled` where nobody waits any more */
export function stopIf(signal: AbortSignal): void {
  if (signal.aborted) throw givenUp();
}

/** What whoever waited is told of a reading that was given up. */
export function givenUp(): WafersyncError {
  return new WafersyncError('cancelled', 'the reading was given up');
}
