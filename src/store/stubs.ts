import type { Dot } from '../clocks/dot.ts';
import type { PurgedUpdate } from '../wafer/purge.ts';
import { stubDigestOf, type Update } from '../wafer/update.ts';
import type { NodeState } from './node-state.ts';
import type { Purges } from './purges.ts';
import type { Decoders } from './types.ts';
import type { UpdateLog } from './update-log.ts';

/** What stubs are made with. */
export interface StubParts {
  readonly log: UpdateLog;
  readonly state: NodeState;
  readonly purges: Purges;
  readonly decoders: Pick<Decoders, 'stubPayload'>;
}

/**
 * Stubs: what is left of updates whose values were purged.
 *
 * Invariant: at every commit an update that is applied and sound here, and that an applied purge names with just its
 * content, is a stub. What is held or damaged becomes one once it is applied, or has come again.
 */
export class Stubs {
  readonly #parts: StubParts;

  constructor(parts: StubParts) {
    this.#parts = parts;
  }

  /** What a purge has to say of an update; null where it may not be purged: it is not results, not applied here, not sound, or a stub. */
  naming(dot: Dot): (PurgedUpdate & { readonly freedBytes: number }) | null {
    const update = this.#inFull(dot);
    if (!update) return null;
    const { payload, stubDigest } = this.#stubOf(update);
    return { dot, stubDigest, freedBytes: update.payload.length - payload.length };
  }

  /** Inside a transaction: makes a stub of an update if a purge names it. Tells whether it did. */
  make(dot: Dot): boolean {
    const { log, purges } = this.#parts;
    const named = purges.namedUnder(dot);
    const update = named.length > 0 ? this.#inFull(dot) : null;
    if (!update) return false;
    const { payload, stubDigest } = this.#stubOf(update);
    // Other content under the dot, of another database of that fab, is not what the purge means.
    if (!named.some((one) => Buffer.compare(one, stubDigest) === 0)) return false;
    log.cut(dot, payload, stubDigest);
    return true;
  }

  /** Whether a stub has to wait for the purge that names it. */
  waits({ header: { dot }, stubDigest }: Update): boolean {
    return stubDigest !== undefined && !this.#parts.purges.names(dot, stubDigest);
  }

  #inFull(dot: Dot): Update | null {
    const { log, state } = this.#parts;
    if (!state.vectors.applied.has(dot) || !state.vectors.received.has(dot)) return null;
    const update = log.getSound(dot);
    return update?.header.kind === 'results' && !update.stubDigest ? update : null;
  }

  #stubOf({ digest, headerBytes, payload }: Update): { payload: Uint8Array; stubDigest: Uint8Array } {
    const stub = this.#parts.decoders.stubPayload(payload);
    return { payload: stub, stubDigest: stubDigestOf(digest, headerBytes, stub) };
  }
}
