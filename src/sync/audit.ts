import type { Log } from '../log.ts';
import type { Replica } from '../replica/replica.ts';
import type { Act } from '../store/acts.ts';
import type { Store } from '../store/store.ts';
import type { Carrier } from './sync-runner.ts';

/** What an audit keeps acts with. */
export interface AuditOptions {
  readonly store: Pick<Store, 'acts'>;
  readonly replica: Pick<Replica<Carrier>, 'housekeep'>;
  readonly log: Log;
}

/** Keeps what people do at this node: in its database, and a line each in its log. */
export class Audit {
  readonly #options: AuditOptions;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** Does something small in a commit, and keeps it in the same: both or neither. */
  async record(act: Act, work: () => void = () => {}): Promise<void> {
    await this.#options.replica.housekeep(() => {
      work();
      this.keep(act);
    });
    this.tell(act);
  }

  /** Inside a transaction: keeps an act. To be told once it is on disk. */
  keep(act: Act): void {
    this.#options.store.acts.add(act);
  }

  /** Says in the log what was done. */
  tell({ act, about, detail, author, reason }: Act): void {
    this.#options.log.info('control.acted', {
      act,
      ...(about ? { about } : {}),
      ...(detail ? { detail } : {}),
      ...{ author, reason },
    });
  }
}
