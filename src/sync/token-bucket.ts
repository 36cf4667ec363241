/** How long a bucket takes to fill, milliseconds. */
const FILL_MS = 1_000;

/** What was overdrawn counts as this many fillings at most: what an older peer pushes cannot be held back, and a backlog has to come to its turn. */
const MOST_OVERDRAWN = 60;

/**
 * Bytes that may pass, at a rate. What is fresh may overdraw it by as much as it holds; a backlog waits until it is half
 * full, so that there is room for what is fresh. Whatever passes is counted, so that the rate holds over time.
 *
 * Invariant: the level is at most what flows in FILL_MS; what was overdrawn is paid back, up to a minute of it.
 */
export class TokenBucket {
  #bytesPerS: number;
  #level: number;
  #atMs: number;

  constructor(bytesPerS: number, nowMs: number) {
    this.#bytesPerS = bytesPerS;
    this.#level = this.#most;
    this.#atMs = nowMs;
  }

  /** Another rate holds from now on: what was overdrawn at the one before counts as a second of it at most. */
  setRate(bytesPerS: number, nowMs: number): void {
    if (bytesPerS === this.#bytesPerS) return;
    this.#fill(nowMs);
    this.#bytesPerS = bytesPerS;
    this.#level = Math.max(-this.#most, Math.min(this.#level, this.#most));
  }

  /** Bytes have passed. */
  spend(bytes: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#level = Math.max(this.#level - bytes, -MOST_OVERDRAWN * this.#most);
  }

  /** Whether something fresh may pass now. */
  takesFresh(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#level > -this.#most;
  }

  /** Until a piece of a backlog may pass, milliseconds; 0 for now. */
  backlogWaitMs(nowMs: number): number {
    this.#fill(nowMs);
    const lacking = this.#most / 2 - this.#level;
    return lacking <= 0 ? 0 : Math.ceil((lacking * 1000) / this.#bytesPerS);
  }

  get #most(): number {
    return (this.#bytesPerS * FILL_MS) / 1000;
  }

  #fill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#level = Math.min(this.#most, this.#level + (passedMs * this.#bytesPerS) / 1000);
  }
}
