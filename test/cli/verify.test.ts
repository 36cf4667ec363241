import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { command } from '../support/command.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { importFile } from '../support/run-client.ts';

const FABS = ['tw', 'az'];

/** Two fabs that have the same lot, and an edit. */
async function mesh(t: TestContext): Promise<{ tw: LocalNode; az: LocalNode; lot: string }> {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  const lot = demoLot({ number: 1, wafers: 2 });
  await importFile(tw.address, lot.fileName, lot.stdf, FABS);
  return { tw, az, lot: lot.fileName };
}

/** Changes a node's database as somebody with a shell would. */
function change(node: LocalNode, sql: string): number {
  const db = new Database(join(node.dataFolder, 'wafersync.db'));
  try {
    return db.prepare(sql).run().changes;
  } finally {
    db.close();
  }
}

const verify = (node: LocalNode, ...args: string[]) => command('verify', '--node', node.address, ...args);

async function json(node: LocalNode, ...args: string[]) {
  const { code, stdout, stderr } = await verify(node, '--json', ...args);
  assert.equal(stderr, '');
  return { code, ...JSON.parse(stdout) };
}

test('two fabs that have the same are equal', async (t) => {
  const { tw } = await mesh(t);
  const { code, findings, results } = await json(tw, '--with', 'az');
  assert.deepEqual(findings, []);
  assert.equal(code, 0);
  console.log(results);
});

for (const [what, sql] of [
  ['payload', 'UPDATE update_log SET payload = zeroblob(length(payload)) WHERE id = 2'],
  ['bin', 'UPDATE dies SET hard_bin = 77 WHERE rowid IN (SELECT 1)'],
  ['attempt', 'UPDATE attempts SET soft_bin = 77 WHERE attempt_index = 3'],
] as const)
  test(`changed: ${what}`, async (t) => {
    const { tw, az } = await mesh(t);
    console.log(change(az, sql.replace('rowid IN (SELECT 1)', '(wafer, x, y) = (SELECT wafer, x, y FROM dies LIMIT 1)')));
    const { code, stdout } = await verify(tw, '--with', 'all');
    console.log(code, stdout);
    const again = await verify(tw);
    console.log(again.code, again.stdout);
  });
