import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { createServer } from '../../src/api/server.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { silentLog } from '../../src/log.ts';
import { realWorld } from '../../src/world.ts';
import { command } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { importFile } from '../support/run-client.ts';

const FABS = ['tw', 'az'];

/** Two fabs that have the same lot of two wafers. */
async function mesh(t: TestContext): Promise<[LocalNode, LocalNode]> {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  const lot = demoLot({ number: 1, wafers: 2 });
  await importFile(tw.address, lot.fileName, lot.stdf, FABS);
  return [tw, az];
}

/** Changes a node's database as somebody with a shell would. */
function change(node: LocalNode, sql: string): void {
  const db = new Database(join(node.dataFolder, 'wafersync.db'));
  try {
    assert.equal(db.prepare(sql).run().changes, 1, sql);
  } finally {
    db.close();
  }
}

const A_DIE = '(wafer, x, y) = (SELECT wafer, x, y FROM dies ORDER BY wafer LIMIT 1)';

const verify = (node: LocalNode, ...args: string[]) => command('verify', '--node', node.address, ...args);

test('equal fabs are told with a row each, and nothing on stderr', async (t) => {
  const [tw] = await mesh(t);
  const text = await verify(tw);
  assert.deepEqual([text.code, text.stderr], [0, '']);
  assert.match(
    text.stdout,
    /^WITH +WAFERS +COMPARED +EQUAL +ON THE WAY +DIFFERENT +REPAIRED +NOT REPAIRED +EXCHANGED +WHY\naz +2 +3 +3 +0 +0 +0 +0 +\d+ B +-\n$/,
  );
  const json = await verify(tw, '--with', 'az', '--json');
  const { bytes_exchanged, ...result } = JSON.parse(json.stdout).results[0];
  assert.ok(bytes_exchanged > 0);
  assert.deepEqual(result, {
    ...{ fab_id: 'az', wafers: 2, subjects: 3, equal: 3, on_the_way: 0, different: 0 },
    ...{ repaired: 0, not_repaired: 0, error: '', more: false },
  });
});

test('what is wrong is named and repaired, with an exit code of its own; --no-repair leaves it', async (t) => {
  const [tw, az] = await mesh(t);
  change(az, `UPDATE dies SET hard_bin = 99 WHERE ${A_DIE}`);
  const left = await verify(tw, '--no-repair');
  assert.equal(left.code, 4);
  assert.match(
    left.stdout,
    /^az: wafer DEMO-001\/DEMO-001-01\/WS1 tables are not what the log says: dies \(left as it is\)\n/,
  );
  const repaired = await verify(tw);
  assert.equal(repaired.code, 3);
  assert.match(repaired.stdout, /: dies \(repaired\)\nWITH .*\naz +2 +3 +2 +0 +1 +1 +0 +\d+ B +-\n$/);
  assert.equal((await verify(tw)).code, 0);
  change(tw, `UPDATE dies SET hard_bin = 99 WHERE ${A_DIE}`);
  const { code, stdout } = await verify(tw, '--json');
  const [finding] = JSON.parse(stdout).findings;
  assert.equal(code, 3);
  assert.deepEqual(finding, {
    fab_id: 'tw',
    subject: {
      wafer: { lot: 'DEMO-001', wafer_id: 'DEMO-001-01', insertion: 'WS1' },
      ...{ run_id: '', purge: '' },
    },
    ...{ problem: 'TABLES', details: ['dies'], outcome: 'REPAIRED', reason: '', peer_fab_id: '' },
  });
});

test('when each fab was last found equal is told', async (t) => {
  const [tw, az] = await mesh(t);
  const before = await verify(tw, '--last');
  assert.match(
    before.stdout,
    /^this node compares itself with the others every 24 hours; by it all were found equal: never\nFAB .* WHY\naz +never +never +- +- +-\nWhat another node compared, .*\n$/,
  );
  await verify(tw);
  const { all_equal_us, interval_h, peers } = JSON.parse((await verify(tw, '--last', '--json')).stdout);
  assert.equal(interval_h, 24);
  assert.deepEqual([peers[0].equal_us, peers[0].thorough, peers[0].last.equal], [all_equal_us, true, 3]);
  change(az, `UPDATE dies SET hard_bin = 99 WHERE ${A_DIE}`);
  await verify(tw);
  const after = JSON.parse((await verify(tw, '--last', '--json')).stdout);
  assert.equal(after.all_equal_us, all_equal_us, 'that was not equal');
  assert.ok(after.peers[0].looked_us > all_equal_us);
});

test('a fab that is away, or whose version does not know it, is told; strangers and wrong words are refused', async (t) => {
  const [tw, az] = await mesh(t);
  await az.stop();
  const away = await verify(tw);
  assert.equal(away.code, 1);
  assert.match(
    away.stdout,
    /\naz(?: +-){7} +\d+ B +no node answers there \(connection refused\)\. Start the node of az, or correct its address /,
  );
  const old = createServer({ world: realWorld, log: silentLog });
  t.after(() => old.close(0));
  await old.bind('127.0.0.1', Number(az.address.split(':')[1]));
  const unknown = await verify(tw);
  assert.equal(unknown.code, 1);
  assert.match(
    unknown.stdout,
    /the version of wafersync at az cannot be compared with\. Upgrade that node\.\n/,
  );
  const stranger = await verify(tw, '--with', 'kr');
  assert.deepEqual(
    [stranger.code, stranger.stderr],
    [1, 'wafersync: kr is no other member of this mesh. Name another fab, or all: the others are az.\n'],
  );
  const [free] = await freePorts(1);
  const none = await command('verify', '--node', `127.0.0.1:${free}`);
  assert.match(none.stderr, /^wafersync: no node answers at /);
});
