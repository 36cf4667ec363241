import type { FabId } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { PeerStatus, PullRequest } from '../../src/sync/messages.ts';
import {
  fromPullRequest,
  fromSyncStatus,
  fromWaferUpdate,
  toPullRequest,
  toSyncStatus,
  toWaferUpdate,
} from '../../src/sync/transport/lane-codec.ts';
import type {
  IncomingLaneMessage,
  Stream,
  StreamHandlers,
  Transport,
} from '../../src/sync/transport/transport.ts';
import { dataSync } from '../../src/wire/services.ts';
import { Connection } from '../support/mesh-stream.ts';
import type { VirtualTime } from '../support/mesh-time.ts';
import type { Dice } from './dice.ts';
import { type Roads, type Tampering, tamper } from './roads.ts';

type LaneMessage = Parameters<typeof toWaferUpdate>[0];

/** What a node answers when it is dialled. */
export interface Answering {
  acceptLive(
    peer: FabId,
    connect: (handlers: StreamHandlers<IncomingLaneMessage>) => Stream<PeerStatus>,
  ): void;
  acceptPull(connect: (handlers: StreamHandlers<PullRequest>) => Stream<LaneMessage>): void;
  acceptOffer(
    peer: FabId,
    connect: (handlers: StreamHandlers<IncomingLaneMessage>) => Stream<PullRequest>,
  ): void;
  nowMs(): number;
  /** A message as the node's version understands it. */
  read(message: IncomingLaneMessage): IncomingLaneMessage;
  /** Whether its version knows what purges leave. */
  readonly takesStubs: boolean;
}

/** What a network is made of. */
export interface NetworkOptions {
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly roads: Roads;
  /** Whoever answers for a fab now; undefined while nobody does. */
  readonly node: (fab: FabId) => Answering | undefined;
  /** Told of what a stream's owner threw. */
  readonly threw: (error: WafersyncError) => void;
}

/** The process that dials. */
export interface Dialling {
  readonly fab: FabId;
  /** A message as its version understands it. */
  read(message: IncomingLaneMessage): IncomingLaneMessage;
  /** Whether its version knows what purges leave. */
  readonly takesStubs: boolean;
}

interface Wire {
  readonly dialler: Dialling;
  readonly from: FabId;
  readonly to: FabId;
  readonly connection: Connection<Buffer, Buffer>;
}

const { SyncWaferData, PullWaferData, OfferWaferData } = dataSync.methods;

/** The streams between simulated nodes: bytes, as gRPC carries them, over roads of which each has its faults. */
export class SimNetwork {
  readonly #options: NetworkOptions;
  #wires: Wire[] = [];
  /** Who answers each. */
  readonly #answerers = new WeakMap<object, Answering>();
  /** Messages delivered so far. */
  delivered = 0;
  /** Of those, what was no answer to a heartbeat: updates, programs, requests and their ends. */
  carried = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** How the process of one fab dials the others. */
  transportOf(dialler: Dialling): Transport {
    const { fab: from } = dialler;
    return {
      dialLive: (to, handlers) => {
        const connection = this.#connect(from, to, {
          ...handlers,
          message: (bytes) => handlers.message(fromSyncStatus(SyncWaferData.responseDeserialize(bytes))),
        });
        this.#answered({ dialler, from, to, connection }, (node) =>
          node.acceptLive(from, (answerer) => {
            const stream = this.#accept({ dialler, from, to, connection }, answerer, (bytes) =>
              answerer.message(node.read(this.#laneMessage(SyncWaferData.requestDeserialize(bytes)))),
            );
            return through(stream, (status: PeerStatus) =>
              SyncWaferData.responseSerialize(toSyncStatus(status, node.nowMs() * 1000)),
            );
          }),
        );
        return through(connection.diallerEnd(), (message: LaneMessage) =>
          SyncWaferData.requestSerialize(toWaferUpdate(message)),
        );
      },
      dialPull: (to, handlers) => {
        const connection = this.#connect(from, to, {
          ...handlers,
          message: (bytes) =>
            handlers.message(dialler.read(this.#laneMessage(PullWaferData.responseDeserialize(bytes)))),
        });
        this.#answered({ dialler, from, to, connection }, (node) =>
          node.acceptPull((answerer) => {
            const stream = this.#accept({ dialler, from, to, connection }, answerer, (bytes) => {
              this.carried++;
              answerer.message(fromPullRequest(PullWaferData.requestDeserialize(bytes)));
            });
            return through(stream, (message: LaneMessage) =>
              PullWaferData.responseSerialize(toWaferUpdate(message)),
            );
          }),
        );
        return through(connection.diallerEnd(), (request: PullRequest) =>
          PullWaferData.requestSerialize(toPullRequest(asVersionOf(dialler, request))),
        );
      },
      dialOffer: (to, handlers) => {
        const connection = this.#connect(from, to, {
          ...handlers,
          message: (bytes) => {
            this.carried++;
            handlers.message(fromPullRequest(OfferWaferData.responseDeserialize(bytes)));
          },
        });
        this.#answered({ dialler, from, to, connection }, (node) =>
          node.acceptOffer(from, (answerer) => {
            const stream = this.#accept({ dialler, from, to, connection }, answerer, (bytes) =>
              answerer.message(node.read(this.#laneMessage(OfferWaferData.requestDeserialize(bytes)))),
            );
            return through(stream, (request: PullRequest) =>
              OfferWaferData.responseSerialize(toPullRequest(asVersionOf(node, request))),
            );
          }),
        );
        return through(connection.diallerEnd(), (message: LaneMessage) =>
          OfferWaferData.requestSerialize(toWaferUpdate(message)),
        );
      },
      close: () => {},
    };
  }

  /** Streams of two fabs are lost, each side noticing after a while. */
  lose(reason: string, pass: (wire: { readonly from: FabId; readonly to: FabId }) => boolean): number {
    const lost = this.#alive().filter(pass);
    for (const { connection } of lost) {
      connection.lose(reason, () => this.#options.dice.between(1, 400));
    }
    return lost.length;
  }

  /** One stream dies. */
  loseOne(): number {
    const alive = this.#alive();
    if (alive.length === 0) return 0;
    const chosen = this.#options.dice.pick(alive);
    return this.lose('the stream was reset', (wire) => wire === chosen);
  }

  /** A process is gone. What it had sent may still arrive. */
  fall(process: Dialling & Answering): void {
    const { dice } = this.#options;
    for (const { dialler, connection } of this.#wires) {
      const side = dialler === process ? 'dialler' : 'answerer';
      if (side === 'answerer' && this.#answerers.get(connection) !== process) continue;
      connection.fall(side, 'the node is down', () => dice.between(1, 400));
    }
  }

  /** Streams stall and go on as the roads now are. */
  applyStalls(): void {
    for (const wire of this.#alive()) this.#applyStalls(wire);
  }

  #connect(from: FabId, to: FabId, handlers: StreamHandlers<Buffer>): Connection<Buffer, Buffer> {
    const { time, roads } = this.#options;
    const dialler = { ...handlers, message: this.#deliverer(to, from, handlers.message) };
    return new Connection<Buffer, Buffer>(
      time,
      (bytes) => roads.delayMs(from, to, bytes.length),
      dialler,
      (bytes) => roads.delayMs(to, from, bytes.length),
    );
  }

  #accept(
    { from, to, connection }: Wire,
    handlers: Pick<StreamHandlers<never>, 'writable' | 'down'>,
    message: (bytes: Buffer) => void,
  ): Stream<Buffer> {
    return connection.accept({
      message: this.#deliverer(from, to, message),
      writable: () => handlers.writable(),
      down: (error) => handlers.down(error),
    });
  }

  /** Hands bytes on as the road from one fab to the other leaves them. */
  #deliverer(from: FabId, to: FabId, handle: (bytes: Buffer) => void): (bytes: Buffer) => void {
    const memory: Tampering = { held: null, passed: [] };
    return (bytes) => {
      for (const arrived of tamper(this.#options.roads.road(from, to), bytes, memory, this.#options.dice)) {
        this.delivered++;
        try {
          handle(arrived);
        } catch (thrown) {
          this.#options.threw(WafersyncError.from(thrown, 'invalid'));
          throw thrown;
        }
      }
    };
  }

  #laneMessage(message: Parameters<typeof fromWaferUpdate>[0]): IncomingLaneMessage {
    const lane = fromWaferUpdate(message);
    if (lane.type !== 'announcement') this.carried++;
    return lane;
  }

  #answered(wire: Wire, accept: (node: Answering) => void): void {
    const { time, roads, node } = this.#options;
    this.#wires = [...this.#wires.filter(({ connection }) => connection.attached), wire];
    const target = node(wire.to);
    time.after(roads.delayMs(wire.from, wire.to, 100), () => {
      if (!wire.connection.alive) return;
      const there = target !== undefined && node(wire.to) === target && roads.joined(wire.from, wire.to);
      if (!there) wire.connection.lose(`cannot reach ${wire.to}`, () => 1);
      else {
        this.#applyStalls(wire);
        this.#answerers.set(wire.connection, target);
        accept(target);
      }
    });
  }

  #applyStalls({ from, to, connection }: Wire): void {
    const { roads } = this.#options;
    connection.up.stall(roads.stalled(from, to));
    connection.down.stall(roads.stalled(to, from));
  }

  #alive(): Wire[] {
    return this.#wires.filter(({ connection }) => connection.alive);
  }
}

/** A stream of domain messages over a stream of bytes. */
function through<T>(stream: Stream<Buffer>, encode: (message: T) => Buffer): Stream<T> {
  return { send: (message) => stream.send(encode(message)), close: (error) => stream.close(error) };
}

/** A request as the version of who asks makes it: an older one does not say what it has applied. */
function asVersionOf({ takesStubs }: Pick<Answering, 'takesStubs'>, request: PullRequest): PullRequest {
  const { applied, ...rest } = request;
  return takesStubs && applied ? { ...rest, applied } : rest;
}
