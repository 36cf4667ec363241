import { type FabId, formatDot, type Origin } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import { type Update, updateBytes } from '../wafer/update.ts';
import { CatchUp } from './catch-up.ts';
import { Dials } from './dials.ts';
import {
  CHANGES_NO_GAP,
  CHANGES_NO_WORD,
  type CommitEvent,
  type LaneId,
  type MeshEffect,
  type MeshEvent,
  type PeerView,
  type StoredUpdate,
} from './events.ts';
import { ForkSearches } from './fork-searches.ts';
import { checkHello, helloOf } from './hello.ts';
import { InboundLane } from './inbound-lane.ts';
import { Knowledge } from './knowledge.ts';
import { LiveLanes } from './live-lanes.ts';
import type { MeshOptions } from './mesh-options.ts';
import type { Announcement, Hello, PeerStatus, PullEnd } from './messages.ts';
import { type LaneKind, Neighbours, type Paused } from './neighbours.ts';
import { Offers } from './offers.ts';
import { OutboundLane } from './outbound-lane.ts';
import { OwnLives } from './own-lives.ts';
import type { Report, ReportDelta, ReportReader } from './report.ts';
import { LiveWays } from './routes.ts';

type Handlers = { readonly [T in MeshEvent['type']]: (event: Extract<MeshEvent, { type: T }>) => void };

/**
 * The sessions of one node with all its peers, as a pure state machine: `step(event) → effects`. It knows no socket, no
 * clock and no database; the runner performs the effects, the simulator likewise.
 *
 * Invariants: at most one inbound and one open outbound lane a peer; a gap is asked for only when it is ripe
 * ({@link Knowledge.ripe}); every update that a lane brought is answered once, in a commit or by store-failed.
 */
export class Mesh {
  readonly #options: MeshOptions;
  readonly #knowledge: Knowledge;
  readonly #dials: Dials;
  readonly #offers: Offers;
  readonly #forks: ForkSearches;
  readonly #lives: OwnLives;
  readonly #catchUp: CatchUp;
  readonly #lanes = new LiveLanes();
  readonly #neighbours: Neighbours;
  #missingPrograms: readonly ProgramDigest[];
  readonly #ways: LiveWays;
  /** Nothing can be stored: nothing is wanted, and nothing is asked for. */
  #full = false;
  #effects: MeshEffect[] = [];

  readonly #handlers: Handlers = {
    start: () => this.#emit(...this.#dials.dialAll()),
    commit: (event) => this.#committed(event),
    'store-failed': ({ failed, error }) => this.#storeFailed(failed, error),
    storage: ({ full }) => {
      this.#full = full;
      this.#reroute();
    },
    heartbeat: ({ nowUs }) => {
      for (const lane of this.#lanes.outbound.values()) lane.beat(nowUs);
      for (const lane of this.#lanes.inbound.values()) lane.beat();
      this.#catchUp.retry();
    },
    peers: ({ peers, moved }) => this.#emit(...this.#neighbours.dialOnly(peers, moved)),
    pauses: ({ paused }) => this.#pause(paused),
    'outbound-dialled': ({ lane, peer }) => {
      this.#lanes.outbound.set(lane, new OutboundLane(lane, peer));
      this.#neighbours.greetOutbound(peer);
    },
    'outbound-status': ({ lane, status, nowUs }) =>
      this.#onLane(lane, () => this.#status(lane, status, nowUs)),
    'outbound-blocked': ({ lane }) => this.#lanes.outbound.get(lane)?.setWritable(false),
    'outbound-writable': ({ lane }) => this.#lanes.outbound.get(lane)?.setWritable(true),
    'outbound-down': ({ lane, error }) => this.#outboundDown(lane, error),
    'inbound-up': ({ peer, lane }) => this.#inboundUp(peer, lane),
    'inbound-update': ({ lane, update }) => this.#onLane(lane, () => this.#inboundUpdate(lane, update)),
    'inbound-refused': ({ lane, error }) => this.#onLane(lane, () => this.#inboundRefused(lane, error)),
    'inbound-announcement': ({ lane, announcement }) =>
      this.#onLane(lane, () => this.#announced(lane, announcement)),
    'inbound-blocked': ({ lane }) => this.#lanes.inbound.get(lane)?.setWritable(false),
    'inbound-writable': ({ lane }) => this.#lanes.inbound.get(lane)?.setWritable(true),
    'inbound-down': ({ lane, error }) => this.#inboundDown(lane, error),
    'pull-dialled': ({ lane, peer }) => {
      this.#dials.pullUp(peer);
      if (!this.#isRefused(peer, lane, 'catch-up')) this.#catchUp.opened(lane, peer);
    },
    'pull-update': ({ lane, update }) => this.#onLane(lane, () => this.#pullUpdate(lane, update)),
    'pull-end': ({ lane, end }) => this.#pullEnd(lane, end),
    'pull-down': ({ lane, error }) => this.#pullDown(lane, error),
    offered: ({ lane, peer }) => {
      if (!this.#isRefused(peer, lane, 'catch-up')) this.#catchUp.opened(lane, peer);
    },
    'offer-due': ({ peer }) => this.#emit(...this.#offers.due(peer, this.#isDeaf(peer))),
    'offer-down': ({ peer, error }) => this.#offerDown(peer, error),
  };

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#knowledge = new Knowledge(options.report, options.known);
    this.#dials = new Dials([], options.reconnect, options.random);
    this.#forks = new ForkSearches(options.chains);
    this.#lives = new OwnLives(this.#forks);
    this.#offers = new Offers(options.reconnect, options.random);
    this.#catchUp = new CatchUp(options.catchUp);
    this.#neighbours = new Neighbours({
      ...{ self: options.report.node.fab, peers: options.peers, paused: options.paused ?? new Map() },
      ...{ lanes: this.#lanes, dials: this.#dials, offers: this.#offers, catchUp: this.#catchUp },
    });
    this.#missingPrograms = options.missingPrograms;
    this.#ways = new LiveWays(options.report.node.fab);
  }

  /** Takes in one event; the effects are to be performed in order. */
  step(event: MeshEvent): MeshEffect[] {
    this.#effects = [];
    (this.#handlers[event.type] as (event: MeshEvent) => void)(event);
    if (!CHANGES_NO_WORD.has(event.type)) this.#speak();
    if (!CHANGES_NO_GAP.has(event.type)) this.#pull();
    return this.#effects;
  }

  /** Latest reports of all nodes but this one, sorted by fab. */
  reports(): readonly Report[] {
    return this.#knowledge.reports();
  }

  /** What some other node is known to have and this one has not. */
  missing(): TransportVector {
    return this.#knowledge.missing();
  }

  /** The peers as operators see them, sorted by fab. */
  peers(): PeerView[] {
    return this.#lanes.peers(this.#neighbours.known()).map((peer) => ({
      ...this.#lanes.view(peer),
      liveFabs: this.#ways.from(peer),
      lastError: this.#dials.lastError(peer),
      behind: this.#knowledge.own.received.difference(this.#knowledge.has(peer)),
    }));
  }

  /** Origins that may be forked: this node and a peer are about to compare them. */
  suspected(): Origin[] {
    return this.#forks.origins();
  }

  /** Why a lane that a peer dials is refused; null where it is not. */
  refusal(peer: FabId, kind: LaneKind): WafersyncError | null {
    return this.#neighbours.refusal(peer, kind);
  }

  #pause(paused: Paused): void {
    this.#emit(...this.#neighbours.pause(paused));
    this.#reroute();
    for (const { peer } of [...this.#lanes.outbound.values()]) this.#offer(peer);
  }

  /** Closes a lane that a paused peer dialled. */
  #isRefused(peer: FabId, lane: LaneId, kind: LaneKind): boolean {
    const error = this.refusal(peer, kind);
    if (error) this.#emit({ type: 'close', lane, error });
    return error !== null;
  }

  #committed({ added, stored, forked = [], report, missingPrograms }: CommitEvent): void {
    const renewed = report.node.epoch !== this.#knowledge.own.node.epoch;
    this.#knowledge.own = report;
    if (renewed) this.#lives.renewed(report);
    this.#missingPrograms = missingPrograms;
    this.#catchUp.committed(added.some(({ update }) => update.header.kind === 'purge'));
    for (const { lane, dot, bytes } of stored) {
      this.#knowledge.unpend(dot, bytes);
      this.#lanes.inbound.get(lane)?.stored();
      const puller = this.#catchUp.peerOf(lane);
      if (puller) this.#dials.pullServed(puller);
    }
    for (const { lane, dot } of forked) {
      const peer = this.#lanes.inbound.get(lane)?.peer ?? this.#catchUp.peerOf(lane);
      if (peer) this.#forks.suspect(peer, { fab: dot.fab, epoch: dot.epoch }, null);
    }
    const { mayPush } = this.#options;
    for (const { update, via } of added)
      for (const lane of this.#lanes.outbound.values()) this.#emit(...lane.offer(update, via, mayPush));
  }

  #storeFailed(failed: readonly StoredUpdate[], error: WafersyncError): void {
    for (const { dot, bytes } of failed) this.#knowledge.unpend(dot, bytes);
    for (const lane of new Set(failed.map(({ lane }) => lane))) this.#emit({ type: 'close', lane, error });
  }

  #status(id: LaneId, status: PeerStatus, nowUs: number): void {
    const lane = this.#lanes.outbound.get(id);
    if (!lane) return;
    if (status.hello) this.#greet(lane, status.hello, nowUs);
    if (!lane.open) throw new WafersyncError('invalid', `${lane.peer} spoke before its hello`);
    lane.acknowledge(status.acknowledged);
    if (status.wants) lane.want(status.wants);
    if (status.echoUs !== 0) lane.rttMs = Math.max(0, (nowUs - status.echoUs) / 1000);
    this.#learn(lane.peer, lane.reader, status.report, status.relayed);
  }

  #greet(lane: OutboundLane, hello: Hello, nowUs: number): void {
    checkHello(lane.peer, hello);
    lane.greet(hello, nowUs);
    this.#dials.liveUp(lane.peer);
    this.#offers.liveUp(lane.peer);
    this.#offer(lane.peer);
    this.#log('info', 'lane.outbound_open', { peer: lane.peer });
  }

  #outboundDown(id: LaneId, error: WafersyncError): void {
    const lane = this.#lanes.outbound.get(id);
    if (!lane) return;
    this.#lanes.outbound.delete(id);
    this.#emit(...this.#dials.liveDown(lane.peer, error));
  }

  #inboundUp(peer: FabId, id: LaneId): void {
    if (this.#isRefused(peer, id, 'live')) return;
    const hello = helloOf(this.#knowledge.own.node, this.#options.window);
    const former = this.#lanes.accept(new InboundLane(id, peer, hello));
    const error = new WafersyncError('cancelled', `${peer} dialled again`);
    if (former) this.#emit({ type: 'close', lane: former.id, error });
    this.#reroute();
    this.#log('info', 'lane.inbound_open', { peer });
    this.#emit(...this.#offers.end(peer));
    if (!this.#lanes.outboundTo(peer)) this.#emit(...this.#dials.peerAppeared(peer));
  }

  #inboundUpdate(id: LaneId, update: Update): void {
    const lane = this.#lanes.inbound.get(id);
    if (!lane) return;
    lane.arrived(updateBytes(update));
    this.#store(id, update, 'live');
  }

  #inboundRefused(id: LaneId, error: WafersyncError): void {
    const lane = this.#lanes.inbound.get(id);
    if (!lane) return;
    lane.refused();
    this.#log('warn', 'update.refused', { peer: lane.peer, reason: error.line });
  }

  #announced(id: LaneId, announcement: Announcement): void {
    const lane = this.#lanes.inbound.get(id);
    if (!lane) return;
    lane.echo(announcement.sentAtUs);
    const report = this.#learn(lane.peer, lane.reader, announcement.report, announcement.relayed);
    if (report?.node.fab === lane.peer) lane.announced = report.received;
    if (!announcement.routes) return;
    lane.routes = announcement.routes;
    this.#reroute();
  }

  #inboundDown(id: LaneId, error: WafersyncError): void {
    const lane = this.#lanes.inbound.get(id);
    if (!lane) return;
    this.#lanes.inbound.delete(id);
    this.#reroute();
    this.#log('warn', 'lane.inbound_down', { peer: lane.peer, reason: error.line });
    this.#offer(lane.peer);
  }

  #reroute(): void {
    const lanes = this.#full ? [] : [...this.#lanes.inbound.values()];
    this.#ways.choose(lanes.filter(({ peer }) => !this.#neighbours.rests(peer, 'live')));
  }

  #pullUpdate(id: LaneId, update: Update): void {
    const peer = this.#catchUp.peerOf(id);
    if (!peer || this.#forks.take(id, update)) return;
    const { dot } = update.header;
    if (!this.#catchUp.arrived(id, dot)) {
      throw new WafersyncError('invalid', `${peer} answered with ${formatDot(dot)}, which was not asked for`);
    }
    this.#store(id, update, 'pull');
  }

  #pullEnd(id: LaneId, end: PullEnd): void {
    this.#catchUp.ended(id, end);
    const found = this.#forks.ended(id, end);
    if (found) this.#emit({ type: 'settle', found });
  }

  #pullDown(id: LaneId, error: WafersyncError): void {
    this.#forks.laneDown(id);
    const peer = this.#catchUp.closed(id);
    if (!peer) return;
    this.#dials.pullDown(peer);
    this.#log('warn', 'lane.pull_down', { peer, reason: error.line });
  }

  /** A peer that this node reaches and that has no lane to it may be unable to dial: it is given one to ask on. */
  #offer(peer: FabId): void {
    if (this.#isDeaf(peer)) this.#emit(...this.#offers.make(peer));
  }

  #offerDown(peer: FabId, error: WafersyncError): void {
    this.#offers.down(peer);
    this.#log('info', 'lane.offer_down', { peer, reason: error.line });
    this.#offer(peer);
  }

  #isDeaf(peer: FabId): boolean {
    return this.#isAskable(peer) && !this.#lanes.inboundFrom(peer);
  }

  /** A peer that does not answer the live lane would not answer a catch-up lane either. */
  #isAskable(peer: FabId): boolean {
    return this.#lanes.outboundTo(peer)?.open === true && !this.#neighbours.rests(peer, 'catch-up');
  }

  /** Asks for what is ripe, dialling where a peer has some of it. */
  #pull(): void {
    if (this.#full) return;
    const ripe = this.#knowledge.ripe([...this.#lanes.inbound.values()], this.#ways.sources);
    this.#emit(...this.#forks.ask(this.#dials, this.#catchUp, (peer) => this.#isAskable(peer)));
    if (ripe.isEmpty && this.#missingPrograms.length === 0) return;
    const has = (peer: FabId) => this.#knowledge.has(peer);
    for (const peer of this.#dials.peers()) {
      if (this.#catchUp.laneOf(peer) !== null || !this.#isAskable(peer)) continue;
      if (this.#catchUp.wouldUse(ripe, has(peer), this.#missingPrograms))
        this.#emit(...this.#dials.dialPull(peer));
    }
    const bytes = this.#knowledge.pendingBytes;
    for (const { lane, request } of this.#catchUp.plan(ripe, has, this.#missingPrograms, bytes)) {
      this.#emit({ type: 'send-pull', lane, request });
    }
  }

  #store(lane: LaneId, update: Update, via: 'live' | 'pull'): void {
    this.#knowledge.pend(update.header.dot, updateBytes(update));
    this.#emit({ type: 'store', lane, update, via });
  }

  /** Takes in reports; gives back the whole of `own`. */
  #learn(
    peer: FabId,
    reader: ReportReader,
    own: ReportDelta | null,
    relayed: readonly ReportDelta[],
  ): Report | null {
    let whole: Report | null = null;
    for (const delta of own ? [own, ...relayed] : relayed) {
      const report = reader.read(delta);
      if (delta === own) whole = report;
      if (delta.chains && delta.node.fab === peer) this.#forks.heard(peer, delta.chains);
      if (report) this.#lives.heard(peer, this.#knowledge.own, report);
      const news = report && this.#knowledge.learn(report, peer);
      if (!news) continue;
      if (!news.lost.isEmpty)
        this.#log('warn', 'epoch.lost', { fab: report.node.fab, updates: `${news.lost}` });
      this.#catchUp.reported(report.node.fab, report.received);
      this.#emit({ type: 'report', report });
    }
    return whole;
  }

  /** Everything that the peers should know by now, lane by lane. */
  #speak(): void {
    const { own } = this.#knowledge;
    const listening = new Map([...this.#lanes.inbound.values()].map((lane) => [lane.peer, lane]));
    for (const lane of listening.values()) {
      this.#emit(
        ...lane.speak(own, this.#ways.from(lane.peer), this.#knowledge.relayable(lane.peer, lane.hears)),
      );
    }
    for (const lane of this.#lanes.outbound.values()) {
      // A peer whose own lane is up hears reports there.
      const deaf = !listening.has(lane.peer);
      const relayable = deaf ? this.#knowledge.relayable(lane.peer) : [];
      this.#emit(...lane.announce(own, this.#ways.routes, relayable, deaf));
    }
  }

  /** What a peer's message breaks ends its lane, and nothing else. */
  #onLane(lane: LaneId, handle: () => void): void {
    try {
      handle();
    } catch (thrown) {
      const dialled = this.#lanes.outbound.get(lane);
      if (dialled) this.#dials.refuse(dialled.peer);
      this.#emit({ type: 'close', lane, error: WafersyncError.from(thrown, 'invalid') });
    }
  }

  #log(level: 'info' | 'warn', event: string, fields: Readonly<Record<string, unknown>>): void {
    this.#emit({ type: 'log', level, event, fields });
  }

  #emit(...effects: MeshEffect[]): void {
    this.#effects.push(...effects);
  }
}
