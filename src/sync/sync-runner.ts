import type { Dot, FabId, Origin } from '../clocks/dot.ts';
import { timestampMs } from '../clocks/hlc.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Commit, Received } from '../replica/commit.ts';
import { EventSource } from '../replica/event-source.ts';
import type { Replica } from '../replica/replica.ts';
import type { Store } from '../store/store.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import { updateBytes } from '../wafer/update.ts';
import type { Cancel, World } from '../world.ts';
import { fraction } from './backoff.ts';
import type { LaneId, MeshEffect, MeshEvent, PeerView, StoredUpdate } from './events.ts';
import { LaneWriter } from './lane-writer.ts';
import { LifeKeeper, type Renewed } from './life-keeper.ts';
import { Mesh } from './mesh.ts';
import type { MeshOptions } from './mesh-options.ts';
import type { PeerStatus, PullRequest } from './messages.ts';
import { MissingPrograms } from './missing-programs.ts';
import type { Paused } from './neighbours.ts';
import { keptReports, ownChains, reportOf } from './node-report.ts';
import { OfferedLanes } from './offered-lanes.ts';
import { PeerClocks } from './peer-clocks.ts';
import { programToSend } from './program-to-send.ts';
import { answererOf } from './pull-server.ts';
import type { Report } from './report.ts';
import { ReportKeeper } from './report-keeper.ts';
import type { IncomingLaneMessage, Stream, StreamHandlers, Transport } from './transport/transport.ts';
import { Waits } from './waits.ts';

/** Who brought an update. */
export interface Carrier {
  readonly lane: LaneId;
  readonly via: 'live' | 'pull';
  /** Wall clock when the update had come, milliseconds since 1970-01-01T00:00:00Z. */
  readonly arrivedMs: number;
}

/** What a runner is made of. */
export interface SyncRunnerOptions
  extends Pick<MeshOptions, 'peers' | 'paused' | 'mayPush' | 'window' | 'catchUp' | 'reconnect'> {
  readonly replica: Replica<Carrier>;
  readonly store: Store;
  readonly transport: Transport;
  readonly world: World;
  readonly log: Log;
  readonly heartbeatMs: number;
}

type Performers = { readonly [T in MeshEffect['type']]: (effect: Extract<MeshEffect, { type: T }>) => void };

/** Performs what the mesh decides: dials, sends, stores; and tells it what happened. */
export class SyncRunner {
  readonly #options: SyncRunnerOptions;
  readonly #mesh: Mesh;
  readonly #keeper: ReportKeeper;
  readonly #liveWaits: Waits;
  readonly #pullWaits: Waits;
  readonly #writers = new Map<LaneId, LaneWriter>();
  readonly #answers = new Map<LaneId, Stream<PeerStatus>>();
  readonly #pulls = new Map<LaneId, Stream<PullRequest>>();
  readonly #offers: OfferedLanes;
  readonly #lives: LifeKeeper;
  readonly #missingPrograms: MissingPrograms;
  #fenced: WafersyncError | null = null;
  /** Told when this node committed, or a report of another is news: some wafer's sync state may have changed. */
  readonly changes = new EventSource<void>();
  /** Told when this node takes no part in the mesh any more. */
  readonly fences = new EventSource<WafersyncError>();
  /** The clocks of others beside this node's. */
  readonly clocks: PeerClocks;
  #events: MeshEvent[] = [];
  #stepping = false;
  #nextLane = 1;
  #stopHeartbeat: Cancel = () => {};
  #lastLagMs = 0;

  readonly #performers: Performers = {
    'dial-outbound': ({ peer, afterMs }) => this.#liveWaits.after(peer, afterMs, () => this.#dialLive(peer)),
    'dial-pull': ({ peer, afterMs }) => this.#pullWaits.after(peer, afterMs, () => this.#dialPull(peer)),
    'stop-dialling': ({ peer }) => {
      this.#liveWaits.cancel(peer);
      this.#pullWaits.cancel(peer);
    },
    'send-update': ({ lane, update }) => this.#writers.get(lane)?.send(() => ({ type: 'update', update })),
    'send-program': ({ lane, digest }) => this.#sendProgram(lane, digest),
    'send-announcement': ({ lane, announcement }) => {
      this.#writers.get(lane)?.send(() => ({ type: 'announcement', announcement }));
    },
    'send-status': ({ lane, status }) => {
      if (this.#answers.get(lane)?.send(status) === false) this.#post({ type: 'inbound-blocked', lane });
    },
    'offer-after': ({ peer, afterMs }) => this.#offers.after(peer, afterMs),
    'dial-offer': ({ peer }) => this.#offers.dial(peer),
    'end-offer': ({ peer, error }) => this.#offers.end(peer, error),
    'send-pull': ({ lane, request }) => {
      this.#pulls.get(lane)?.send({ ...request, applied: this.#options.store.vectors.applied });
    },
    store: ({ lane, update, via }) => {
      const token = { lane, via, arrivedMs: this.#options.world.nowMs() };
      this.#options.replica.receive({ update, token });
    },
    close: ({ lane, error }) => this.#close(lane, error),
    report: ({ report }) => {
      this.#keeper.heard(report);
      this.changes.emit();
    },
    settle: ({ found }) => this.#lives.settle(found),
    log: ({ level, event, fields }) => this.#options.log[level](event, fields),
  };

  constructor(options: SyncRunnerOptions) {
    this.#options = options;
    const { store, world, replica, log } = options;
    this.#missingPrograms = new MissingPrograms(store, log);
    this.clocks = new PeerClocks(world);
    this.#mesh = new Mesh({
      ...options,
      report: reportOf(store),
      known: keptReports(store),
      missingPrograms: this.#missingPrograms.now(),
      chains: ownChains(store, log),
      random: () => fraction(world.random(4)),
    });
    this.#lives = new LifeKeeper({ ...options, fence: (error) => this.#fence(error) });
    this.#keeper = new ReportKeeper(store, (work) => replica.housekeep(work), log);
    this.#liveWaits = new Waits(world);
    this.#pullWaits = new Waits(world);
    this.#offers = new OfferedLanes({
      ...options,
      answerer: () => answererOf(store),
      post: (event) => this.#post(event),
    });
    replica.commits.subscribe((commit) => this.#committed(commit));
    replica.receiveFailures.subscribe(({ failed, error }) => {
      this.#post({ type: 'store-failed', failed: failed.map(storedUpdate), error });
    });
  }

  /** Dials the peers. */
  start(): void {
    this.#lives.start();
    this.#beat();
    this.#post({ type: 'start' });
  }

  /** Ends all lanes. Before the replica is closed. */
  async stop(): Promise<void> {
    this.#end(new WafersyncError('unavailable', 'the node is stopping'));
    this.#options.transport.close();
    await this.#keeper.save();
  }

  /** Why this node takes no part any more; null while it does. */
  get fenced(): WafersyncError | null {
    return this.#fenced;
  }

  /** How the epoch was renewed last since the database was opened; null where it was not. */
  get renewed(): Renewed | null {
    return this.#lives.renewed;
  }

  #fence(error: WafersyncError): void {
    this.#fenced = error;
    this.#end(error);
    this.fences.emit(error);
    this.changes.emit();
  }

  #end(error: WafersyncError): void {
    this.#stopHeartbeat();
    this.#liveWaits.end();
    this.#pullWaits.end();
    this.#offers.stop();
    const lanes = [...this.#writers.keys(), ...this.#answers.keys(), ...this.#pulls.keys()];
    for (const lane of lanes) this.#close(lane, error);
  }

  /** A peer dialled a live lane: answers its stream from now on. `connect` makes the stream of the handlers. */
  acceptLive(
    peer: FabId,
    connect: (handlers: StreamHandlers<IncomingLaneMessage>) => Stream<PeerStatus>,
  ): void {
    const lane = this.#nextLane++;
    const stream = connect({
      message: (message) => this.#liveMessage(lane, peer, message),
      writable: () => this.#post({ type: 'inbound-writable', lane }),
      down: (error) => {
        this.#answers.delete(lane);
        this.#post({ type: 'inbound-down', lane, error });
      },
    });
    if (this.#fenced) stream.close(this.#fenced);
    else {
      this.#answers.set(lane, stream);
      this.#post({ type: 'inbound-up', peer, lane });
    }
  }

  /** A peer dialled a catch-up lane in reverse: it is asked on it from now on. */
  acceptOffer(
    peer: FabId,
    connect: (handlers: StreamHandlers<IncomingLaneMessage>) => Stream<PullRequest>,
  ): void {
    const lane = this.#nextLane++;
    const stream = connect(this.#pullHandlers(lane, peer));
    if (this.#fenced) stream.close(this.#fenced);
    else {
      this.#pulls.set(lane, stream);
      this.#post({ type: 'offered', peer, lane });
    }
  }

  /** Dials these peers from now on, and no others. @param moved those that have another address now */
  dialOnly(peers: readonly FabId[], moved: readonly FabId[] = []): void {
    if (!this.#fenced) this.#post({ type: 'peers', peers, moved });
    this.changes.emit();
  }

  /** These peers are paused from now on, and no others. */
  pause(paused: Paused): void {
    if (!this.#fenced) this.#post({ type: 'pauses', paused });
    this.changes.emit();
  }

  /** Why a catch-up lane of a peer is not answered; null where it is. */
  pullRefusal(peer: FabId): WafersyncError | null {
    return this.#mesh.refusal(peer, 'catch-up');
  }

  /** The disk is full from now on, or no longer. */
  storage(full: boolean): void {
    this.#post({ type: 'storage', full });
    this.changes.emit();
  }

  /** Latest reports of all nodes, this one first. */
  reports(): Report[] {
    return [reportOf(this.#options.store), ...this.#mesh.reports()];
  }

  /** The peers as operators see them. */
  peers(): PeerView[] {
    return this.#mesh.peers();
  }

  /** Origins that may be forked: what stands under their dots is about to be compared. */
  suspected(): Origin[] {
    return this.#mesh.suspected();
  }

  /** What some other node has and this one has not. */
  missing(): TransportVector {
    return this.#mesh.missing();
  }

  /** From commit where it was born to visible here, of the last update from elsewhere; milliseconds. */
  get lastLagMs(): number {
    return this.#lastLagMs;
  }

  #committed({ added, received }: Commit<Carrier>): void {
    const { store, world } = this.#options;
    for (const { update, token } of added) {
      if (token) this.#lastLagMs = Math.max(0, world.nowMs() - timestampMs(update.header.timestamp));
    }
    const forks = received.filter(({ outcome }) => outcome === 'forked');
    for (const { update } of forks) this.#logFork(update.header.dot);
    this.#post({
      type: 'commit',
      added: added.map(({ update, token }) => ({ update, via: token?.via ?? 'local' })),
      stored: received.map(storedUpdate),
      forked: forks.map(storedUpdate),
      report: reportOf(store),
      missingPrograms: this.#missingPrograms.now(),
    });
    this.changes.emit();
  }

  #logFork({ fab, epoch, sequence }: Dot): void {
    const error = new WafersyncError('conflict', `${fab} sent other content under a dot that is known here`, {
      hint: 'Two databases of that fab write at once, or one was copied back: stop one of them.',
    });
    this.#options.log.error('update.forked', { fab, epoch, sequence }, error);
  }

  #liveMessage(lane: LaneId, peer: FabId, message: IncomingLaneMessage): void {
    if (message.type === 'update') this.#post({ type: 'inbound-update', lane, update: message.update });
    else if (message.type === 'announcement') {
      this.clocks.heard(peer, message.announcement.sentAtUs);
      this.#post({ type: 'inbound-announcement', lane, announcement: message.announcement });
    } else if (message.type === 'program') this.#options.replica.receiveProgram(message.digest, message.body);
    else if (message.type === 'refused') this.#post({ type: 'inbound-refused', lane, error: message.error });
    else throw new WafersyncError('invalid', `a live lane carries no ${message.type}`);
  }

  #pullMessage(lane: LaneId, peer: FabId, message: IncomingLaneMessage): void {
    if (message.type === 'update') this.#post({ type: 'pull-update', lane, update: message.update });
    else if (message.type === 'pull-end') this.#post({ type: 'pull-end', lane, end: message.end });
    else if (message.type === 'program') this.#options.replica.receiveProgram(message.digest, message.body);
    else if (message.type === 'refused') {
      this.#options.log.warn('update.refused', { peer, reason: message.error.line });
    } else throw new WafersyncError('invalid', `a catch-up lane carries no ${message.type}`);
  }

  /** Events that effects cause are stepped after the effects, never within. */
  #post(event: MeshEvent): void {
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        for (const effect of this.#mesh.step(next)) this.#perform(effect);
      }
    } finally {
      this.#stepping = false;
    }
  }

  /** What fails ends its lane: the mesh counts each effect as done, and a new lane begins with everything said anew. */
  #perform(effect: MeshEffect): void {
    try {
      (this.#performers[effect.type] as (effect: MeshEffect) => void)(effect);
    } catch (thrown) {
      const error = WafersyncError.from(thrown);
      this.#options.log.error('effect.failed', { effect: effect.type }, error);
      if ('lane' in effect && effect.type !== 'close') this.#close(effect.lane, error);
    }
  }

  #sendProgram(lane: LaneId, digest: ProgramDigest): void {
    this.#writers.get(lane)?.send(() => {
      const body = programToSend(this.#options.store, this.#options.log, digest);
      return body && { type: 'program', digest, body };
    });
  }

  #dialLive(peer: FabId): void {
    const lane = this.#nextLane++;
    this.#post({ type: 'outbound-dialled', peer, lane });
    const stream = this.#options.transport.dialLive(peer, {
      message: (status) => {
        this.clocks.heard(peer, status.sentAtUs ?? 0, status.echoUs);
        this.#post({ type: 'outbound-status', lane, status, nowUs: this.#nowUs() });
      },
      writable: () => this.#writers.get(lane)?.resume(),
      down: (error) => {
        this.#writers.delete(lane);
        this.#post({ type: 'outbound-down', lane, error });
      },
    });
    const blocked = () => this.#post({ type: 'outbound-blocked', lane });
    const writable = () => this.#post({ type: 'outbound-writable', lane });
    this.#writers.set(lane, new LaneWriter(stream, { blocked, writable }));
  }

  #dialPull(peer: FabId): void {
    const lane = this.#nextLane++;
    const stream = this.#options.transport.dialPull(peer, this.#pullHandlers(lane, peer));
    this.#pulls.set(lane, stream);
    this.#post({ type: 'pull-dialled', peer, lane });
  }

  #pullHandlers(lane: LaneId, peer: FabId): StreamHandlers<IncomingLaneMessage> {
    return {
      message: (message) => this.#pullMessage(lane, peer, message),
      // The requests under way on a lane are few and small: they need not wait.
      writable: () => {},
      down: (error) => {
        this.#pulls.delete(lane);
        this.#post({ type: 'pull-down', lane, error });
      },
    };
  }

  #close(lane: LaneId, error: WafersyncError): void {
    this.#writers.get(lane)?.stream.close(error);
    this.#answers.get(lane)?.close(error);
    this.#pulls.get(lane)?.close(error);
  }

  #beat(): void {
    this.#stopHeartbeat = this.#options.world.after('heartbeat', this.#options.heartbeatMs, () => {
      this.#beat();
      this.#post({ type: 'heartbeat', nowUs: this.#nowUs() });
      void this.#keeper.save();
    });
  }

  #nowUs(): number {
    return Math.round(this.#options.world.nowMs() * 1000);
  }
}

function storedUpdate({ update, token }: Received<Carrier>): StoredUpdate {
  return { lane: token.lane, dot: update.header.dot, bytes: updateBytes(update) };
}
