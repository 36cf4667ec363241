import assert from 'node:assert/strict';
import { type FabId, formatDot, type OriginKey, originKey } from '../../src/clocks/dot.ts';
import type { TransportVector } from '../../src/clocks/transport-vector.ts';
import type { CatchUpBounds } from '../../src/sync/catch-up.ts';
import type { CommitEvent, LaneId, MeshEffect, MeshEvent } from '../../src/sync/events.ts';
import type { Window } from '../../src/sync/messages.ts';
import { appliedOf, type Report } from '../../src/sync/report.ts';
import { updateBytes } from '../../src/wafer/update.ts';
import type { MeshNode } from './mesh-node.ts';

/** Bounds that a model network keeps. */
export interface MeshBounds {
  readonly window: Window;
  readonly catchUp: CatchUpBounds;
  /** Size of the largest update. */
  readonly maxUpdateBytes: number;
}

/** What one node has under way, seen from outside. */
interface UnderWay {
  /** Dots that were stored. */
  readonly stored: Set<string>;
  /** Sizes of the updates that each lane has in flight. */
  readonly flights: Map<LaneId, { sizes: number[]; acknowledged: number }>;
  /** What each open request still waits for, lane by lane. */
  readonly requests: Map<LaneId, Map<number, TransportVector>>;
}

/** Checks each event and effect of a model network against what must always hold. */
export class MeshLaws {
  readonly #bounds: MeshBounds;
  readonly #underWay = new WeakMap<MeshNode, UnderWay>();
  /** What each node really applied, by the life of its database. */
  readonly #applied = new Map<OriginKey, TransportVector>();

  constructor(bounds: MeshBounds) {
    this.#bounds = bounds;
  }

  /** A node begins its life with a database. */
  raised(node: MeshNode): void {
    this.#applied.set(originKey(node.replica.origin), node.replica.applied);
  }

  /** Before the mesh is told. */
  before(node: MeshNode, event: MeshEvent): void {
    const { flights, requests } = this.#of(node);
    if (event.type === 'commit') this.#committed(node, event);
    if (event.type === 'outbound-status') {
      const flight = flights.get(event.lane);
      flight?.sizes.splice(0, event.status.acknowledged - flight.acknowledged);
      if (flight) flight.acknowledged = event.status.acknowledged;
    }
    if (event.type === 'pull-update') {
      const { dot } = event.update.header;
      const onLane = requests.get(event.lane);
      for (const [id, wanted] of onLane ?? []) {
        onLane!.set(id, wanted.with(dot, wanted.get(dot).without(dot.sequence)));
      }
    }
    if (event.type === 'pull-end') requests.get(event.lane)?.delete(event.end.id);
    if (event.type === 'pull-down') requests.delete(event.lane);
    this.#checkWaiting(node);
  }

  /** Before an effect is performed. */
  effect(node: MeshNode, effect: MeshEffect): void {
    if (effect.type === 'send-update') this.#checkWindow(node, effect.lane, updateBytes(effect.update));
    if (effect.type === 'send-pull')
      this.#checkPull(node, effect.lane, effect.request.id, effect.request.wanted);
    if (effect.type === 'report') this.checkReport(node.fab, effect.report);
  }

  /** What a node is told of another is never more than that one really has applied by now. */
  checkReport(by: FabId, report: Report): void {
    const really = this.#applied.get(originKey(report.node));
    const told = appliedOf(report);
    assert.ok(
      told.isEmpty || really?.covers(told),
      `${by} holds that ${originKey(report.node)} applied ${told}, which applied ${really}`,
    );
  }

  #committed(node: MeshNode, { added, report }: CommitEvent): void {
    this.#applied.set(originKey(report.node), appliedOf(report));
    const { stored } = this.#of(node);
    for (const { update } of added) {
      const dot = formatDot(update.header.dot);
      assert.ok(!stored.has(dot), `${node.fab} stored ${dot} twice`);
      stored.add(dot);
    }
  }

  #checkWindow(node: MeshNode, lane: LaneId, bytes: number): void {
    const { flights } = this.#of(node);
    const flight = flights.get(lane) ?? { sizes: [], acknowledged: 0 };
    flights.set(lane, flight);
    flight.sizes.push(bytes);
    const total = flight.sizes.reduce((sum, size) => sum + size, 0);
    const { window } = this.#bounds;
    assert.ok(flight.sizes.length <= window.updates, `${node.fab} has ${flight.sizes.length} in flight`);
    assert.ok(flight.sizes.length === 1 || total <= window.bytes, `${node.fab} has ${total} bytes in flight`);
  }

  #checkPull(node: MeshNode, lane: LaneId, id: number, wanted: TransportVector): void {
    const { requests } = this.#of(node);
    const onLane = requests.get(lane) ?? new Map<number, TransportVector>();
    requests.set(lane, onLane);
    for (const open of requests.values()) {
      for (const other of open.values()) {
        assert.ok(
          wanted.intersection(other).isEmpty,
          `${node.fab} asks twice for ${wanted.intersection(other)}`,
        );
      }
    }
    onLane.set(id, wanted);
    const { catchUp } = this.#bounds;
    assert.ok(onLane.size <= catchUp.requestsPerLane, `${onLane.size} requests on a lane`);
    assert.ok(
      wanted.size <= Math.max(catchUp.chunkUpdates, wanted.entries().length),
      `${wanted.size} wanted`,
    );
    const known = wanted.intersection(node.replica.report.received);
    assert.ok(known.isEmpty, `${node.fab} asks for ${known}, which it has`);
  }

  #checkWaiting(node: MeshNode): void {
    const { window, catchUp, maxUpdateBytes } = this.#bounds;
    const peers = node.mesh.peers().length;
    const origins = node.replica.report.received.entries().length + peers;
    const perPull = catchUp.requestsPerLane * (catchUp.chunkBytes + origins * maxUpdateBytes);
    const bound = catchUp.pendingBytes + peers * (perPull + window.bytes + maxUpdateBytes);
    assert.ok(node.replica.waitingBytes <= bound, `${node.replica.waitingBytes} bytes wait at ${node.fab}`);
  }

  #of(node: MeshNode): UnderWay {
    const known = this.#underWay.get(node);
    if (known) return known;
    const fresh: UnderWay = { stored: new Set(), flights: new Map(), requests: new Map() };
    this.#underWay.set(node, fresh);
    return fresh;
  }
}
