import { type Dot, formatDot } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { Replica } from '../replica/replica.ts';
import type { Act } from '../store/acts.ts';
import type { Hold } from '../store/holds.ts';
import type { Store } from '../store/store.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import type { Audit } from './audit.ts';
import type { Carrier } from './sync-runner.ts';

/** What settling held updates needs. */
export interface HeldControlOptions {
  readonly store: Pick<Store, 'holds' | 'log' | 'vectors'>;
  readonly replica: Pick<Replica<Carrier>, 'releaseHeld'>;
  readonly audit: Audit;
}

/** What people say of held updates. It counts at this node alone. */
export class HeldControl {
  readonly #options: HeldControlOptions;

  constructor(options: HeldControlOptions) {
    this.#options = options;
  }

  /**
   * A held update is tried again now, whatever the clock says; it is waited for again where it was dropped. Tells why it
   * is held still; null where it is applied.
   * @throws WafersyncError `not-found` where it is not held
   */
  async release(dot: Dot, author: Authorship): Promise<Hold | null> {
    const { replica, audit, store } = this.#options;
    let act: Act | null = null;
    const applied = await replica.releaseHeld(dot, {
      before: () => store.holds.takeUp(this.#held(dot)),
      after: (done) => {
        const detail = done ? 'applied' : `still held: ${this.#held(dot).detail}`;
        act = { act: 'held.release', about: formatDot(dot), detail, ...author };
        audit.keep(act);
      },
    });
    if (act) audit.tell(act);
    return applied ? null : this.#held(dot);
  }

  /** A held update is not waited for. @throws WafersyncError `not-found` where it is not held */
  async drop(dot: Dot, author: Authorship): Promise<Hold> {
    const { audit, store } = this.#options;
    const { reason, detail } = this.#held(dot);
    const act = { act: 'held.drop', about: formatDot(dot), detail: `held: ${reason}, ${detail}`, ...author };
    await audit.record(act, () => store.holds.drop(this.#held(dot), author.author, author.reason));
    return this.#held(dot);
  }

  #held(dot: Dot): Hold {
    const { store } = this.#options;
    const hold = store.holds.find(dot);
    if (hold) return hold;
    const what = store.vectors.applied.has(dot) ? 'is applied' : 'is not here';
    throw new WafersyncError('not-found', `${formatDot(dot)} is not held: it ${what}`, {
      hint: '`wafersync held list` tells what is held.',
    });
  }
}

/** What releases a held update, in words. */
export function releasedBy({ reason, damaged }: Hold): string {
  if (damaged) return 'it was found damaged here and is asked for again; it is tried once it has come';
  return RELEASED_BY[reason];
}

const RELEASED_BY: Readonly<Record<Hold['reason'], string>> = {
  program: 'its test program, which is asked of every fab that may have it',
  clock:
    "this node's clock, once it is within sync.max_clock_drift_ms of the edit; or `wafersync held release`",
  kind: 'a version of wafersync at this node that knows what it is',
  fold: 'a version of wafersync at this node that can read it',
  purge: 'the purge that names it, which comes like any other update',
};
