import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { MetricSet } from '../../src/telemetry/metrics/metric-set.ts';
import { Exposition } from '../support/exposition.ts';
import { Journal } from '../support/grpc-client.ts';

const scraped = async (metrics: MetricSet) => new Exposition(await metrics.text());

test('gauges and totals are read at each scrape, and not between', async () => {
  const metrics = new MetricSet(silentLog);
  let reads = 0;
  metrics.gauge('one', 'One.', () => ++reads);
  metrics.totals('many_total', 'Many.', ['peer', 'lane'], () => [
    [3 * reads, 'az', 'live'],
    [7, 'de', 'offer'],
  ]);
  assert.equal(reads, 0);
  const first = await scraped(metrics);
  assert.equal(first.value('one'), 1);
  assert.equal(first.value('many_total{peer="az",lane="live"}'), 3);
  assert.equal(first.value('many_total{peer="de",lane="offer"}'), 7);
  const second = await scraped(metrics);
  assert.equal(second.value('many_total{peer="az",lane="live"}'), 6, 'the total, not a sum of scrapes');
});

test('what is not there any more is not told any more', async () => {
  const metrics = new MetricSet(silentLog);
  const peers = new Set(['az', 'de']);
  metrics.gauges('peer_up', 'Up.', ['peer'], () => [...peers].map((peer) => [1, peer] as const));
  await scraped(metrics);
  peers.delete('az');
  const now = await scraped(metrics);
  assert.deepEqual([now.value('peer_up{peer="az"}'), now.value('peer_up{peer="de"}')], [undefined, 1]);
});

test('a counter counts by its labels, and one without labels begins at 0', async () => {
  const metrics = new MetricSet(silentLog);
  const kinds = metrics.counter('kinds_total', 'Kinds.', ['kind'], [['edit']]);
  const all = metrics.counter('all_total', 'All.', []);
  const before = await scraped(metrics);
  assert.deepEqual([before.value('all_total'), before.value('kinds_total{kind="edit"}')], [0, 0]);
  kinds.add(2, 'edit');
  kinds.add(3, 'run');
  kinds.add(1, 'edit');
  all.add(6);
  const after = await scraped(metrics);
  assert.equal(after.value('kinds_total{kind="edit"}'), 3);
  assert.equal(after.value('kinds_total{kind="run"}'), 3);
  assert.equal(after.value('all_total'), 6);
});

test('labels without end do not make series without end', async () => {
  const metrics = new MetricSet(silentLog);
  const counts = metrics.counter('wafers_total', 'Wafers.', ['wafer']);
  for (let i = 0; i < 1500; i++) counts.add(1, `W${i}`);
  const { text } = await scraped(metrics);
  assert.equal(text.match(/^wafers_total\{/gm)?.length, 1001);
  assert.match(text, /^wafers_total\{wafer="other"\} 500$/m);
});

test('a histogram has its buckets, sum and count', async () => {
  const metrics = new MetricSet(silentLog);
  const observe = metrics.histogram('wait_seconds', 'Wait.', [0.1, 1], ['source']);
  for (const seconds of [0.05, 0.5, 5]) observe(seconds, 'file');
  const now = await scraped(metrics);
  const bucket = (le: string) => now.value(`wait_seconds_bucket{le="${le}",source="file"}`);
  assert.deepEqual([bucket('0.1'), bucket('1'), bucket('+Inf')], [1, 2, 3]);
  assert.equal(now.value('wait_seconds_sum{source="file"}'), 5.55);
});

test('a metric that cannot be read is left out, told once, and hinders no other', async () => {
  const journal = new Journal();
  const metrics = new MetricSet(journal);
  let broken = true;
  metrics.gauge('broken', 'Broken.', () => {
    if (broken) throw new WafersyncError('damaged', 'the page is damaged');
    return 5;
  });
  metrics.gauge('sound', 'Sound.', async () => 1);
  for (const count of [1, 2]) {
    const now = await scraped(metrics);
    assert.deepEqual([now.value('broken'), now.value('sound')], [undefined, 1]);
    assert.equal(journal.lines.length, 1, `scrape ${count}`);
  }
  assert.deepEqual(
    journal.lines.map(({ event, fields }) => [event, fields.metric]),
    [['metric.not_read', 'broken']],
  );
  broken = false;
  const mended = await scraped(metrics);
  assert.equal(mended.value('broken'), 5);
  assert.equal(mended.value('wafersync_metrics_not_read_total{metric="broken"}'), 2);
  broken = true;
  await scraped(metrics);
  assert.equal(journal.lines.length, 2, 'told again once it had worked');
});

test('whoever scrapes while a scrape is under way gets the same, and what is shared is read once', async () => {
  const metrics = new MetricSet(silentLog);
  let reads = 0;
  const shared = metrics.shared(() => ++reads);
  metrics.gauge('first', 'First.', shared);
  metrics.gauge('second', 'Second.', shared);
  const [one, other] = await Promise.all([metrics.text(), metrics.text()]);
  assert.equal(one, other);
  assert.equal(reads, 1);
  const next = await scraped(metrics);
  assert.deepEqual([next.value('first'), next.value('second')], [2, 2]);
});
