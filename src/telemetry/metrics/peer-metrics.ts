import type { Store } from '../../store/store.ts';
import type { LaneTraffic } from '../../sync/lane-traffic.ts';
import type { SyncRunner } from '../../sync/sync-runner.ts';
import type { MetricSet, Sample } from './metric-set.ts';

/** What is read. */
export interface PeerMetricsParts {
  readonly sync: Pick<SyncRunner, 'peers' | 'missing' | 'clocks'>;
  readonly store: Pick<Store, 'peers'>;
  readonly traffic: Pick<LaneTraffic, 'all'>;
  /** How many fabs belong to the mesh. */
  readonly members: () => number;
}

/** Metrics of the other fabs. */
export function peerMetrics(metrics: MetricSet, { sync, store, traffic, members }: PeerMetricsParts): void {
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
  metrics.gauges(
    'wafersync_peer_clock_ahead_seconds',
    "How far the peer's clock is ahead of this node's, less what its message was under way; below 0 where it is behind.",
    ['peer'],
    () => [...sync.clocks.ahead()].map(([peer, aheadMs]): Sample => [aheadMs / 1000, peer]),
  );
  metrics.gauges(
    'wafersync_peer_last_news_timestamp_seconds',
    'When that fab last said anything new of what it has, seconds since 1970.',
    ['peer'],
    () => [...store.peers.heardAtMs()].map(([peer, atMs]): Sample => [atMs / 1000, peer]),
  );
  metrics.totals(
    'wafersync_lane_messages_total',
    'Messages on the lanes between this node and the peer.',
    ['peer', 'lane', 'direction'],
    () =>
      [...traffic.all].flatMap(({ peer, lane, sentMessages, receivedMessages }): Sample[] => [
        [sentMessages, peer, lane, 'sent'],
        [receivedMessages, peer, lane, 'received'],
      ]),
  );
  metrics.totals(
    'wafersync_lane_bytes_total',
    'Bytes of updates and test programs between this node and the peer; what is around them is not counted.',
    ['peer', 'lane', 'direction'],
    () =>
      [...traffic.all].flatMap(({ peer, lane, sentBytes, receivedBytes }): Sample[] => [
        [sentBytes, peer, lane, 'sent'],
        [receivedBytes, peer, lane, 'received'],
      ]),
  );
}
