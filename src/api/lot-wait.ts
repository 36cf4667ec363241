import { type FabId, fabId } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import { EventSource, type Unsubscribe } from '../replica/event-source.ts';
import type { LotContent } from '../store/lot-scan.ts';
import { coverageOf } from '../sync/coverage.ts';
import type { LotBook } from '../sync/lot-book.ts';
import type { LotFacts } from '../sync/lot-facts.ts';
import { appliedOf } from '../sync/report.ts';
import type { SyncRunner } from '../sync/sync-runner.ts';
import { fromNumber, toNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import { toOriginIntervals } from '../wire/vectors.ts';
import { counted } from '../words/counted.ts';
import type { Cancel, World } from '../world.ts';
import { onChange } from './changes.ts';
import type { AskLot, LotAnswer } from './lot-asker.ts';
import { givenLot, lacksHere, lotStatus } from './lot-status.ts';
import { similarLots } from './similar-lots.ts';
import { meshNow, type StatusSources } from './wafer-status.ts';

const { ConfirmedBy } = wafersync.v1;

/** What a wait is made of. */
export interface WaitSources extends StatusSources {
  readonly sync: Pick<SyncRunner, 'reports' | 'changes' | 'peers'>;
  readonly world: World;
  readonly lots: LotBook;
  readonly ask: AskLot;
}

/** Where a client does not say: longest wait, milliseconds. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** The longest wait that a client may ask for, milliseconds. */
const MAX_WAIT_MS = 24 * 3_600_000;

/** Least time between two looks at a lot, milliseconds. */
const LOOK_MS = 100;

/** Least time between two rounds of asking other fabs, after which they are asked again by themselves, milliseconds. */
const ASK_AGAIN_MS = 1_000;

/** What a client waits for. */
interface Wish {
  readonly lot: string;
  /** Null for all members. */
  readonly fabs: readonly FabId[] | null;
  readonly timeoutMs: number;
  readonly acceptCut: boolean;
  readonly acceptReports: boolean;
}

type FabReceipt = Message<'FabReceipt'>;

/** What one round of asking has found. */
interface Round {
  readonly fabs: readonly FabReceipt[];
  /** What this node had then. */
  readonly digest: string;
  readonly vector: TransportVector;
}

/** Waits for a lot; tells how it goes, and at the end what is known of it. */
export async function* waitForLot(
  sources: WaitSources,
  request: Message<'WaitForLotRequest'>,
  signal: AbortSignal,
): AsyncGenerator<Message<'WaitForLotResponse'>> {
  const wait = new LotWait(sources, wishOf(sources, request), signal);
  try {
    yield* wait.progress();
    if (!signal.aborted) yield { receipt: await wait.receipt() };
  } finally {
    wait.end();
  }
}

/** One wait. */
class LotWait {
  readonly #sources: WaitSources;
  readonly #wish: Wish;
  readonly #beganMs: number;
  /** Aborted when time is up, or the call is over. */
  readonly #over = new AbortController();
  /** Told when there may be something to look at. */
  readonly #nudges = new EventSource<void>();
  readonly #signal: AbortSignal;
  readonly #unsubscribe: Unsubscribe;
  readonly #cancelTimeout: Cancel;
  #cancelNudge: Cancel = () => {};
  #askedMs = Number.NEGATIVE_INFINITY;
  /** The last round; null where something is known to be missing since. */
  #round: Round | null = null;
  #missing: readonly string[] = [];
  /** The lot as it was looked at last. */
  #latest: LotFacts | null = null;

  constructor(sources: WaitSources, wish: Wish, signal: AbortSignal) {
    const { world, sync } = sources;
    this.#sources = sources;
    this.#wish = wish;
    this.#signal = signal;
    this.#beganMs = world.steadyMs();
    this.#cancelTimeout = world.after('notify', wish.timeoutMs, this.#stop);
    this.#unsubscribe = sync.changes.subscribe(() => this.#nudges.emit());
    signal.addEventListener('abort', this.#stop);
    if (signal.aborted) this.#stop();
  }

  readonly #stop = () => this.#over.abort();

  /** How the lot is, now and on each change, until it is confirmed or time is up. */
  async *progress(): AsyncGenerator<Message<'WaitForLotResponse'>> {
    const { world, store } = this.#sources;
    let told = '';
    for await (const _ of onChange(this.#nudges, world, LOOK_MS, this.#over.signal)) {
      const progress = await this.#look();
      if (progress === 'over') return;
      const state = { ...(progress ? { progress } : {}), missing: [...this.#missing] };
      const text = JSON.stringify(state);
      if (text === told) continue;
      const isFirst = told === '';
      told = text;
      yield isFirst && !progress ? { ...state, similar_lots: similarLots(store, this.#wish.lot) } : state;
    }
  }

  /** How the lot is, null while nothing of it is known; or that nothing more is waited for. */
  async #look(): Promise<Message<'LotStatus'> | null | 'over'> {
    try {
      if (await this.#isConfirmed()) return 'over';
      return this.#statusOf(await this.#facts());
    } catch (thrown) {
      // Time was up while a large lot was read.
      if (this.#over.signal.aborted) return 'over';
      throw thrown;
    }
  }

  /** The lot as it is here. @throws WafersyncError `cancelled` when time is up */
  async #facts(): Promise<LotFacts> {
    this.#latest = await this.#sources.lots.read(this.#wish.lot, this.#over.signal);
    return this.#latest;
  }

  /** What is known at the end. */
  async receipt(): Promise<Message<'LotReceipt'>> {
    const { store, world, lots } = this.#sources;
    const { lot } = this.#wish;
    // A large lot is not read once more when time is up, unless that was before it was read at all.
    const facts = this.#latest ?? (await lots.read(lot, this.#signal));
    const status = this.#statusOf(facts);
    const round = this.#round ?? this.#unaskedRound(facts);
    return {
      lot,
      confirmed: this.#round !== null && this.#missing.length === 0,
      digest: round.digest,
      vector: toOriginIntervals(round.vector),
      fabs: [...round.fabs],
      status,
      fab_id: store.origin.fab,
      epoch: fromNumber(store.origin.epoch),
      at_us: fromNumber(Math.round(world.nowMs() * 1000)),
      waited_ms: fromNumber(Math.round(world.steadyMs() - this.#beganMs)),
      missing: [...this.#missing],
    };
  }

  /** Leaves nothing behind. */
  end(): void {
    this.#cancelTimeout();
    this.#cancelNudge();
    this.#unsubscribe();
    this.#signal.removeEventListener('abort', this.#stop);
    this.#stop();
  }

  /** Looks at what is known here; where nothing is missing, other fabs are asked, unless they just were. */
  async #isConfirmed(): Promise<boolean> {
    const lacks = await this.#lacks();
    // Whoever is not asked is not silent.
    if (this.#over.signal.aborted) return false;
    if (lacks.length > 0) {
      this.#missing = lacks;
      this.#round = null;
      return false;
    }
    const waitMs = this.#askedMs + ASK_AGAIN_MS - this.#sources.world.steadyMs();
    if (waitMs <= 0) await this.#ask();
    if (this.#round && this.#missing.length === 0) return true;
    this.#cancelNudge();
    this.#cancelNudge = this.#sources.world.after('notify', waitMs > 0 ? waitMs : ASK_AGAIN_MS, () =>
      this.#nudges.emit(),
    );
    return false;
  }

  /** What is known to be missing, without asking anybody. */
  async #lacks(): Promise<string[]> {
    const facts = await this.#facts();
    const { missing } = coverageOf(facts.dots, this.#fabs(), this.#sources.sync.reports());
    const behind = missing.map(
      ({ fab, updates }) => `${fab} is not known to have ${counted(updates, 'update')} of it`,
    );
    return [...lacksHere(facts, this.#wish.acceptCut), ...behind];
  }

  async #ask(): Promise<void> {
    const { lots, ask, store, world } = this.#sources;
    const { lot } = this.#wish;
    const { digest, applied: vector } = await lots.content(lot, this.#over.signal);
    const fabs = await Promise.all(
      this.#fabs().map(async (fab): Promise<FabReceipt> => {
        if (fab === store.origin.fab)
          return { fab_id: fab, equal: true, confirmed_by: ConfirmedBy.CONFIRMED_BY_OWN, digest };
        return this.#compare(fab, await ask(fab, lot, this.#over.signal), digest, vector);
      }),
    );
    this.#askedMs = world.steadyMs();
    const now = await lots.content(lot, this.#signal);
    this.#round = { fabs, digest, vector };
    const changed = now.digest === digest ? [] : ['it has changed here while others were asked'];
    const differing = fabs.filter(({ equal }) => !equal);
    this.#missing = [...differing.map(({ fab_id, reason }) => `${fab_id}: ${reason}`), ...changed];
  }

  #compare(fab: FabId, answer: LotAnswer, digest: string, vector: TransportVector): FabReceipt {
    if (answer.kind !== 'answered') {
      // That it had all when it last said so has been looked at before.
      const taken = answer.kind === 'unaskable' || this.#wish.acceptReports;
      const confirmed_by = taken ? ConfirmedBy.CONFIRMED_BY_REPORT : ConfirmedBy.CONFIRMED_BY_UNSPECIFIED;
      const how = taken ? 'taken by its report alone' : 'it cannot be asked';
      return { fab_id: fab, equal: taken, confirmed_by, reason: `${how}: ${answer.reason}` };
    }
    const [there, here] = [vector.difference(answer.vector).size, answer.vector.difference(vector).size];
    const equal = answer.digest === digest;
    return {
      ...{ fab_id: fab, equal, digest: answer.digest },
      confirmed_by: ConfirmedBy.CONFIRMED_BY_DIGEST,
      missing_updates: fromNumber(there),
      missing_here: fromNumber(here),
      reason: equal ? '' : differenceOf(there, here),
    };
  }

  #unaskedRound(content: LotContent): Round {
    const fabs = this.#fabs().map((fab) => this.#unasked(content, fab));
    return { fabs, digest: content.digest, vector: content.applied };
  }

  /** What the reports say of a fab that was not asked. */
  #unasked({ applied }: LotContent, fab: FabId): FabReceipt {
    const { sync, store } = this.#sources;
    if (fab === store.origin.fab) return { fab_id: fab, equal: false };
    const report = sync.reports().find(({ node }) => node.fab === fab);
    const missing = applied.difference(report ? appliedOf(report) : TransportVector.empty).size;
    return {
      fab_id: fab,
      equal: false,
      missing_updates: fromNumber(missing),
      reason: missing > 0 ? `it is waited for${this.#away(fab)}` : 'it was not asked yet',
    };
  }

  /** That a fab is not connected, as the end of a sentence; empty where it is. */
  #away(fab: FabId): string {
    const isUp = this.#sources.sync
      .peers()
      .some((view) => view.peer === fab && (view.outboundUp || view.inboundUp));
    return isUp ? '' : ', and is not connected';
  }

  #fabs(): readonly FabId[] {
    return this.#wish.fabs ?? this.#sources.membership.members();
  }

  /** Null for a lot of which nothing is known. */
  #statusOf(facts: LotFacts): Message<'LotStatus'> | null {
    return facts.known ? lotStatus(facts, meshNow(this.#sources), this.#sources.store).message : null;
  }
}

function differenceOf(there: number, here: number): string {
  const lacks = [
    ...(there > 0 ? [`it lacks ${counted(there, 'update that is', 'updates that are')} here`] : []),
    ...(here > 0 ? [`it has ${counted(here, 'update that is', 'updates that are')} not here`] : []),
  ];
  return lacks.join(', ') || 'it has other content under the same numbers';
}

function wishOf({ membership }: WaitSources, request: Message<'WaitForLotRequest'>): Wish {
  const members = membership.members();
  const fabs = [...new Set((request.fab_ids ?? []).map((name) => fabId(name)))].sort();
  const stranger = fabs.find((fab) => !members.includes(fab));
  if (stranger) {
    throw new WafersyncError('invalid', `fab_ids names ${stranger}, which is not a member of this mesh`, {
      hint: `Its members are ${members.join(', ')}.`,
    });
  }
  const timeoutMs = toNumber(request.timeout_ms, 'timeout_ms') || DEFAULT_TIMEOUT_MS;
  if (timeoutMs > MAX_WAIT_MS) {
    throw new WafersyncError('invalid', `timeout_ms is ${timeoutMs}`, {
      hint: `Give at most ${MAX_WAIT_MS}, and wait again.`,
    });
  }
  return {
    lot: givenLot(request.lot),
    fabs: fabs.length > 0 ? fabs : null,
    timeoutMs,
    acceptCut: request.accept_cut ?? false,
    acceptReports: request.accept_reports ?? false,
  };
}
