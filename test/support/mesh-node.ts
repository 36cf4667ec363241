import { type FabId, formatDot } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { LaneId, MeshEffect, MeshEvent } from '../../src/sync/events.ts';
import { LaneWriter } from '../../src/sync/lane-writer.ts';
import { Mesh } from '../../src/sync/mesh.ts';
import type { MeshOptions } from '../../src/sync/mesh-options.ts';
import type { LaneMessage, PeerStatus, PullRequest } from '../../src/sync/messages.ts';
import { OfferedLanes } from '../../src/sync/offered-lanes.ts';
import { type Answerer, PullAnswers } from '../../src/sync/pull-server.ts';
import type { Report } from '../../src/sync/report.ts';
import type {
  IncomingLaneMessage,
  Stream,
  StreamHandlers,
  Transport,
} from '../../src/sync/transport/transport.ts';
import { Waits } from '../../src/sync/waits.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import type { World } from '../../src/world.ts';
import type { MeshLaws } from './mesh-laws.ts';
import type { ModelReplica } from './mesh-replica.ts';

/** What a model node is made of. */
export interface MeshNodeOptions extends Omit<MeshOptions, 'report' | 'missingPrograms' | 'chains'> {
  readonly fab: FabId;
  readonly replica: ModelReplica;
  readonly transport: Omit<Transport, 'close'>;
  readonly world: World;
  /** From an update's arrival to its commit. */
  readonly commitMs: number;
  readonly heartbeatMs: number;
  readonly laws: MeshLaws;
}

type Performers = { readonly [T in MeshEffect['type']]: (effect: Extract<MeshEffect, { type: T }>) => void };

/** A node of a model network: performs the effects of its mesh, as the product's runner does. */
export class MeshNode {
  readonly fab: FabId;
  readonly replica: ModelReplica;
  readonly mesh: Mesh;
  /** Reports of others that it keeps over a restart. */
  readonly kept = new Map<FabId, Report>();
  readonly logged: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  readonly dials: { readonly atMs: number; readonly peer: FabId; readonly afterMs: number }[] = [];
  /** Updates handed to the replica, in order. */
  readonly arrivals: { readonly atMs: number; readonly dot: string; readonly via: 'live' | 'pull' }[] = [];
  /** Effects performed, by type. */
  readonly performed = new Map<MeshEffect['type'], number>();
  steps = 0;
  readonly #options: MeshNodeOptions;
  readonly #liveWaits: Waits;
  readonly #pullWaits: Waits;
  readonly #writers = new Map<LaneId, LaneWriter>();
  readonly #answers = new Map<LaneId, Stream<PeerStatus>>();
  readonly #pulls = new Map<LaneId, Stream<PullRequest>>();
  readonly #offers: OfferedLanes;
  readonly #answerer: Answerer = (request) => (this.#stopped ? [] : this.replica.answer(request));
  #events: MeshEvent[] = [];
  #stepping = false;
  #nextLane = 1;
  #commitSet = false;
  #full = false;
  #stopped = false;

  readonly #performers: Performers = {
    'dial-outbound': ({ peer, afterMs }) => {
      this.dials.push({ atMs: this.#options.world.nowMs(), peer, afterMs });
      this.#liveWaits.after(peer, afterMs, () => this.#dialLive(peer));
    },
    'dial-pull': ({ peer, afterMs }) => this.#pullWaits.after(peer, afterMs, () => this.#dialPull(peer)),
    'stop-dialling': ({ peer }) => {
      this.#liveWaits.cancel(peer);
      this.#pullWaits.cancel(peer);
    },
    'send-update': ({ lane, update }) => this.#writers.get(lane)?.send(() => ({ type: 'update', update })),
    'send-program': ({ lane, digest }) => this.#sendProgram(lane, digest),
    'send-announcement': ({ lane, announcement }) =>
      this.#writers.get(lane)?.send(() => ({ type: 'announcement', announcement })),
    'send-status': ({ lane, status }) => {
      if (this.#answers.get(lane)?.send(status) === false) this.post({ type: 'inbound-blocked', lane });
    },
    'offer-after': ({ peer, afterMs }) => this.#offers.after(peer, afterMs),
    'dial-offer': ({ peer }) => this.#offers.dial(peer),
    'end-offer': ({ peer, error }) => this.#offers.end(peer, error),
    settle: () => {},
    'send-pull': ({ lane, request }) => this.#pulls.get(lane)?.send(request),
    store: ({ lane, update, via }) => {
      this.arrivals.push({ atMs: this.#options.world.nowMs(), dot: formatDot(update.header.dot), via });
      this.replica.receive(update, { lane, via });
      this.#commitSoon();
    },
    close: ({ lane, error }) => this.#close(lane, error),
    report: ({ report }) => this.kept.set(report.node.fab, report),
    log: ({ event, fields }) => this.logged.push({ event, fields }),
  };

  constructor(options: MeshNodeOptions) {
    this.#options = options;
    this.fab = options.fab;
    this.replica = options.replica;
    const { report, missingPrograms } = this.replica;
    // Nothing is really in a model's updates, so nothing differs.
    const chains = { at: () => null, top: () => 0 };
    this.mesh = new Mesh({ ...options, report, missingPrograms, chains });
    for (const known of options.known) this.kept.set(known.node.fab, known);
    this.#liveWaits = new Waits(options.world);
    this.#pullWaits = new Waits(options.world);
    this.#offers = new OfferedLanes({
      ...options,
      answerer: () => this.#answerer,
      post: (event) => this.post(event),
    });
  }

  start(): void {
    this.#beat();
    this.post({ type: 'start' });
  }

  /** As by SIGKILL: what is not committed is gone. */
  stop(): void {
    this.#stopped = true;
    this.#liveWaits.end();
    this.#pullWaits.end();
    this.#offers.stop();
  }

  /** Messages that wait because a live lane does not take them. */
  get waiting(): number {
    return [...this.#writers.values()].reduce((sum, writer) => sum + writer.waiting, 0);
  }

  /** Updates are born here, in one commit. */
  commit(count: number, bytes: number, program: ProgramDigest | null): void {
    for (let i = 0; i < count; i++) this.replica.bear(bytes, program);
    this.#commitSoon();
  }

  /** A peer dialled a live lane. */
  acceptLive(
    peer: FabId,
    connect: (handlers: StreamHandlers<IncomingLaneMessage>) => Stream<PeerStatus>,
  ): void {
    const lane = this.#nextLane++;
    const stream = connect({
      message: (message) => this.#liveMessage(lane, message),
      writable: () => this.post({ type: 'inbound-writable', lane }),
      down: (error) => {
        this.#answers.delete(lane);
        this.post({ type: 'inbound-down', lane, error });
      },
    });
    this.#answers.set(lane, stream);
    this.post({ type: 'inbound-up', peer, lane });
  }

  /** A peer dialled a catch-up lane: its requests are answered one by one, as fast as the lane takes the answers. */
  acceptPull(peer: FabId, connect: (handlers: StreamHandlers<PullRequest>) => Stream<LaneMessage>): void {
    const answers = new PullAnswers(this.#answerer, (message) => stream.send(message));
    const stream = connect({
      message: (request) => {
        const refusal = this.mesh.refusal(peer, 'catch-up');
        if (refusal) stream.close(refusal);
        else answers.request(request);
      },
      writable: () => answers.writable(),
      down: () => {},
    });
  }

  /** A peer dialled a catch-up lane in reverse. */
  acceptOffer(
    peer: FabId,
    connect: (handlers: StreamHandlers<IncomingLaneMessage>) => Stream<PullRequest>,
  ): void {
    const lane = this.#nextLane++;
    this.#pulls.set(lane, connect(this.#pullHandlers(lane)));
    this.post({ type: 'offered', peer, lane });
  }

  /** Tells the mesh; events that effects cause are stepped after the effects, never within. */
  post(event: MeshEvent): void {
    if (this.#stopped) return;
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      this.steps++;
      this.#options.laws.before(this, next);
      for (const effect of this.mesh.step(next)) {
        this.#options.laws.effect(this, effect);
        this.performed.set(effect.type, (this.performed.get(effect.type) ?? 0) + 1);
        (this.#performers[effect.type] as (effect: MeshEffect) => void)(effect);
      }
    }
    this.#stepping = false;
  }

  /** The disk is known to be full, or to have room again; as the product's storage watch tells it. */
  tellStorage(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    this.post({ type: 'storage', full });
  }

  #commitSoon(): void {
    if (this.#commitSet) return;
    this.#commitSet = true;
    this.#options.world.after('group-commit', this.#options.commitMs, () => {
      this.#commitSet = false;
      if (this.#stopped) return;
      if (this.replica.diskFull) this.tellStorage(true);
      for (const event of this.replica.commit()) this.post(event);
    });
  }

  #liveMessage(lane: LaneId, message: IncomingLaneMessage): void {
    if (message.type === 'update') this.post({ type: 'inbound-update', lane, update: message.update });
    else if (message.type === 'announcement') {
      this.post({ type: 'inbound-announcement', lane, announcement: message.announcement });
    } else if (message.type === 'program') this.#receiveProgram(message.digest);
    else if (message.type === 'refused') this.post({ type: 'inbound-refused', lane, error: message.error });
    else throw new WafersyncError('invalid', `a live lane carries no ${message.type}`);
  }

  #pullMessage(lane: LaneId, message: IncomingLaneMessage): void {
    if (message.type === 'update') this.post({ type: 'pull-update', lane, update: message.update });
    else if (message.type === 'pull-end') this.post({ type: 'pull-end', lane, end: message.end });
    else if (message.type === 'program') this.#receiveProgram(message.digest);
    else if (message.type === 'announcement') throw new WafersyncError('invalid', 'not on a catch-up lane');
  }

  #receiveProgram(digest: ProgramDigest): void {
    this.replica.receiveProgram(digest);
    this.#commitSoon();
  }

  #sendProgram(lane: LaneId, digest: ProgramDigest): void {
    this.#writers.get(lane)?.send(() => {
      return this.replica.hasProgram(digest) ? { type: 'program', digest, body: new Uint8Array() } : null;
    });
  }

  #dialLive(peer: FabId): void {
    const lane = this.#nextLane++;
    this.post({ type: 'outbound-dialled', peer, lane });
    const nowUs = () => Math.round(this.#options.world.nowMs() * 1000);
    const stream = this.#options.transport.dialLive(peer, {
      message: (status) => this.post({ type: 'outbound-status', lane, status, nowUs: nowUs() }),
      writable: () => this.#writers.get(lane)?.resume(),
      down: (error) => {
        this.#writers.delete(lane);
        this.post({ type: 'outbound-down', lane, error });
      },
    });
    const blocked = () => this.post({ type: 'outbound-blocked', lane });
    const writable = () => this.post({ type: 'outbound-writable', lane });
    this.#writers.set(lane, new LaneWriter(stream, { blocked, writable }));
  }

  #dialPull(peer: FabId): void {
    const lane = this.#nextLane++;
    this.#pulls.set(lane, this.#options.transport.dialPull(peer, this.#pullHandlers(lane)));
    this.post({ type: 'pull-dialled', peer, lane });
  }

  #pullHandlers(lane: LaneId): StreamHandlers<IncomingLaneMessage> {
    return {
      message: (message) => this.#pullMessage(lane, message),
      writable: () => {},
      down: (error) => {
        this.#pulls.delete(lane);
        this.post({ type: 'pull-down', lane, error });
      },
    };
  }

  #close(lane: LaneId, error: WafersyncError): void {
    this.#writers.get(lane)?.stream.close(error);
    this.#answers.get(lane)?.close(error);
    this.#pulls.get(lane)?.close(error);
  }

  #beat(): void {
    const { world, heartbeatMs } = this.#options;
    world.after('heartbeat', heartbeatMs, () => {
      if (this.#stopped) return;
      this.post({ type: 'heartbeat', nowUs: Math.round(world.nowMs() * 1000) });
      this.#beat();
    });
  }
}
