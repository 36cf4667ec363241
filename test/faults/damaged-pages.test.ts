import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { startNode } from '../../src/node.ts';
import { realWorld } from '../../src/world.ts';
import { damageFirstPage } from '../support/damaged-pages.ts';
import { Journal } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { hasResults } from '../support/node-results.ts';
import { readHistory, sendResults } from '../support/tester.ts';

const BOUNDED = { timeout: 60_000 };

/** Results of dies with one test each, one wafer for every fifty. */
function results(count: number) {
  return Array.from({ length: count }, (_, i) => {
    const wafer = `W${Math.floor(i / 50)}`;
    return { equipment_id: 'T1', wafer_id: wafer, die_x: i, test_name: 'VDD', test_value: 1 };
  });
}

async function startAgain(t: TestContext, before: LocalNode, log: Log = silentLog): Promise<LocalNode> {
  const node = await startNode(loadConfig(before.configFile, {}), { world: realWorld, log, version: 'test' });
  t.after(() => node.stop());
  return { ...before, ...node };
}

test(
  'a page of the log that SQLite cannot read is named, stops neither node nor testers, and keeps nothing from the others',
  BOUNDED,
  async (t) => {
    const [tw, az, de] = (await startNodes(t, ['tw', 'az', 'de'])) as [LocalNode, LocalNode, LocalNode];
    for (let part = 0; part < 10; part++)
      await sendResults(tw.address, results(500).slice(50 * part, 50 * part + 50));
    await hasResults(de, 500);
    await tw.stop();
    await az.stop();
    const file = (node: LocalNode) => join(node.dataFolder, 'wafersync.db');
    damageFirstPage(file(tw), 'update_log');
    for (const end of ['', '-wal', '-shm']) rmSync(`${file(az)}${end}`, { force: true });
    const log = new Journal();
    await startAgain(t, tw, log);
    const { error } = await log.line(({ event }) => event === 'scrub.failed');
    assert.match(String(error), /wafersync.db is damaged.*SQLITE_CORRUPT/);
    const anew = await startAgain(t, az);
    await hasResults(anew, 500);
    await assert.rejects(readHistory(tw.address, {}), {
      code: 'damaged',
      hint: /move the file away: a new database/,
    });
    await sendResults(tw.address, [
      { equipment_id: 'T2', wafer_id: 'W', die_x: 1, test_name: 'VDD', test_value: 1 },
    ]);
    await hasResults(anew, 501);
  },
);
