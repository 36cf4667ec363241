import type { Dot, FabId, Origin } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { LaneId } from './events.ts';
import type { PullEnd, PullRequest } from './messages.ts';
import { OpenRequest } from './open-request.ts';

/** Bounds of catching up. */
export interface CatchUpBounds {
  /** Bytes of one answer. */
  readonly chunkBytes: number;
  /** Updates asked for at once. */
  readonly chunkUpdates: number;
  /** Requests under way on one lane, so that the next answer is on its way while this one is stored. */
  readonly requestsPerLane: number;
  /** Bytes received and not yet stored, over all lanes; no new request is made above it. */
  readonly pendingBytes: number;
}

/** A catch-up lane that is up. */
interface PullLane {
  readonly id: LaneId;
  readonly peer: FabId;
  readonly requests: Map<number, OpenRequest>;
  /** What the peer says that it has, and did not give. */
  lacks: TransportVector;
  readonly lacksPrograms: Set<ProgramDigest>;
}

/** A request to be sent. */
export interface PlannedPull {
  readonly lane: LaneId;
  readonly request: PullRequest;
}

/**
 * Plans who is asked for what is missing: newest first, every gap from one peer at a time, from several peers at once.
 *
 * Invariants: no update and no program is in two open requests; a lane has at most requestsPerLane.
 */
export class CatchUp {
  readonly #bounds: CatchUpBounds;
  readonly #lanes = new Map<LaneId, PullLane>();
  /** Programs that came and wait to be stored. */
  readonly #pendingPrograms = new Set<ProgramDigest>();
  #nextRequest = 1;

  constructor(bounds: CatchUpBounds) {
    this.#bounds = bounds;
  }

  /** An id that no other request of this node has. */
  readonly nextRequest = (): number => this.#nextRequest++;

  opened(id: LaneId, peer: FabId): void {
    this.#lanes.set(id, {
      id,
      peer,
      requests: new Map(),
      lacks: TransportVector.empty,
      lacksPrograms: new Set(),
    });
  }

  /** Ends a lane; what it was asked for is missing again. Tells whose lane it was. */
  closed(id: LaneId): FabId | null {
    const peer = this.peerOf(id);
    this.#lanes.delete(id);
    return peer;
  }

  /** The lanes that are up. */
  lanes(): readonly { readonly id: LaneId; readonly peer: FabId }[] {
    return [...this.#lanes.values()];
  }

  laneOf(peer: FabId): LaneId | null {
    return this.lanesOf(peer)[0] ?? null;
  }

  /** Lanes to a peer: the one that was dialled, and one that it offered. */
  lanesOf(peer: FabId): LaneId[] {
    return this.lanes().flatMap((lane) => (lane.peer === peer ? [lane.id] : []));
  }

  peerOf(id: LaneId): FabId | null {
    return this.#lanes.get(id)?.peer ?? null;
  }

  /** An update came: it is no longer asked for. Tells whether it was. */
  arrived(id: LaneId, dot: Dot): boolean {
    const requests = [...(this.#lanes.get(id)?.requests.values() ?? [])];
    return requests.some((request) => request.take(dot));
  }

  /** An answer ended. What it did not bring is missing again; what it passed over, the peer lacks. */
  ended(id: LaneId, end: PullEnd): void {
    const lane = this.#lanes.get(id);
    const request = lane?.requests.get(end.id);
    if (!lane || !request) return;
    lane.requests.delete(end.id);
    lane.lacks = lane.lacks.join(end.unavailable).join(request.passedOver(end.unavailable));
    for (const digest of request.programs) this.#pendingPrograms.add(digest);
    for (const digest of end.missingPrograms) {
      lane.lacksPrograms.add(digest);
      this.#pendingPrograms.delete(digest);
    }
  }

  /** A commit: the programs that had come are stored, or are missing again. With a new purge peers may give stubs that it names. */
  committed(hasPurge: boolean): void {
    this.#pendingPrograms.clear();
    if (hasPurge) this.retry();
  }

  /** A new report of a peer: what it says itself that it has not, it may give once it says that it has it. */
  reported(peer: FabId, received: TransportVector): void {
    for (const lane of this.#lanes.values()) {
      if (lane.peer !== peer) continue;
      lane.lacks = lane.lacks.intersection(received);
      lane.lacksPrograms.clear();
    }
  }

  /** Now and then: what a peer did not give, it may give now. */
  retry(): void {
    for (const lane of this.#lanes.values()) {
      lane.lacks = TransportVector.empty;
      lane.lacksPrograms.clear();
    }
  }

  /** Whether a lane to the peer would have something to do. */
  wouldUse(ripe: TransportVector, peerHas: TransportVector, programs: readonly ProgramDigest[]): boolean {
    return !this.#unasked(ripe).intersection(peerHas).isEmpty || this.#unaskedPrograms(programs).length > 0;
  }

  /**
   * Requests to make now.
   * @param ripe what is missing, and not waiting to be stored
   * @param has what each peer has
   */
  plan(
    ripe: TransportVector,
    has: (peer: FabId) => TransportVector,
    programs: readonly ProgramDigest[],
    pendingBytes: number,
  ): PlannedPull[] {
    const planned: PlannedPull[] = [];
    if (pendingBytes >= this.#bounds.pendingBytes) return planned;
    const lanes = [...this.#lanes.values()].sort((a, b) => a.requests.size - b.requests.size);
    for (const lane of lanes) {
      while (lane.requests.size < this.#bounds.requestsPerLane) {
        const available = this.#unasked(ripe).intersection(has(lane.peer)).difference(lane.lacks);
        const wanted = newest(available, this.#bounds.chunkUpdates);
        const digests = this.#unaskedPrograms(programs).filter((digest) => !lane.lacksPrograms.has(digest));
        if (wanted.isEmpty && digests.length === 0) break;
        const id = this.nextRequest();
        lane.requests.set(id, new OpenRequest(wanted, digests));
        const request = { id, wanted, programs: digests, maxBytes: this.#bounds.chunkBytes };
        planned.push({ lane: lane.id, request });
      }
    }
    return planned;
  }

  *#open(): Generator<OpenRequest> {
    for (const lane of this.#lanes.values()) yield* lane.requests.values();
  }

  #unaskedPrograms(programs: readonly ProgramDigest[]): ProgramDigest[] {
    const asked = new Set([...this.#open()].flatMap((request) => request.programs));
    return programs.filter((digest) => !asked.has(digest) && !this.#pendingPrograms.has(digest));
  }

  #unasked(ripe: TransportVector): TransportVector {
    let rest = ripe;
    for (const { wanted } of this.#open()) rest = rest.difference(wanted);
    return rest;
  }
}

/** About `count` updates, the newest of every origin alike. */
function newest(vector: TransportVector, count: number): TransportVector {
  const entries = vector.entries();
  const share = Math.max(1, Math.floor(count / Math.max(1, entries.length)));
  return TransportVector.of(
    entries.map(([origin, set]): [Origin, typeof set] => [origin, set.newest(share)]),
  );
}
