import { type FabId, formatDot } from '../../src/clocks/dot.ts';
import type { LaneMessage, PeerStatus, PullRequest } from '../../src/sync/messages.ts';
import type { Stream } from '../../src/sync/transport/transport.ts';

/** A message as it was sent. */
export interface Sent {
  readonly from: FabId;
  readonly to: FabId;
  readonly kind: 'live' | 'status' | 'request' | 'answer';
  readonly message: LaneMessage | PeerStatus | PullRequest;
}

/** Counts what goes over the streams of a model network. */
export class Traffic {
  #sent: Sent[] = [];

  /** Messages since the last `forget`. */
  get messages(): readonly Sent[] {
    return this.#sent;
  }

  forget(): void {
    this.#sent = [];
  }

  /** Dots of the updates pushed from one to the other, in order. */
  pushed(from: string, to: string): string[] {
    return this.#updates('live', from, to);
  }

  /** Dots of the updates that `to` pulled from `from`, in order. */
  pulled(from: string, to: string): string[] {
    return this.#updates('answer', from, to);
  }

  /** How many messages of a kind were sent. */
  count(kind: Sent['kind']): number {
    return this.#sent.filter((sent) => sent.kind === kind).length;
  }

  /** A stream whose messages are counted. */
  watch<T extends Sent['message']>(stream: Stream<T>, kind: Sent['kind'], from: FabId, to: FabId): Stream<T> {
    return {
      send: (message) => {
        this.#sent.push({ from, to, kind, message });
        return stream.send(message);
      },
      close: (error) => stream.close(error),
    };
  }

  #updates(kind: Sent['kind'], from: string, to: string): string[] {
    return this.#sent.flatMap((sent) => {
      if (sent.kind !== kind || sent.from !== from || sent.to !== to) return [];
      const message = sent.message as LaneMessage;
      return message.type === 'update' ? [formatDot(message.update.header.dot)] : [];
    });
  }
}
