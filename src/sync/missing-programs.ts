import type { Log } from '../log.ts';
import { logged } from '../replica/event-source.ts';
import type { Store } from '../store/store.ts';
import type { ProgramDigest } from '../wafer/program.ts';

/** Programs asked for at once. */
const MAX_ASKED = 64;

/** The test programs to ask others for. */
export class MissingPrograms {
  #last: readonly ProgramDigest[] = [];
  readonly #read: () => void;

  constructor({ log: updates, programs }: Pick<Store, 'log' | 'programs'>, log: Log) {
    this.#read = logged<void>(log, 'missing programs', () => {
      const none = updates.heldCount === 0 && programs.damaged === 0;
      this.#last = none ? [] : programs.missing(MAX_ASKED);
    });
  }

  /** As of the last commit; as of an earlier one where the database cannot be read. */
  now(): readonly ProgramDigest[] {
    this.#read();
    return this.#last;
  }
}
