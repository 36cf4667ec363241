import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { World } from '../world.ts';
import type { MeshEvent } from './events.ts';
import type { LaneMessage } from './messages.ts';
import { type Answerer, PullAnswers } from './pull-server.ts';
import type { Stream, Transport } from './transport/transport.ts';
import { Waits } from './waits.ts';

/** What they are made of. */
export interface OfferedLanesOptions {
  /** Makes what answers the requests of one lane. */
  readonly answerer: () => Answerer;
  readonly transport: Pick<Transport, 'dialOffer'>;
  readonly world: World;
  readonly post: (event: MeshEvent) => void;
}

/** The catch-up lanes in reverse that this node dials, one a peer: what the peer asks on them is answered. */
export class OfferedLanes {
  readonly #options: OfferedLanesOptions;
  readonly #waits: Waits;
  readonly #streams = new Map<FabId, Stream<LaneMessage>>();

  constructor(options: OfferedLanesOptions) {
    this.#options = options;
    this.#waits = new Waits(options.world);
  }

  /** Says that an offer is due, after a while. */
  after(peer: FabId, afterMs: number): void {
    this.#waits.after(peer, afterMs, () => this.#options.post({ type: 'offer-due', peer }));
  }

  dial(peer: FabId): void {
    const { answerer, transport, post } = this.#options;
    const answers = new PullAnswers(answerer(), (message) => stream.send(message));
    const stream = transport.dialOffer(peer, {
      message: (request) => answers.request(request),
      writable: () => answers.writable(),
      down: (error) => {
        this.#streams.delete(peer);
        post({ type: 'offer-down', peer, error });
      },
    });
    this.#streams.set(peer, stream);
  }

  end(peer: FabId, error: WafersyncError): void {
    this.#waits.cancel(peer);
    this.#streams.get(peer)?.close(error);
  }

  /** Ends all. */
  stop(): void {
    this.#waits.end();
    for (const stream of this.#streams.values()) {
      stream.close(new WafersyncError('unavailable', 'the node is stopping'));
    }
  }
}
