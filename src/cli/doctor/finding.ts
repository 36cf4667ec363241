/** How a check came out. `skipped`: what it needs is not there. */
export type FindingState = 'ok' | 'warn' | 'fail' | 'skipped';

/** What one check found. */
export interface Finding {
  /** What was looked at, such as disk. */
  readonly check: string;
  readonly state: FindingState;
  /** What is so. */
  readonly says: string;
  /** What to do; empty where nothing is to be done. */
  readonly remedy: string;
}

/** All is well. */
export function ok(check: string, says: string): Finding {
  return { check, state: 'ok', says, remedy: '' };
}

/** It works, and will not for long, or not well. */
export function warn(check: string, says: string, remedy: string): Finding {
  return { check, state: 'warn', says, remedy };
}

/** It does not work. */
export function fail(check: string, says: string, remedy: string): Finding {
  return { check, state: 'fail', says, remedy };
}

/** It could not be looked at. */
export function skipped(check: string, says: string): Finding {
  return { check, state: 'skipped', says, remedy: '' };
}
