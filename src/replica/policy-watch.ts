import type { FabId } from '../clocks/dot.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Update } from '../wafer/update.ts';
import { decodeEdit } from '../wire/edit.ts';
import type { Commit } from './commit.ts';
import { logged } from './event-source.ts';

type Added = Pick<Commit<unknown>, 'added'>;

/** What a watch is made of. */
export interface PolicyWatchOptions {
  readonly replica: { readonly commits: { subscribe(listener: (commit: Added) => void): unknown } };
  readonly store: Pick<Store, 'documents'>;
  readonly log: Log;
}

/**
 * Tells where another fab writes by other rules of conflicts than this one has. What is shown is the same in the end;
 * until the rules have come everywhere, people at two fabs may see different values.
 */
export class PolicyWatch {
  readonly #options: PolicyWatchOptions;
  /** Version by which each fab wrote last; as many as fabs. */
  readonly #versions = new Map<FabId, number>();

  constructor(options: PolicyWatchOptions) {
    this.#options = options;
    options.replica.commits.subscribe(
      logged(options.log, 'rules of others', ({ added }) => {
        for (const { update, token, applied } of added) if (token !== null && applied) this.#see(update);
      }),
    );
  }

  /** Version of the rules by which a fab wrote its last edit that came here; 0 before one came. */
  versionOf(fab: FabId): number {
    return this.#versions.get(fab) ?? 0;
  }

  #see({ header, payload }: Update): void {
    if (header.kind !== 'edit' && header.kind !== 'retire') return;
    const { fab } = header.dot;
    const theirs = decodeEdit(payload).policyVersion;
    const changed = this.#versions.get(fab) !== theirs;
    this.#versions.set(fab, theirs);
    const own = this.#options.store.documents.rules.version;
    if (changed && theirs !== own) {
      this.#options.log.warn('policy.differs', { peer: fab, peer_version: theirs, own_version: own });
    }
  }
}
