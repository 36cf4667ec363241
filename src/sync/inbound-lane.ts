import type { FabId } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { LaneId, MeshEffect } from './events.ts';
import type { Hello, PeerStatus, Window } from './messages.ts';
import { relayDeltas } from './outbound-lane.ts';
import { type Report, ReportReader, ReportSender } from './report.ts';
import type { Route } from './routes.ts';

/** Stands in the row of waiting updates for one that was refused. */
const REFUSED = 0;

/**
 * The live lane that a peer dialled, seen from here: takes its updates, acknowledges them once they are durable, says
 * which fabs are wanted. This side speaks first.
 *
 * Invariants: what was acknowledged is a beginning of the stream, and what came behind it waits, within the window;
 * `announced` holds only what the peer said that it has, in the order of the stream, so that whatever is in it and
 * did not arrive before is a gap.
 */
export class InboundLane {
  readonly id: LaneId;
  readonly peer: FabId;
  readonly reader = new ReportReader();
  #routes: readonly Route[] = [];
  #hears: ReadonlySet<FabId> = new Set();
  /** What the peer had at its latest announcement. */
  announced = TransportVector.empty;
  readonly #window: Window;
  /** Sizes of the updates that wait, in the order in which they came. */
  readonly #waiting: number[] = [];
  #waitingBytes = 0;
  #acknowledged = 0;
  #hello: Hello | null;
  #writable = true;
  #wants: string | null = null;
  #saidAcknowledged = 0;
  #echoUs = 0;
  #owesChains = false;
  readonly #reports = new ReportSender();
  readonly #relayed = new Map<FabId, ReportSender>();

  constructor(id: LaneId, peer: FabId, hello: Hello) {
    this.id = id;
    this.peer = peer;
    this.#window = hello.window;
    this.#hello = hello;
  }

  /** Ways by which the peer gets each fab's updates. */
  get routes(): readonly Route[] {
    return this.#routes;
  }

  set routes(routes: readonly Route[]) {
    this.#routes = routes;
    this.#hears = new Set(routes.filter(({ path }) => path.length === 2).map(({ fab }) => fab));
  }

  /** Fabs whose nodes have a live lane to the peer: it hears of them from themselves. */
  get hears(): ReadonlySet<FabId> {
    return this.#hears;
  }

  /** An update came. @throws WafersyncError `exhausted` where the peer sent more than its window */
  arrived(bytes: number): void {
    const { updates, bytes: windowBytes } = this.#window;
    const alone = this.#waiting.length === 0;
    if (!alone && (this.#waiting.length >= updates || this.#waitingBytes + bytes > windowBytes)) {
      throw new WafersyncError(
        'exhausted',
        `${this.peer} sent more than the window of ${updates} updates and ${windowBytes} bytes`,
      );
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes;
  }

  /**
   * A damaged update came: it was not received. The fabs that are wanted are said again, for the peer answers that
   * with what it has, and then the update is a gap.
   */
  refused(): void {
    this.arrived(REFUSED);
    this.#passRefused();
    this.#wants = null;
  }

  /** The first of the updates that wait is durable, or was known. */
  stored(): void {
    this.#acknowledge();
    this.#passRefused();
  }

  /** A heartbeat: lets the peer compare its chains with this node's. */
  beat(): void {
    this.#owesChains = true;
  }

  setWritable(writable: boolean): void {
    this.#writable = writable;
  }

  /** The peer asked for an echo. */
  echo(sentAtUs: number): void {
    if (sentAtUs !== 0) this.#echoUs = sentAtUs;
  }

  /** Says what the peer should know, if anything, and if the stream takes it now; else later, up to date then. */
  speak(report: Report, wants: readonly FabId[], relayable: readonly Report[]): MeshEffect[] {
    if (!this.#writable) return [];
    const delta = this.#reports.next(report, this.#owesChains);
    this.#owesChains = false;
    const wanted = wants.join();
    const newWants = wanted === this.#wants ? null : wants;
    const relayed = relayDeltas(this.#relayed, relayable);
    const silent = !delta && !newWants && relayed.length === 0 && this.#echoUs === 0;
    if (silent && this.#acknowledged === this.#saidAcknowledged && !this.#hello) return [];
    const status: PeerStatus = {
      hello: this.#hello,
      report: delta,
      acknowledged: this.#acknowledged,
      wants: newWants,
      relayed,
      echoUs: this.#echoUs,
    };
    this.#hello = null;
    this.#wants = wanted;
    this.#saidAcknowledged = this.#acknowledged;
    this.#echoUs = 0;
    return [{ type: 'send-status', lane: this.id, status }];
  }

  #passRefused(): void {
    while (this.#waiting[0] === REFUSED) this.#acknowledge();
  }

  #acknowledge(): void {
    const bytes = this.#waiting.shift();
    if (bytes === undefined) return;
    this.#waitingBytes -= bytes;
    this.#acknowledged++;
  }
}
