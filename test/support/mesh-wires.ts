import type { FabId } from '../../src/clocks/dot.ts';
import type { LaneMessage, PeerStatus, PullRequest } from '../../src/sync/messages.ts';
import type { Stream, StreamHandlers, Transport } from '../../src/sync/transport/transport.ts';
import type { MeshFaults } from './mesh-faults.ts';
import type { MeshNode } from './mesh-node.ts';
import { Connection } from './mesh-stream.ts';
import type { VirtualTime } from './mesh-time.ts';
import type { Traffic } from './mesh-traffic.ts';

/** A stream of the network: who dialled whom. */
interface Wire {
  readonly from: FabId;
  readonly to: FabId;
  readonly connection: {
    readonly up: { stall(stalled: boolean): void };
    readonly down: { stall(stalled: boolean): void };
    readonly alive: boolean;
    lose(reason: string, noticeMs: () => number): void;
  };
}

/** What wires are made of. */
export interface MeshWiresOptions {
  readonly time: VirtualTime;
  readonly faults: MeshFaults;
  readonly traffic: Traffic;
  /** One way, for each message anew. */
  readonly delayMs: () => number;
  /** Until a side notices that its stream is gone. */
  readonly noticeMs: () => number;
  readonly node: (fab: FabId) => MeshNode | undefined;
}

/** The streams of a model network. */
export class MeshWires {
  readonly #options: MeshWiresOptions;
  #wires: Wire[] = [];

  constructor(options: MeshWiresOptions) {
    this.#options = options;
  }

  /** How one node dials the others. */
  transportOf(from: FabId): Omit<Transport, 'close'> {
    return {
      dialLive: (to, handlers) => {
        const { time, faults, traffic, delayMs } = this.#options;
        const heard = (status: PeerStatus) => handlers.message(faults.status(to, status));
        const connection = new Connection<LaneMessage, PeerStatus>(time, delayMs, {
          ...handlers,
          message: heard,
        });
        this.#connect({ from, to, connection }, (node) => {
          node.acceptLive(from, (answerer) => {
            const message = (sent: LaneMessage) => {
              const arrived = faults.live(from, to, sent);
              if (arrived) answerer.message(arrived);
            };
            return traffic.watch(connection.accept({ ...answerer, message }), 'status', to, from);
          });
        });
        return traffic.watch(connection.diallerEnd(), 'live', from, to);
      },
      dialOffer: (to, handlers) => {
        const { time, traffic, delayMs } = this.#options;
        const connection = new Connection<LaneMessage, PullRequest>(time, delayMs, handlers);
        this.#connect({ from, to, connection }, (node) => {
          node.acceptOffer(from, (answerer) => {
            return traffic.watch(connection.accept(answerer), 'request', to, from);
          });
        });
        return traffic.watch(connection.diallerEnd(), 'answer', from, to);
      },
      dialPull: (to, handlers) => {
        const { time, faults, traffic, delayMs } = this.#options;
        const heard = (message: LaneMessage) => handlers.message(faults.answer(to, message));
        const connection = new Connection<PullRequest, LaneMessage>(time, delayMs, {
          ...handlers,
          message: heard,
        });
        this.#connect({ from, to, connection }, (node) => {
          const connect = (answerer: StreamHandlers<PullRequest>): Stream<LaneMessage> =>
            traffic.watch(connection.accept(answerer), 'answer', to, from);
          node.acceptPull(from, connect);
        });
        return traffic.watch(connection.diallerEnd(), 'request', from, to);
      },
    };
  }

  /** Loses the streams that pass. */
  lose(reason: string, pass: (wire: { readonly from: string; readonly to: string }) => boolean): void {
    for (const wire of this.#alive()) if (pass(wire)) wire.connection.lose(reason, this.#options.noticeMs);
  }

  /** Loses one stream; which, is chosen by `pick` in [0, 1). */
  loseOne(pick: number): void {
    const alive = this.#alive();
    alive[Math.floor(pick * alive.length)]?.connection.lose('the stream was reset', this.#options.noticeMs);
  }

  /** Stalls and wakes all streams as the faults say. */
  applyStalls(): void {
    for (const wire of this.#alive()) this.#applyStalls(wire);
  }

  #connect(wire: Wire, accept: (node: MeshNode) => void): void {
    const { time, faults, delayMs, node } = this.#options;
    this.#wires = [...this.#alive(), wire];
    this.#applyStalls(wire);
    const target = node(wire.to);
    time.after(delayMs(), () => {
      if (!wire.connection.alive) return;
      const there = faults.reaches(wire.from, wire.to) && target !== undefined && node(wire.to) === target;
      if (there) accept(target);
      else wire.connection.lose(`cannot reach ${wire.to}`, () => 1);
    });
  }

  #applyStalls({ from, to, connection }: Wire): void {
    connection.up.stall(this.#options.faults.stalled(from, to));
    connection.down.stall(this.#options.faults.stalled(to, from));
  }

  #alive(): Wire[] {
    return this.#wires.filter(({ connection }) => connection.alive);
  }
}
