import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { makeClient } from '../../src/api/client.ts';
import { parseOriginKey } from '../../src/clocks/dot.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { compareDatabases } from '../processes/compare-databases.ts';
import { EditLoad } from '../processes/edit-load.ts';
import { Ledger } from '../processes/ledger.ts';
import { converged, reaches, receivedAt } from '../processes/mesh-watch.ts';
import { StreamLoad } from '../processes/stream-load.ts';
import { Cluster, FABS, type Fab } from '../support/cluster.ts';
import { type Ran, wafersync } from '../support/command.ts';
import { foldDigest } from '../support/fold-digests.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const BOUNDED = { timeout: 600_000 };

/** Where testers and people are at work; the others have what comes from there. */
const BUSY = ['tw', 'az'] as const satisfies readonly Fab[];

/** Five fabs, with a tester and a person at work at some. */
class Scene {
  readonly ledger = new Ledger();
  readonly cluster: Cluster;
  readonly #testers = new Map<Fab, StreamLoad[]>();
  readonly #people = new Map<Fab, EditLoad[]>();

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    for (const fab of BUSY) {
      this.#testers.set(fab, []);
      this.#people.set(fab, []);
      this.begin(fab);
    }
  }

  static async start(t: TestContext): Promise<Scene> {
    const cluster = await Cluster.start();
    const scene = new Scene(cluster);
    t.after(async () => {
      for (const tester of [...scene.#testers.values()].flat()) tester.close();
      await Promise.allSettled([...scene.#people.values()].flat().map((person) => person.stop()));
      await cluster.stop();
    });
    return scene;
  }

  /** Another tester and another person begin at a fab. */
  begin(fab: Fab): void {
    const testers = this.#testers.get(fab)!;
    const people = this.#people.get(fab)!;
    const n = testers.length;
    const node = this.cluster.address(fab);
    const plan = { lot: `L-${fab}-${n}`, equipmentId: `T-${fab}-${n}`, diesPerSecond: 5, resultsPerDie: 20 };
    testers.push(new StreamLoad({ ...plan, node }, this.ledger));
    people.push(
      new EditLoad({ author: `${fab}-${n}`, node, wafer: `E-${fab}-${n}`, everyMs: 1000 }, this.ledger),
    );
  }

  /** Those at a fab end, and every fab has what they did. */
  async quiet(fab: Fab): Promise<void> {
    const loads = [...this.#testers.get(fab)!, ...this.#people.get(fab)!];
    await Promise.all(loads.map((load) => load.stop()));
    const vector = await receivedAt(this.cluster.address(fab));
    await Promise.all(FABS.map((other) => reaches(this.cluster.address(other), vector)));
  }

  /** Settles once the last tester of each of these fabs has had so many results more acknowledged. */
  async more(results: number, fabs: readonly Fab[] = BUSY): Promise<void> {
    await Promise.all(fabs.map((fab) => this.#testers.get(fab)!.at(-1)!.more(results)));
  }

  /**
   * All come to their end: everything acknowledged is at every fab with its values, and no dot has two contents.
   * @param ended origin, as fab/epoch, that may have holes: what gave way there before others had it is in no log
   */
  async check(ended?: string): Promise<void> {
    const { cluster, ledger } = this;
    const loads = [...[...this.#testers.values()].flat(), ...[...this.#people.values()].flat()];
    await Promise.all(loads.map((load) => load.stop()));
    await converged(FABS.map((fab) => cluster.address(fab)));
    for (const fab of FABS) {
      for (const load of loads) await load.check(fab, cluster.address(fab));
    }
    assert.deepEqual(ledger.losses, []);
    assert.ok(ledger.total > 0);
    await Promise.all(FABS.map((fab) => cluster.stopNode(fab, 'SIGTERM')));
    const files = Object.fromEntries(FABS.map((fab) => [fab, cluster.databaseFile(fab)]));
    const { faults } = compareDatabases(files);
    assert.deepEqual(
      faults.filter((fault) => ended === undefined || !fault.includes(` lacks ${ended}/`)),
      [],
    );
    const digests = FABS.map((fab) => foldDigest(cluster.dataFolder(fab), fab));
    assert.equal(new Set(digests).size, 1, digests.join(' '));
  }
}

async function ran(...args: string[]): Promise<string> {
  const result: Ran = await wafersync(...args);
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
}

/** Settles once a node says that it goes on under another epoch. */
async function renewed(address: string): Promise<void> {
  const monitor = makeClient(syncMonitor, address);
  try {
    for await (const { node } of monitor.WatchNode({ min_interval_ms: 20 })) if (node?.renewal) return;
  } finally {
    monitor.close();
  }
}

/** Dots that were born at a fab, with the digest of each, in its database. */
function bornAt(file: string, fab: Fab): Map<string, string> {
  const db = new Database(file, { readonly: true });
  try {
    const sql = `SELECT o.epoch || ':' || u.sequence AS dot, hex(u.digest) AS digest
      FROM update_log u JOIN origins o ON o.id = u.origin WHERE o.fab = ?`;
    const rows = db.prepare<[string], { dot: string; digest: string }>(sql).all(fab);
    return new Map(rows.map(({ dot, digest }) => [dot, digest]));
  } finally {
    db.close();
  }
}

test(
  'an old backup is restored while the other four run on: nothing is lost, no number is given twice',
  BOUNDED,
  async (t) => {
    const scene = await Scene.start(t);
    const { cluster } = scene;
    const file = join(temporaryFolder(t), 'tw.backup');
    await scene.more(200);
    const made = JSON.parse(await ran('backup', file, '--node', cluster.address('tw'), '--json'));
    assert.ok(made.results > 0, 'it was made under load');
    await scene.more(300);

    // The machine of tw is lost, once the others have what it took.
    await scene.quiet('tw');
    await cluster.stopNode('tw', 'SIGKILL');
    const config = ['--config', cluster.configFile('tw')];
    const before = bornAt(cluster.databaseFile('tw'), 'tw');
    const told = JSON.parse(await ran('restore', file, ...config, '--yes', '--json'));
    assert.ok(told.restored && existsSync(told.replaced));
    assert.ok(told.fetched_updates > 0);
    await scene.more(100, ['az']);
    await cluster.startNode('tw');
    scene.begin('tw');
    await scene.more(300);
    assert.match(cluster.log('tw'), /"reason":"restored".*"event":"epoch\.renewed"/);
    const { renewal } = JSON.parse(await ran('status', '--node', cluster.address('tw'), '--json'));
    assert.deepEqual([renewal.reason, renewal.from_epoch], ['restored', made.epoch]);
    await scene.check();

    const after = bornAt(cluster.databaseFile('kr'), 'tw');
    const epochs = new Set([...after.keys()].map((dot) => dot.split(':')[0]));
    assert.equal(epochs.size, 2, 'one epoch before and one after');
    for (const [dot, digest] of before) {
      if (after.has(dot)) assert.equal(after.get(dot), digest, `${dot} is what it was`);
    }
    assert.doesNotMatch(cluster.log('tw'), /fork\.settled|update\.forked/);
  },
);

test(
  'a database that is put back unseen goes on at once: what it takes before its peers speak up is issued again, and nothing is lost',
  BOUNDED,
  async (t) => {
    const scene = await Scene.start(t);
    const { cluster } = scene;
    await scene.more(200);
    await cluster.stopNode('tw', 'SIGTERM');
    const file = cluster.databaseFile('tw');
    const folder = temporaryFolder(t);
    for (const suffix of ['', '.life']) copyFileSync(file + suffix, join(folder, `kept${suffix}`));
    await cluster.startNode('tw');
    await scene.more(200);
    await scene.quiet('tw');
    await cluster.stopNode('tw', 'SIGTERM');
    // As a snapshot of a volume is rolled back: the same file, and what lies beside it.
    for (const suffix of ['', '.life'])
      writeFileSync(file + suffix, readFileSync(join(folder, `kept${suffix}`)));

    for (const fab of FABS) if (fab !== 'tw') cluster.cut('tw', fab);
    await cluster.startNode('tw');
    scene.begin('tw');
    await scene.more(200, ['tw']);
    const alone = JSON.parse(await ran('status', '--node', cluster.address('tw'), '--json'));
    assert.equal(alone.renewal, null, 'nothing tells it yet');
    for (const fab of FABS) if (fab !== 'tw') cluster.heal('tw', fab);
    await renewed(cluster.address('tw'));
    await scene.more(200);
    const { renewal, forked_updates } = JSON.parse(
      await ran('status', '--node', cluster.address('tw'), '--json'),
    );
    assert.ok(['behind', 'forked'].includes(renewal.reason), renewal.reason);
    assert.ok(forked_updates > 0, 'it had given numbers a second time');
    await scene.check(`tw/${parseOriginKey(`tw.${renewal.from_epoch}`).epoch}`);
  },
);
