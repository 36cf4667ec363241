import { type FabId, formatDot, type Origin, sequence } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { LaneMessage, PeerStatus } from '../../src/sync/messages.ts';
import type { IncomingLaneMessage } from '../../src/sync/transport/transport.ts';

/** What is wrong with the links of a model network, and what it does to their messages. */
export class MeshFaults {
  /** Directions in which nothing can be dialled, as `from>to`. */
  readonly #cuts = new Set<string>();
  /** Directions in which nothing is read. */
  readonly #stalls = new Set<string>();
  /** Live updates still to be damaged on their way. */
  readonly #damage = new Map<string, number>();
  /** Live lanes that lose programs. */
  readonly #programless = new Set<string>();
  /** Copies that are damaged where they are kept, as `fab dot`. */
  readonly #rotten = new Set<string>();
  /** Other protocol versions that nodes say they speak. */
  readonly #protocols = new Map<string, number>();

  cutDial(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(a: string, b: string): void {
    this.#cuts.delete(`${a}>${b}`);
    this.#cuts.delete(`${b}>${a}`);
  }

  stall(from: string, to: string, stalled: boolean): void {
    if (stalled) this.#stalls.add(`${from}>${to}`);
    else this.#stalls.delete(`${from}>${to}`);
  }

  /** Heals all links; what is damaged stays so. */
  healAll(): void {
    this.#cuts.clear();
    this.#stalls.clear();
  }

  reaches(from: string, to: string): boolean {
    return !this.#cuts.has(`${from}>${to}`);
  }

  stalled(from: string, to: string): boolean {
    return this.#stalls.has(`${from}>${to}`);
  }

  /** Damages the next `count` live updates from one to the other. */
  damageNext(from: string, to: string, count = 1): void {
    this.#damage.set(`${from}>${to}`, count);
  }

  /** A fab's kept copies of an origin's updates are damaged. */
  rot(fab: string, origin: Origin, sequences: readonly number[]): void {
    for (const n of sequences) this.#rotten.add(`${fab} ${formatDot({ ...origin, sequence: sequence(n) })}`);
  }

  /** Programs on the live lane from one to the other never arrive. */
  losePrograms(from: string, to: string): void {
    this.#programless.add(`${from}>${to}`);
  }

  /** A node says that it speaks another version of the protocol. */
  speakProtocol(fab: string, version: number): void {
    this.#protocols.set(fab, version);
  }

  /** A message of a live lane as it arrives; null if it does not. */
  live(from: FabId, to: FabId, message: LaneMessage): IncomingLaneMessage | null {
    const key = `${from}>${to}`;
    if (message.type === 'program' && this.#programless.has(key)) return null;
    const damaged = this.#damage.get(key) ?? 0;
    if (message.type !== 'update' || damaged === 0) return message;
    this.#damage.set(key, damaged - 1);
    return refused();
  }

  /** A message of a catch-up lane as it arrives. */
  answer(by: FabId, message: LaneMessage): IncomingLaneMessage {
    if (message.type !== 'update') return message;
    return this.#rotten.has(`${by} ${formatDot(message.update.header.dot)}`) ? refused() : message;
  }

  /** A status as it arrives. */
  status(by: FabId, status: PeerStatus): PeerStatus {
    const protocol = this.#protocols.get(by);
    return status.hello && protocol ? { ...status, hello: { ...status.hello, protocol } } : status;
  }
}

function refused(): IncomingLaneMessage {
  return { type: 'refused', error: new WafersyncError('damaged', 'the digest does not match') };
}
