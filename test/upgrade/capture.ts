import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { makeClient } from '../../src/api/client.ts';
import { inspectRun } from '../../src/cli/inspect.ts';
import { loadConfig } from '../../src/config/load.ts';
import { renderConfig } from '../../src/config/render.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/node/database.ts';
import { startNode } from '../../src/node.ts';
import { dataSync, runService } from '../../src/wire/services.ts';
import { realWorld } from '../../src/world.ts';
import { freePorts } from '../support/free-ports.ts';

/**
 * `node test/upgrade/capture.ts VERSION`: keeps the database and the messages between two nodes of this version under
 * test/fixtures/VERSION, so that later versions can prove that they still read them. Run once, when a version is released.
 */
async function capture(version: string): Promise<void> {
  const target = join(import.meta.dirname, '..', 'fixtures', version);
  mkdirSync(target, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'wafersync-capture-'));
  const [twPort, azPort] = (await freePorts(2)) as [number, number];
  const configs = [
    config(folder, 'tw', twPort, 'az', azPort),
    config(folder, 'az', azPort, 'tw', twPort),
  ] as const;
  const around = { world: realWorld, log: silentLog, version };
  const wires = record();

  const lots = [1, 2].map((number) => demoLot({ number, wafers: 1, parameters: { tests: 12, dies: 60 } }));
  const tw = await startNode(configs[0], around);
  const first = await importLot(twPort, lots[0]!, ['tw']);
  // az was away: it catches up on the first lot, and gets the second one live.
  const az = await startNode(configs[1], around);
  await importLot(twPort, lots[0]!, ['az', 'tw']);
  await importLot(twPort, lots[1]!, ['az', 'tw']);
  const { digests } = await inspectRun(`127.0.0.1:${azPort}`, first);
  await Promise.all([tw.stop(), az.stop()]);

  const store = openStore(configs[0], realWorld);
  const facts = {
    version,
    epoch: store.origin.epoch,
    stats: store.stats(),
    fold_digest: store.foldDigest(),
    run: {
      run_id: first,
      attempts_sha256: digests.attempts_sha256,
      of_model: lots[0]!.digests.attempts_sha256,
    },
  };
  store.checkpoint();
  store.close();
  keepDatabase(join(configs[0].dataDir, 'wafersync.db'), join(target, 'wafersync.db'));
  writeFileSync(join(target, 'facts.json'), `${JSON.stringify(facts, null, 1)}\n`);
  for (const [name, messages] of wires) {
    writeFileSync(
      join(target, `${name}.jsonl`),
      messages.map((bytes) => `"${bytes.toString('base64')}"\n`).join(''),
    );
  }
  rmSync(folder, { recursive: true });
}

function config(folder: string, fab: string, port: number, peer: string, peerPort: number) {
  const file = join(folder, fab, 'wafersync.yaml');
  mkdirSync(join(folder, fab));
  const text = renderConfig({
    fab,
    data_dir: '.',
    listen: { host: '127.0.0.1', port },
    mesh: { members: [fab, peer], peers: [{ fab: peer, address: `127.0.0.1:${peerPort}` }] },
    sync: { reconnect_min_ms: 50, reconnect_max_ms: 100 },
  });
  writeFileSync(file, text);
  return loadConfig(file, {});
}

/** Keeps every message of both lanes, by direction, as it is put on the wire. */
function record(): Map<string, Buffer[]> {
  const wires = new Map<string, Buffer[]>();
  for (const [lane, method] of Object.entries(dataSync.methods)) {
    for (const side of ['requestSerialize', 'responseSerialize'] as const) {
      const messages: Buffer[] = [];
      wires.set(`${lane}.${side === 'requestSerialize' ? 'request' : 'response'}`, messages);
      const serialize = method[side] as (message: unknown) => Buffer;
      Object.assign(method, {
        [side]: (message: unknown) => {
          const bytes = serialize(message);
          messages.push(bytes);
          return bytes;
        },
      });
    }
  }
  return wires;
}

async function importLot(
  port: number,
  lot: ReturnType<typeof demoLot>,
  fabs: readonly string[],
): Promise<string> {
  const runs = makeClient(runService, `127.0.0.1:${port}`);
  const call = runs.ImportRun();
  await call.write({ file_name: lot.fileName, data: lot.stdf });
  const { run_id } = await call.finish();
  for await (const { synced_fabs } of runs.WatchRun({ run_id })) {
    if (fabs.every((fab) => (synced_fabs ?? []).includes(fab))) break;
  }
  runs.close();
  return run_id ?? '';
}

/** A copy without free pages. */
function keepDatabase(from: string, to: string): void {
  copyFileSync(from, to);
  const db = new Database(to);
  db.pragma('journal_mode = DELETE');
  db.exec('VACUUM');
  db.close();
}

await capture(process.argv[2] ?? '');
