import type { PausedLanes } from '../../store/pauses.ts';
import type { Store } from '../../store/store.ts';
import type { PeerView } from '../../sync/events.ts';
import type { PeerClocks } from '../../sync/peer-clocks.ts';
import type { PeerLimits } from '../../sync/peer-limits.ts';
import type { PeerPauses } from '../../sync/peer-pauses.ts';
import type { PeerTraffic } from '../../sync/peer-traffic.ts';
import type { SyncRunner } from '../../sync/sync-runner.ts';
import type { MetricSet, Sample } from './metric-set.ts';

/** What is read. */
export interface PeerMetricsParts {
  readonly sync: Pick<SyncRunner, 'peers' | 'missing' | 'clocks'>;
  readonly store: Pick<Store, 'peers'>;
  readonly traffic: Pick<PeerTraffic, 'of'>;
  readonly pauses: Pick<PeerPauses, 'of'>;
  readonly limits: Pick<PeerLimits, 'of'>;
  /** How many fabs belong to the mesh. */
  readonly members: () => number;
}

/** Metrics of the other fabs. */
export function peerMetrics(metrics: MetricSet, parts: PeerMetricsParts): void {
  const { sync, store, traffic, members } = parts;
  const peers = metrics.shared(() => sync.peers());
  metrics.gauge('wafersync_members', 'Fabs that belong to the mesh, this one included.', members);
  metrics.gauges(
    'wafersync_peer_connected',
    '1 where the live lane that this node dials (out), or that the peer dials (in), is up; else 0.',
    ['peer', 'direction'],
    () =>
      peers().flatMap(({ peer, outboundUp, inboundUp }): Sample[] => [
        [Number(outboundUp), peer, 'out'],
        [Number(inboundUp), peer, 'in'],
      ]),
  );
  metrics.gauges(
    'wafersync_peer_rtt_seconds',
    'Round trip of the live lane to the peer, once measured.',
    ['peer'],
    () => peers().flatMap(({ peer, rttMs }): Sample[] => (rttMs > 0 ? [[rttMs / 1000, peer]] : [])),
  );
  metrics.gauges(
    'wafersync_peer_backlog_updates',
    'Updates that are here and that the peer is not known to have.',
    ['peer'],
    () => peers().map(({ peer, behind }): Sample => [behind.size, peer]),
  );
  metrics.gauge(
    'wafersync_missing_updates',
    'Updates that some other fab is known to have and this one has not.',
    () => sync.missing().size,
  );
  clockMetrics(metrics, peers, sync.clocks);
  metrics.gauges(
    'wafersync_peer_last_news_timestamp_seconds',
    'When that fab last said anything new of what it has, seconds since 1970.',
    ['peer'],
    () => [...store.peers.heardAtMs()].map(([peer, atMs]): Sample => [atMs / 1000, peer]),
  );
  laneMetrics(metrics, peers, traffic);
  steeringMetrics(metrics, peers, parts);
}

const PAUSED_LANES: readonly PausedLanes[] = ['all', 'live', 'catch-up'];

function steeringMetrics(
  metrics: MetricSet,
  peers: () => readonly PeerView[],
  { pauses, limits }: Pick<PeerMetricsParts, 'pauses' | 'limits'>,
): void {
  metrics.gauges(
    'wafersync_peer_paused',
    '1 while somebody has paused these lanes of the peer here (all, live or catch-up), else 0.',
    ['peer', 'lanes'],
    () =>
      peers().flatMap(({ peer }) =>
        PAUSED_LANES.map((lanes): Sample => [Number(pauses.of(peer)?.lanes === lanes), peer, lanes]),
      ),
  );
  metrics.gauges(
    'wafersync_peer_limit_bytes_per_second',
    'What may be exchanged with the peer in each direction, as somebody limited it here; absent where no limit holds now.',
    ['peer'],
    () =>
      peers().flatMap(({ peer }): Sample[] => {
        const rate = limits.of(peer)?.nowBytesPerS ?? 0;
        return rate > 0 ? [[rate, peer]] : [];
      }),
  );
}

function clockMetrics(
  metrics: MetricSet,
  peers: () => readonly PeerView[],
  clocks: Pick<PeerClocks, 'offsetOf'>,
): void {
  const offsets = metrics.shared(() =>
    peers().flatMap(({ peer }) => {
      const offset = clocks.offsetOf(peer);
      return offset ? [{ peer, ...offset }] : [];
    }),
  );
  metrics.gauges(
    'wafersync_peer_clock_ahead_seconds',
    "How far the peer's clock is ahead of this node's, by the round trips of heartbeats; below 0 where it is behind.",
    ['peer'],
    () => offsets().map(({ peer, offsetMs }): Sample => [offsetMs / 1000, peer]),
  );
  metrics.gauges(
    'wafersync_peer_clock_uncertainty_seconds',
    'How far wafersync_peer_clock_ahead_seconds may be off, either way.',
    ['peer'],
    () => offsets().map(({ peer, uncertaintyMs }): Sample => [uncertaintyMs / 1000, peer]),
  );
}

function laneMetrics(
  metrics: MetricSet,
  peers: () => readonly PeerView[],
  traffic: PeerMetricsParts['traffic'],
): void {
  const lanes = metrics.shared(() =>
    peers().flatMap(({ peer }) => {
      const used = traffic.of(peer).lanes.filter(({ wasUp }) => wasUp);
      return used.map((lane) => ({ peer, ...lane }));
    }),
  );
  metrics.totals(
    'wafersync_lane_updates_total',
    'Updates on the lanes to the peer, or from it.',
    ['peer', 'lane'],
    () => lanes().map(({ peer, kind, updates }): Sample => [updates, peer, kind]),
  );
  metrics.totals(
    'wafersync_lane_bytes_total',
    'Bytes of updates on the lanes to the peer, or from it; what is around them is not counted.',
    ['peer', 'lane'],
    () => lanes().map(({ peer, kind, bytes }): Sample => [bytes, peer, kind]),
  );
}
