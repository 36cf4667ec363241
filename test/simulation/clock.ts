import type { Cancel, TimerPurpose, World } from '../../src/world.ts';
import type { VirtualTime } from '../support/mesh-time.ts';
import type { Dice } from './dice.ts';

/** Where virtual time begins. */
const BEGIN_MS = Date.UTC(2026, 0, 2);

/** The time of the whole mesh. */
export class MeshClock {
  readonly time: VirtualTime;
  #skippedMs = 0;

  constructor(time: VirtualTime) {
    this.time = time;
  }

  /** True time, milliseconds since 1970. */
  get nowMs(): number {
    return BEGIN_MS + this.#skippedMs + this.time.nowMs;
  }

  /** Lets a long time pass in which nothing happens anywhere. */
  skip(ms: number): void {
    this.#skippedMs += ms;
  }
}

/** The clock of one machine: it may be wrong, run fast or slow, and jump. */
export class MachineClock {
  readonly #true: MeshClock;
  #offsetMs = 0;
  /** Milliseconds gained in a millisecond. */
  #drift = 0;
  #sinceMs = 0;

  constructor(mesh: MeshClock) {
    this.#true = mesh;
  }

  nowMs(): number {
    return this.#true.nowMs + this.aheadMs;
  }

  /** How far it is ahead of true time. */
  get aheadMs(): number {
    return this.#offsetMs + this.#drift * (this.#true.time.nowMs - this.#sinceMs);
  }

  /** Jumps, forwards or back. */
  step(ms: number): void {
    this.#offsetMs += ms;
  }

  /** Gains so many milliseconds in each from now on; −1.5 runs backwards. */
  runAt(drift: number): void {
    this.#offsetMs = this.aheadMs;
    this.#sinceMs = this.#true.time.nowMs;
    this.#drift = drift;
  }

  /** Tells true time from now on. */
  correct(): void {
    this.runAt(0);
    this.#offsetMs = 0;
  }
}

/** The world of one process: its timers end with it. */
export class ProcessWorld implements World {
  readonly #mesh: MeshClock;
  readonly #clock: MachineClock;
  readonly #dice: Dice;
  /** Called around each timer's work, so that what it throws by plan ends the process alone. */
  readonly #guard: (run: () => void) => void;
  #alive = true;
  /** Timers do not fire: the process is stopped. */
  #held: (() => void)[] | null = null;

  constructor(mesh: MeshClock, clock: MachineClock, dice: Dice, guard: (run: () => void) => void) {
    this.#mesh = mesh;
    this.#clock = clock;
    this.#dice = dice;
    this.#guard = guard;
  }

  readonly nowMs = (): number => this.#clock.nowMs();

  readonly steadyMs = (): number => this.#mesh.time.nowMs;

  readonly after = (_purpose: TimerPurpose, delayMs: number, run: () => void): Cancel => {
    let cancelled = false;
    const fire = () => {
      if (cancelled || !this.#alive) return;
      if (this.#held) this.#held.push(fire);
      else this.#guard(run);
    };
    const cancel = this.#mesh.time.after(delayMs, fire);
    return () => {
      cancelled = true;
      cancel();
    };
  };

  readonly random = (bytes: number): Uint8Array => this.#dice.bytes(bytes);

  get alive(): boolean {
    return this.#alive;
  }

  /** As by SIGSTOP. */
  freeze(): void {
    this.#held ??= [];
  }

  /** As by SIGCONT: what fell due meanwhile runs now. */
  thaw(): void {
    const due = this.#held ?? [];
    this.#held = null;
    for (const fire of due) fire();
  }

  /** As by SIGKILL. */
  end(): void {
    this.#alive = false;
  }
}
