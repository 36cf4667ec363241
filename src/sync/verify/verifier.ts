import type { FabId } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { EventSource } from '../../replica/event-source.ts';
import type { Thoroughness } from '../../store/verify/digest-reader.ts';
import { formatSubject } from '../../wafer/subject.ts';
import type { Cancel, World } from '../../world.ts';
import { appliedOf, type Report } from '../report.ts';
import { REST_MS, Turns } from '../turns.ts';
import { type AnswerOptions, answerDigests, suspectsOf } from './answers.ts';
import { type Comparison, compare } from './compare.ts';
import { DigestPass } from './digest-pass.ts';
import type { Answer, DialDigests, DigestPeer, Finding, Question } from './questions.ts';
import { SelfCheck } from './self-check.ts';

/** Nodes that this one answers at once. */
const MAX_ANSWERED = 4;

/** After the start, before the first verification that nobody asked for; each node waits up to twice as long, by chance. */
const FIRST_AFTER_MS = 10 * 60_000;

const HOUR_MS = 3_600_000;

/** Longest single timer: those of the system overflow at some 24 days, milliseconds. */
const LONGEST_WAIT_MS = 24 * HOUR_MS;

/** After it, fabs that could not be compared unasked are tried again. */
const RETRY_MS = HOUR_MS;

/** What a verifier is made of. */
export interface VerifierOptions extends AnswerOptions {
  readonly world: World;
  readonly log: Log;
  readonly self: FabId;
  /** Fabs that belong to the mesh, as of now. */
  readonly members: () => readonly FabId[];
  readonly dial: DialDigests;
  /** Whether this node can dial a fab. */
  readonly canDial: (fab: FabId) => boolean;
  /** Latest reports of all nodes. */
  readonly reports: () => readonly Report[];
  /** Hours between two verifications that nobody asked for; 0 for none. */
  readonly intervalH: number;
}

/** What is to be verified. */
export interface VerifyWish {
  /** Empty for all members. */
  readonly fabs: readonly FabId[];
  readonly repair: boolean;
  readonly thoroughness: Thoroughness;
}

/** How this fab and another one stand. */
export interface PeerResult extends Omit<Comparison, 'own' | 'theirs' | 'unexplained'> {
  readonly fab: FabId;
  readonly repaired: number;
  readonly notRepaired: number;
  readonly bytes: number;
  /** Why it could not be compared; null where it was. */
  readonly error: WafersyncError | null;
}

/** Whether nothing was found different. */
export function isEqual({ error, different, repaired, notRepaired }: PeerResult): boolean {
  return error === null && different + repaired + notRepaired === 0;
}

/** What is told of a verification while it goes on. */
export type VerifyEvent =
  | { readonly type: 'progress'; readonly fab: FabId; readonly subjects: number }
  | {
      readonly type: 'finding';
      readonly fab: FabId;
      readonly finding: Finding;
      /** The other fab, where neither is known to be wrong. */
      readonly peer: FabId | null;
    }
  | { readonly type: 'result'; readonly result: PeerResult };

/** When a peer was last compared, since the start. */
export interface PeerVerification {
  readonly fab: FabId;
  readonly lookedMs: number | null;
  /** When nothing was last found different. */
  readonly equalMs: number | null;
  readonly thorough: boolean;
  readonly last: PeerResult | null;
}

/** Compares this node with others, and repairs what is wrong at either; asked to, and by itself now and then. */
export class Verifier {
  readonly #options: VerifierOptions;
  readonly #check: SelfCheck;
  readonly #peers = new Map<FabId, PeerVerification>();
  /** What runs now. One that nobody asked for gives way to one that somebody did. */
  #running: {
    readonly asked: boolean;
    readonly stop: AbortController;
    readonly ended: Promise<void>;
  } | null = null;
  #answered = 0;
  #cancel: Cancel = () => {};
  #stopped = false;
  /** Told what every verification tells, whoever asked for it. */
  readonly events = new EventSource<VerifyEvent>();
  /** Told how long each took that came to its end, milliseconds. */
  readonly durations = new EventSource<number>();

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#check = new SelfCheck(options);
  }

  /** Verifies now and then, where that is configured. */
  start(): void {
    const { world, intervalH } = this.#options;
    if (intervalH > 0) this.#arm(FIRST_AFTER_MS * (1 + world.random(1)[0]! / 256));
  }

  /** Gives up what runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    const running = this.#running;
    running?.stop.abort();
    await running?.ended;
  }

  /** When each other member was last compared; and the earliest time at which one was last equal, null where one never was. */
  view(): {
    readonly intervalH: number;
    readonly allEqualMs: number | null;
    readonly peers: PeerVerification[];
  } {
    const peers = this.#others().map((fab) => this.#peers.get(fab) ?? never(fab));
    const times = peers.map(({ equalMs }) => equalMs);
    const all = times.every((time) => time !== null) && times.length > 0;
    return {
      intervalH: this.#options.intervalH,
      allEqualMs: all ? Math.min(...(times as number[])) : null,
      peers,
    };
  }

  /** Hours between two comparisons with a peer that nobody asks for; null where there are none. */
  intervalWith(fab: FabId): number | null {
    const { intervalH, canDial } = this.#options;
    return intervalH > 0 && canDial(fab) ? intervalH : null;
  }

  /**
   * Compares this node with others, reading everything anew, and tells what happens.
   * @throws WafersyncError `exhausted` while another verification runs, `invalid` for a fab that is no member, `cancelled`
   */
  async verify(wish: VerifyWish, tell: (event: VerifyEvent) => void, signal: AbortSignal): Promise<void> {
    const fabs = this.#wished(wish.fabs);
    if (this.#running?.asked || this.#stopped) {
      throw new WafersyncError('exhausted', 'this node is verifying already', {
        hint: 'Wait until that is done.',
      });
    }
    const before = this.#running;
    await this.#alone(true, signal, async (stop) => {
      before?.stop.abort();
      await before?.ended;
      await this.#compareAll(fabs, wish, tell, stop);
    });
  }

  /** Answers a node that compares itself with this one. @throws WafersyncError `exhausted` where others are being answered */
  async *answer(questions: AsyncIterable<Question>, signal: AbortSignal): AsyncGenerator<Answer> {
    if (this.#answered >= MAX_ANSWERED) {
      throw new WafersyncError(
        'exhausted',
        `${this.#options.self} is being compared with ${MAX_ANSWERED} fabs`,
        {
          hint: 'Try again when they are done.',
        },
      );
    }
    this.#answered++;
    try {
      yield* answerDigests(this.#options, questions, signal);
    } finally {
      this.#answered--;
    }
  }

  async #alone(
    asked: boolean,
    signal: AbortSignal | null,
    work: (stop: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const stop = new AbortController();
    const abort = () => stop.abort();
    signal?.addEventListener('abort', abort);
    let ended = () => {};
    const running = { asked, stop, ended: new Promise<void>((resolve) => (ended = resolve)) };
    this.#running = running;
    try {
      await work(stop.signal);
    } finally {
      signal?.removeEventListener('abort', abort);
      if (this.#running === running) this.#running = null;
      ended();
    }
  }

  async #compareAll(
    fabs: readonly FabId[],
    { repair, thoroughness }: VerifyWish,
    tellAsker: (event: VerifyEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { self, store, world } = this.#options;
    const beganMs = world.steadyMs();
    const tell = (event: VerifyEvent) => {
      tellAsker(event);
      this.events.emit(event);
    };
    const own = new Set<string>();
    const pass = await DigestPass.read({
      ...{ store, thoroughness, signal },
      turns: new Turns(world, thoroughness === 'bytes' ? 0 : REST_MS),
      reading: (subjects) => tell({ type: 'progress', fab: self, subjects }),
    });
    tell({ type: 'progress', fab: self, subjects: pass.tree.size });
    try {
      // What is found of this node's own is checked even where no peer can be asked.
      this.#tellOwn(await this.#check.run(pass.found, [], repair, signal), own, tell);
      for (const fab of fabs) {
        const result = await this.#compareWith(fab, pass, repair, own, tell, signal);
        this.#keep(result, thoroughness);
        tell({ type: 'result', result });
      }
      this.durations.emit(world.steadyMs() - beganMs);
    } finally {
      pass.close();
    }
  }

  async #compareWith(
    fab: FabId,
    pass: DigestPass,
    repair: boolean,
    told: Set<string>,
    tell: (event: VerifyEvent) => void,
    signal: AbortSignal,
  ): Promise<PeerResult> {
    const { self, dial } = this.#options;
    let peer: DigestPeer | null = null;
    const hangUp = () => peer?.close();
    signal.addEventListener('abort', hangUp);
    try {
      peer = dial(fab);
      const comparison = await compare({
        ...{ peer, pass, repair },
        reading: (subjects) => tell({ type: 'progress', fab, subjects }),
        check: (keys) => this.#check.run(NOTHING_FOUND, suspectsOf(pass, keys), repair, signal),
        settled: () => this.#isSettled(fab),
      });
      const { own, theirs, unexplained, ...numbers } = comparison;
      this.#tellOwn(own, told, tell);
      for (const finding of theirs) this.#tell(fab, finding, null, tell);
      for (const finding of unexplained) this.#tell(self, finding, fab, tell);
      const all = [...theirs, ...unexplained];
      const count = (outcome: Finding['outcome']) => all.filter((one) => one.outcome === outcome).length;
      return {
        ...numbers,
        ...{ fab, repaired: count('repaired'), notRepaired: all.length - count('repaired') },
        ...{ bytes: peer.bytes, error: null },
      };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return notCompared(fab, peer?.bytes ?? 0, WafersyncError.from(thrown));
    } finally {
      signal.removeEventListener('abort', hangUp);
      hangUp();
    }
  }

  /** Whether a peer is known to have applied the same updates as this node. */
  #isSettled(peer: FabId): boolean {
    const report = this.#options.reports().find(({ node }) => node.fab === peer);
    return report !== undefined && appliedOf(report).equals(this.#options.store.vectors.applied);
  }

  /** What is wrong here is told once, however many peers differ by it. */
  #tellOwn(findings: readonly Finding[], told: Set<string>, tell: (event: VerifyEvent) => void): void {
    for (const finding of findings) {
      const name = JSON.stringify(finding);
      if (told.has(name)) continue;
      told.add(name);
      this.#tell(this.#options.self, finding, null, tell);
    }
  }

  #tell(fab: FabId, finding: Finding, peer: FabId | null, tell: (event: VerifyEvent) => void): void {
    const { subject, problem, details, outcome, reason } = finding;
    const facts = {
      ...{ at: fab, of: subject ? formatSubject(subject) : '', problem, details, outcome, reason },
      ...(peer ? { peer } : {}),
    };
    if (outcome === 'not-repaired') this.#options.log.error('verify.not_repaired', facts);
    else this.#options.log.warn('verify.found', facts);
    tell({ type: 'finding', fab, finding, peer });
  }

  #keep(result: PeerResult, thoroughness: Thoroughness): void {
    const { world, log } = this.#options;
    const { fab, error, different, onTheWay, subjects, bytes } = result;
    const before = this.#peers.get(fab) ?? never(fab);
    const now = world.nowMs();
    const equal = isEqual(result);
    const thorough = thoroughness === 'bytes';
    this.#peers.set(fab, {
      ...{ fab, thorough, last: result },
      lookedMs: now,
      equalMs: equal ? now : before.equalMs,
    });
    if (error) log.warn('verify.failed', { peer: fab }, error);
    else {
      const facts = { peer: fab, subjects, on_the_way: onTheWay, different, bytes, thorough };
      if (equal) log.info('verify.equal', facts);
      else log.warn('verify.differed', facts);
    }
  }

  #others(): FabId[] {
    const { self, members } = this.#options;
    return members().filter((fab) => fab !== self);
  }

  #wished(fabs: readonly FabId[]): readonly FabId[] {
    const others = this.#others();
    const stranger = fabs.find((fab) => !others.includes(fab));
    if (stranger === undefined) return fabs.length > 0 ? fabs : others;
    const of = others.length > 0 ? `the others are ${others.join(', ')}` : 'it has no other member';
    throw new WafersyncError('invalid', `${stranger} is no other member of this mesh`, {
      hint: `Name another fab, or all: ${of}.`,
    });
  }

  /** @param left fabs that could not be compared; null for all */
  #arm(afterMs: number, left: readonly FabId[] | null = null): void {
    if (this.#stopped) return;
    const intervalMs = this.#options.intervalH * HOUR_MS;
    // Timers go no further than some weeks.
    if (afterMs > LONGEST_WAIT_MS) {
      const later = () => this.#arm(afterMs - LONGEST_WAIT_MS, left);
      this.#cancel = this.#options.world.after('verify', LONGEST_WAIT_MS, later);
      return;
    }
    this.#cancel = this.#options.world.after('verify', afterMs, () => {
      void this.#unasked(left).then((failed) =>
        failed.length > 0 ? this.#arm(Math.min(RETRY_MS, intervalMs), failed) : this.#arm(intervalMs),
      );
    });
  }

  /** Compares this node with others, slowly. Gives those that it could not be compared with. */
  async #unasked(left: readonly FabId[] | null): Promise<readonly FabId[]> {
    const { canDial } = this.#options;
    const fabs = this.#others().filter((fab) => canDial(fab) && (left === null || left.includes(fab)));
    if (fabs.length === 0) return [];
    if (this.#running) return fabs;
    const failed = new Set(fabs);
    const tell = (event: VerifyEvent) => {
      // Whoever refuses, or does not know the question, will do so in an hour as well.
      if (event.type === 'result' && event.result.error?.code !== 'unavailable')
        failed.delete(event.result.fab);
    };
    try {
      const wish = { fabs, repair: true, thoroughness: 'digests' } as const;
      await this.#alone(false, null, (stop) => this.#compareAll(fabs, wish, tell, stop));
    } catch (thrown) {
      const error = WafersyncError.from(thrown);
      if (error.code !== 'cancelled') this.#options.log.warn('verify.failed', { peer: '' }, error);
    }
    return [...failed];
  }
}

const NOTHING_FOUND = { damaged: [], misfiled: [], programs: [], missing: [] };

function never(fab: FabId): PeerVerification {
  return { fab, lookedMs: null, equalMs: null, thorough: false, last: null };
}

function notCompared(fab: FabId, bytes: number, error: WafersyncError): PeerResult {
  const numbers = { subjects: 0, wafers: 0, onTheWay: 0, different: 0, more: false };
  return { ...numbers, ...{ fab, repaired: 0, notRepaired: 0, bytes, error } };
}
