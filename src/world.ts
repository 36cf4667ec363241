import { randomBytes } from 'node:crypto';

/** Stops a timer that has not fired. */
export type Cancel = () => void;

/**
 * Time and chance, passed in everywhere so that a simulator can stand in for them.
 * Timers are named by purpose, so that a test can freeze some of them.
 */
export interface World {
  /** Wall clock, milliseconds since 1970-01-01T00:00:00Z; may jump. */
  nowMs(): number;
  /** Steady clock, milliseconds from any start. */
  steadyMs(): number;
  /** Calls `run` once after `delayMs`. */
  after(purpose: TimerPurpose, delayMs: number, run: () => void): Cancel;
  /** Random bytes. */
  random(bytes: number): Uint8Array;
}

/** What a timer is for. */
export type TimerPurpose =
  | 'group-commit'
  | 'stream-flush'
  | 'connect'
  | 'reconnect'
  | 'heartbeat'
  | 'idle'
  | 'notify'
  | 'folder'
  | 'storage-probe'
  | 'wal'
  | 'held'
  | 'scrub'
  | 'retention'
  | 'verify'
  | 'leaving'
  | 'pause'
  | 'pace'
  | 'shutdown';

/** The real world. */
export const realWorld: World = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  after: (_purpose, delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  random: (bytes) => randomBytes(bytes),
};
