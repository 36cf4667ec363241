import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { command, startWafersync } from '../support/command.ts';
import { importFile } from '../support/run-client.ts';

const BOUNDED = { timeout: 120_000 };
const AHEAD_MS = 300_000;
const PRELOAD = fileURLToPath(new URL('../support/skewed-clock-preload.ts', import.meta.url));

interface Row {
  readonly fab_id: string;
  readonly answered: boolean;
  readonly state: string;
  readonly behind_updates: number;
  readonly error: string;
  readonly why: readonly string[];
}

async function json(...args: string[]) {
  const { code, stdout, stderr } = await command(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test(
  'on real processes: the lag behind a slow link and a clock that is wrong is told by one clock',
  BOUNDED,
  async (t) => {
    const skews = JSON.stringify({ az: AHEAD_MS });
    const cluster = await Cluster.start(
      ['tw', 'az'],
      {},
      {
        preload: PRELOAD,
        environment: { WAFERSYNC_TEST_SKEWS_MS: skews },
      },
    );
    t.after(() => cluster.stop());
    cluster.link('tw', 'az').set({ delayMs: 40 }, 'there', 'back');
    cluster.link('az', 'tw').set({ delayMs: 40 }, 'there', 'back');
    const lot = demoLot({ number: 1, wafers: 1 });
    const measured = async () => {
      const [az] = await json('peers', '--node', cluster.address('tw'));
      return az;
    };
    while (!(await measured()).clock) await new Promise((resolve) => setImmediate(resolve));
    await importFile(cluster.address('az'), lot.fileName, lot.stdf, ['tw', 'az']);
    const az = await measured();
    assert.ok(Math.abs(az.clock.offset_ms - AHEAD_MS) <= az.clock.uncertainty_ms, JSON.stringify(az.clock));
    assert.equal(az.lag.corrected, true);
    assert.ok(az.lag.ms < AHEAD_MS / 2, 'the offset is taken out');
    const { mesh, clock } = await json('status', '--node', cluster.address('tw'));
    assert.equal(clock.greatest_offset_fab_id, 'az');
    assert.match(mesh[0].why.join(), /its clock is [45] min \d+ s ahead/);
    // By az's clock it is tw that is behind.
    const [tw] = await json('peers', '--node', cluster.address('az'));
    assert.ok(tw.clock.offset_ms < -AHEAD_MS / 2);
  },
);

test(
  'on real processes: one screen of the mesh goes on live as a fab goes away and comes back',
  BOUNDED,
  async (t) => {
    const cluster = await Cluster.start(['tw', 'az', 'de']);
    t.after(() => cluster.stop());
    const node = (fab: Fab) => ['--node', cluster.address(fab)];
    const watch = startWafersync(['status', ...node('tw'), '--watch', '--json']);
    t.after(() => watch.kill('SIGKILL'));
    const lines = createInterface({ input: watch.stdout! })[Symbol.asyncIterator]();
    /** Rows of the first line of the watch on which something holds, the latest one included; sorted by fab. */
    let latest: Row[] = [];
    const once = async (holds: (az: Row, de: Row) => boolean): Promise<Row> => {
      while (latest.length === 0 || !holds(latest[0]!, latest[1]!)) {
        const { value, done } = await lines.next();
        assert.ok(!done, 'the watch goes on');
        latest = JSON.parse(value).mesh;
      }
      return latest[1]!;
    };
    await once((az, de) => az.answered && de.answered && de.state === 'connected');

    await cluster.stopNode('de', 'SIGKILL');
    const down = await once((_, de) => de.state === 'dialling' && !de.answered);
    assert.match(down.error, /de|127\.0\.0\.1/);
    const lot = demoLot({ number: 1, wafers: 1 });
    await importFile(cluster.address('az'), lot.fileName, lot.stdf, ['tw', 'az']);
    const behind = await once((_, de) => de.behind_updates > 0);
    assert.ok(
      behind.why.some((reason) => /^is not connected with (az, )?tw/.test(reason)),
      `${behind.why}`,
    );

    const text = await command('status', ...node('az'));
    assert.match(text.stdout, /^3 fabs, BEHIND: de lacks \d+ updates, born from .* ago on$/m);
    assert.match(text.stdout, /^tw +both ways /m);
    assert.match(text.stdout, /^az +asked /m);

    await cluster.startNode('de');
    await once((_, de) => de.answered && de.state === 'connected' && de.behind_updates === 0);
    const ended = new Promise((resolve) => watch.once('exit', (code) => resolve(code)));
    watch.kill('SIGINT');
    assert.equal(await ended, 0);
  },
);

test(
  'on real processes: a fab that was evicted is told as such, and who does not answer is seen by others',
  BOUNDED,
  async (t) => {
    const cluster = await Cluster.start(['tw', 'az', 'de']);
    t.after(() => cluster.stop());
    const tw = ['--node', cluster.address('tw')];
    const why = ['--reason', 'flooded', '--confirm', 'de'];
    assert.equal((await command('fab', 'evict', 'de', ...why, ...tw)).code, 0);
    const peers = await json('peers', ...tw);
    const de = peers.find(({ fab_id }: Row) => fab_id === 'de');
    assert.equal(de.state, 'evicted');
    assert.ok(de.since_ms > Date.now() - 600_000 && de.since_ms < Date.now() + 600_000);
    // It takes connections, and says nothing: it is waited for no longer than a moment.
    cluster.freeze('az');
    const { mesh } = await json('status', ...tw);
    const az = mesh.find(({ fab_id }: Row) => fab_id === 'az');
    assert.equal(az.answered, false);
    assert.match(az.error, /az|127\.0\.0\.1|deadline|in time|time/i);
    cluster.thaw('az');
  },
);
