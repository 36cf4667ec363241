import type { FabId } from '../clocks/dot.ts';
import type { WafersyncError } from '../errors.ts';
import { EventSource } from '../replica/event-source.ts';
import type { World } from '../world.ts';
import { type Rate, Throughput } from './throughput.ts';

/** The ways between this node and a peer: updates go *to* it, or come *from* it. */
export const LANE_KINDS = [
  'live-to',
  'live-from',
  'catch-up-from',
  'catch-up-to',
  'offered-from',
  'offered-to',
] as const;

/** One of {@link LANE_KINDS}. */
export type LaneKind = (typeof LANE_KINDS)[number];

/** What is known of the lanes of one kind to one peer. */
export interface LaneView {
  readonly kind: LaneKind;
  readonly up: boolean;
  /** Since when it is up, or down, ms since 1970; of one that was never up, since the start. */
  readonly sinceMs: number;
  /** Whether one was up since the start. */
  readonly wasUp: boolean;
  /** Updates carried since the start, and their bytes. */
  readonly updates: number;
  readonly bytes: number;
}

/** Why a lane failed. */
export interface LaneFailure {
  readonly kind: LaneKind;
  readonly error: WafersyncError;
  /** When, ms since 1970. */
  readonly atMs: number;
}

/** What went between this node and a peer. */
export interface TrafficView {
  /** In the order of {@link LANE_KINDS}. */
  readonly lanes: readonly LaneView[];
  /** The latest; null before one. */
  readonly failure: LaneFailure | null;
  readonly sent: Rate;
  readonly received: Rate;
}

/** One stream, as it is counted. */
export interface CountedLane {
  /** It is up; said again it changes nothing. */
  up(): void;
  /** It carried an update of some bytes. */
  carried(bytes: number): void;
  /** It is over. @param error why; null where it ended well */
  down(error: WafersyncError | null): void;
}

interface Lane {
  /** Streams that are up; a peer that dials again may have two for a moment. */
  open: number;
  sinceMs: number;
  wasUp: boolean;
  updates: number;
  bytes: number;
}

interface Counters {
  readonly lanes: ReadonlyMap<LaneKind, Lane>;
  failure: LaneFailure | null;
  readonly sent: Throughput;
  readonly received: Throughput;
}

/** Counts what goes between this node and its peers, lane by lane, since the start. */
export class PeerTraffic {
  readonly #world: Pick<World, 'nowMs' | 'steadyMs'>;
  readonly #startedMs: number;
  readonly #startedSteadyMs: number;
  readonly #peers = new Map<FabId, Counters>();
  /** Told when a lane has come up or gone down, or failed for another reason than before. */
  readonly changes = new EventSource<void>();

  constructor(world: Pick<World, 'nowMs' | 'steadyMs'>) {
    this.#world = world;
    this.#startedMs = world.nowMs();
    this.#startedSteadyMs = world.steadyMs();
  }

  /** A stream begins; it is up once it says so. */
  lane(peer: FabId, kind: LaneKind): CountedLane {
    const counters = this.#of(peer);
    const lane = counters.lanes.get(kind)!;
    const rate = kind.endsWith('-to') ? counters.sent : counters.received;
    let state: 'begun' | 'up' | 'over' = 'begun';
    return {
      up: () => {
        if (state !== 'begun') return;
        state = 'up';
        if (lane.open++ === 0) lane.sinceMs = this.#world.nowMs();
        lane.wasUp = true;
        this.changes.emit();
      },
      carried: (bytes) => {
        lane.updates++;
        lane.bytes += bytes;
        rate.count(bytes, this.#world.steadyMs());
      },
      down: (error) => {
        if (state === 'over') return;
        const before = counters.failure;
        if (state === 'up' && --lane.open === 0) lane.sinceMs = this.#world.nowMs();
        if (error && isFailure(kind, error)) {
          counters.failure = { kind, error, atMs: this.#world.nowMs() };
        }
        const isNews = state === 'up' || reasonOf(before) !== reasonOf(counters.failure);
        state = 'over';
        if (isNews) this.changes.emit();
      },
    };
  }

  /** What went between this node and a peer. */
  of(peer: FabId): TrafficView {
    const { lanes, failure, sent, received } = this.#of(peer);
    const steadyMs = this.#world.steadyMs();
    return {
      lanes: [...lanes].map(([kind, { open, ...lane }]) => ({ kind, up: open > 0, ...lane })),
      failure,
      sent: sent.rate(steadyMs),
      received: received.rate(steadyMs),
    };
  }

  #of(peer: FabId): Counters {
    const known = this.#peers.get(peer);
    if (known) return known;
    const lane = (): Lane => ({ open: 0, sinceMs: this.#startedMs, wasUp: false, updates: 0, bytes: 0 });
    const counters = {
      lanes: new Map(LANE_KINDS.map((kind) => [kind, lane()])),
      failure: null,
      sent: new Throughput(this.#startedSteadyMs),
      received: new Throughput(this.#startedSteadyMs),
    };
    this.#peers.set(peer, counters);
    return counters;
  }
}

/** An offer that is taken back, since the peer dials again, has not failed. */
function isFailure(kind: LaneKind, { code }: WafersyncError): boolean {
  return code !== 'cancelled' || kind === 'live-to' || kind === 'live-from';
}

/** The library tells times and attempts in its reasons: numbers make no other reason. */
function reasonOf(failure: LaneFailure | null): string {
  return failure ? failure.error.line.replaceAll(/\d+/g, '') : '';
}
