import type { FabId } from '../clocks/dot.ts';
import { invariant, WafersyncError } from '../errors.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import { type Update, updateBytes } from '../wafer/update.ts';
import type { LaneId, MeshEffect, Via } from './events.ts';
import type { Announcement, Hello, Window } from './messages.ts';
import { type Report, ReportReader, ReportSender } from './report.ts';
import type { Route } from './routes.ts';

/** Programs remembered as sent on a lane; past it all are forgotten, and some go out a second time. */
const SENT_PROGRAMS_MAX = 4096;

const always = () => true;

/** Told where nothing is pushed: nobody's updates come this way. One list, so that it is not said again. */
const NO_ROUTES: readonly Route[] = [];

/**
 * The live lane that this node dialled, seen from here: pushes what the peer wants, never more than its window.
 *
 *     greeting ──hello──► open
 *
 * An update that does not fit is skipped: the peer finds the gap in the next announcement, and pulls it.
 *
 * Invariants: 0 ≤ acknowledged ≤ offered; bytesInFlight is the sum of the sizes in flight; in flight stays within
 * the peer's window unless a single update is larger than it.
 */
export class OutboundLane {
  readonly id: LaneId;
  readonly peer: FabId;
  readonly reader = new ReportReader();
  rttMs = 0;
  #window: Window | null = null;
  #wants: ReadonlySet<FabId> = new Set();
  #writable = true;
  /** Nothing is pushed, and the peer is told to get everything elsewhere. */
  #rests = false;
  #inFlight: number[] = [];
  #bytesInFlight = 0;
  #acknowledged = 0;
  readonly #sentPrograms = new Set<ProgramDigest>();
  readonly #reports = new ReportSender();
  readonly #relayed = new Map<FabId, ReportSender>();
  #routes: readonly Route[] | null = null;
  /** The peer must learn of updates that were not pushed. */
  #owesReport = false;
  #owesLive = false;
  #owesChains = false;
  #owesEchoUs = 0;

  constructor(id: LaneId, peer: FabId) {
    this.id = id;
    this.peer = peer;
  }

  /** Whether the peer's hello has come. */
  get open(): boolean {
    return this.#window !== null;
  }

  /** Takes the peer's first message; asks for an echo, so that clocks and round trip are known from the beginning. */
  greet(hello: Hello, nowUs: number): void {
    this.#window = hello.window;
    this.#owesReport = true;
    this.#owesEchoUs = nowUs;
  }

  /** The peer wants these fabs' updates from now on. */
  want(fabs: readonly FabId[]): void {
    this.#wants = new Set(fabs);
    this.#owesLive = true;
    this.#owesReport = true;
  }

  /** Nothing is pushed from now on, or it is again. */
  rest(rests: boolean): void {
    this.#rests = rests;
  }

  /** Pushes an update of a commit if the peer wants it and its window has room. */
  offer(update: Update, via: Via, mayPush: (peer: FabId, bytes: number) => boolean = always): MeshEffect[] {
    if (!this.#window || !this.#wants.has(update.header.dot.fab)) return [];
    const bytes = updateBytes(update);
    // A peer says only where it pulls whether it knows stubs.
    if (
      via === 'pull' ||
      this.#rests ||
      update.stubDigest ||
      !this.#hasRoom(bytes) ||
      !mayPush(this.peer, bytes)
    ) {
      this.#owesReport = true;
      return [];
    }
    this.#inFlight.push(bytes);
    this.#bytesInFlight += bytes;
    return [...this.#programFirst(update.header.program), { type: 'send-update', lane: this.id, update }];
  }

  /** The peer has dealt with this many updates since the lane began. */
  acknowledge(count: number): void {
    const news = count - this.#acknowledged;
    if (news < 0 || news > this.#inFlight.length) {
      throw new WafersyncError(
        'invalid',
        `${this.peer} acknowledged ${count} updates; ${this.#acknowledged} were acknowledged before and ${this.#inFlight.length} are in flight`,
      );
    }
    for (const bytes of this.#inFlight.splice(0, news)) this.#bytesInFlight -= bytes;
    this.#acknowledged = count;
    invariant(this.#inFlight.length > 0 || this.#bytesInFlight === 0, 'nothing in flight weighs nothing');
  }

  setWritable(writable: boolean): void {
    this.#writable = writable;
  }

  /** A heartbeat: asks for an echo, and lets the peer check its vector. */
  beat(nowUs: number): void {
    this.#owesReport = true;
    this.#owesChains = true;
    this.#owesEchoUs = nowUs;
  }

  /**
   * Says what the peer should know, if anything, and if the stream takes it now; otherwise it is said, up to date
   * then, when the stream is writable again. Routes are said when they are other ones, and so may not be changed. A skipped update is announced once the peer has acknowledged half of
   * its window.
   */
  announce(
    report: Report,
    ways: readonly Route[],
    relayable: readonly Report[],
    reportToo: boolean,
  ): MeshEffect[] {
    if (!this.#window || !this.#writable) return [];
    const routes = this.#rests ? NO_ROUTES : ways;
    const owed =
      this.#owesReport &&
      this.#bytesInFlight * 2 <= this.#window.bytes &&
      this.#inFlight.length * 2 <= this.#window.updates;
    const delta = owed || reportToo ? this.#reports.next(report, owed && this.#owesChains) : null;
    const newRoutes = this.#routes === routes ? null : routes;
    const relayed = this.#relay(relayable);
    const live = this.#owesLive && owed ? [...this.#wants].sort() : null;
    if (owed) {
      this.#owesReport = false;
      this.#owesChains = false;
    }
    if (!delta && !newRoutes && relayed.length === 0 && !live && this.#owesEchoUs === 0) return [];
    const announcement: Announcement = {
      report: delta,
      live,
      routes: newRoutes,
      relayed,
      sentAtUs: this.#owesEchoUs,
    };
    this.#routes = routes;
    this.#owesEchoUs = 0;
    if (live) this.#owesLive = false;
    return [{ type: 'send-announcement', lane: this.id, announcement }];
  }

  #relay(relayable: readonly Report[]): Announcement['relayed'] {
    return relayDeltas(this.#relayed, relayable);
  }

  #hasRoom(bytes: number): boolean {
    const window = this.#window!;
    if (this.#inFlight.length === 0) return true;
    return this.#inFlight.length < window.updates && this.#bytesInFlight + bytes <= window.bytes;
  }

  #programFirst(digest: ProgramDigest | null): MeshEffect[] {
    if (digest === null || this.#sentPrograms.has(digest)) return [];
    if (this.#sentPrograms.size >= SENT_PROGRAMS_MAX) this.#sentPrograms.clear();
    this.#sentPrograms.add(digest);
    return [{ type: 'send-program', lane: this.id, digest }];
  }
}

/** News of other nodes for one stream. */
export function relayDeltas(
  senders: Map<FabId, ReportSender>,
  relayable: readonly Report[],
): Announcement['relayed'] {
  const deltas = [];
  for (const report of relayable) {
    const sender = senders.get(report.node.fab) ?? new ReportSender();
    senders.set(report.node.fab, sender);
    const delta = sender.next(report);
    if (delta) deltas.push(delta);
  }
  return deltas;
}
