/** What of a file must stand still. */
export interface FileState {
  readonly size: number;
  readonly modifiedMs: number;
  /** Another file under the same name has another one. */
  readonly inode: number;
}

interface Waiting {
  /** When the file is to be looked at next, on the steady clock. */
  dueMs: number;
  /** As it was when it was last looked at; null before. */
  state: FileState | null;
}

/**
 * The files that are waited for until nothing of them changes any more. Pure: others look at the files and tell.
 *
 * Invariant: a file has settled once it looked the same twice, at least the settle time apart, and nothing was heard of it in
 * between.
 */
export class Settling {
  readonly #settleMs: number;
  readonly #waiting = new Map<string, Waiting>();

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /** How many are waited for. */
  get size(): number {
    return this.#waiting.size;
  }

  /** When something is due next; Infinity where nothing is waited for. */
  get dueMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#waiting.values()) earliest = Math.min(earliest, dueMs);
    return earliest;
  }

  /** Whether a file is waited for. */
  has(name: string): boolean {
    return this.#waiting.has(name);
  }

  /** A file that is waited for changes: it is looked at once it is quiet. */
  delay(name: string, nowMs: number): void {
    const waiting = this.#waiting.get(name);
    if (waiting) waiting.dueMs = Math.max(waiting.dueMs, nowMs + this.#settleMs);
  }

  /** A file is to be looked at. */
  add(name: string, dueMs: number): void {
    this.#waiting.set(name, { dueMs, state: null });
  }

  /** Files to look at now, those due first first. */
  due(nowMs: number): string[] {
    const due = [...this.#waiting].filter(([, { dueMs }]) => dueMs <= nowMs);
    return due.sort(([, a], [, b]) => a.dueMs - b.dueMs).map(([name]) => name);
  }

  /** How a file looks now. True once it has settled: it is waited for no longer. */
  look(name: string, state: FileState, nowMs: number): boolean {
    const waiting = this.#waiting.get(name);
    // Heard of since it was found due.
    if (!waiting || waiting.dueMs > nowMs) return false;
    if (waiting.state && isSame(waiting.state, state)) {
      this.#waiting.delete(name);
      return true;
    }
    waiting.state = state;
    waiting.dueMs = nowMs + this.#settleMs;
    return false;
  }

  /** A file is gone. */
  forget(name: string): void {
    this.#waiting.delete(name);
  }
}

/** Whether a file looks the same. */
export function isSame(a: FileState, b: FileState): boolean {
  return a.size === b.size && a.modifiedMs === b.modifiedMs && a.inode === b.inode;
}
