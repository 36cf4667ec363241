import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { foldDigest } from '../support/fold-digests.ts';
import { importFile } from '../support/run-client.ts';

const FABS = ['tw', 'az', 'de'] as const;
const BOUNDED = { timeout: 300_000 };

/** A finding as `--json` has it. */
interface Told {
  readonly fab_id: string;
  readonly problem: string;
  readonly details: string[];
  readonly outcome: string;
  readonly subject: { readonly wafer: { readonly lot: string; readonly wafer_id: string } | null };
}

test(
  'on real processes: what somebody changed in one database, while its node runs or does not, is named and put right',
  BOUNDED,
  async (t) => {
    const cluster = await Cluster.start(
      FABS,
      {},
      { config: { store: { scrub_bytes_per_s: 0 }, sync: { heartbeat_ms: 300 } } },
    );
    t.after(() => cluster.stop());
    const node = (fab: Fab) => ['--node', cluster.address(fab)];
    const lot = demoLot({ number: 1, wafers: 2 });
    await importFile(cluster.address('tw'), lot.fileName, lot.stdf, FABS);
    const patched = await command(
      'wafer',
      'patch',
      'DEMO-001-01',
      ...node('de'),
      '--set',
      '/attributes/oven="O-7"',
    );
    assert.equal(patched.code, 0, patched.stderr);
    const change = (fab: Fab, sql: string) => {
      const db = new Database(cluster.databaseFile(fab));
      db.pragma('busy_timeout = 5000');
      try {
        assert.equal(db.prepare(sql).run().changes, 1, sql);
      } finally {
        db.close();
      }
    };
    const verify = async (fab: Fab, ...args: string[]) => {
      const { code, stdout, stderr } = await command('verify', ...node(fab), '--json', ...args);
      assert.equal(stderr, '');
      const { findings, results } = JSON.parse(stdout) as {
        findings: Told[];
        results: { error: string; on_the_way: number }[];
      };
      return { code, findings, results };
    };
    /** Until nothing is on its way. */
    const equal = async (fab: Fab) => {
      for (;;) {
        const { code, results, findings } = await verify(fab);
        assert.deepEqual(findings, []);
        if (code === 0 && results.every(({ on_the_way }) => on_the_way === 0)) return results;
      }
    };
    assert.equal((await equal('tw')).length, 2);

    change(
      'az',
      "UPDATE update_log SET payload = zeroblob(length(payload)) WHERE kind = 'results' AND sequence = 2",
    );
    change(
      'az',
      'UPDATE dies SET hard_bin = 99 WHERE (wafer, x, y) = (SELECT wafer, x, y FROM dies LIMIT 1)',
    );
    change('az', `UPDATE fields SET value = '"O-8"' WHERE field = '/attributes/oven'`);
    change('az', 'UPDATE programs SET body = zeroblob(length(body)) WHERE id = 1');
    const left = await verify('tw', '--with', 'az', '--no-repair');
    assert.equal(left.code, 4);
    assert.ok(left.findings.every(({ outcome }) => outcome === 'LEFT'));
    const found = await verify('tw', '--with', 'az');
    assert.equal(found.code, 3, JSON.stringify(found));
    const problems = (of: readonly Told[]) => [...new Set(of.map(({ problem }) => problem))].sort();
    assert.ok(found.findings.every(({ fab_id, outcome }) => fab_id === 'az' && outcome === 'REPAIRED'));
    assert.deepEqual(problems(found.findings), ['PROGRAM_DAMAGED', 'TABLES', 'UPDATE_DAMAGED']);
    const tables = new Set(
      found.findings.filter(({ problem }) => problem === 'TABLES').flatMap(({ details }) => details),
    );
    assert.deepEqual([...tables].sort(), ['dies', 'fields']);
    assert.ok(found.findings.some(({ subject }) => subject.wafer?.wafer_id === 'DEMO-001-01'));
    await equal('tw');
    await equal('de');

    await cluster.stopNode('az', 'SIGTERM');
    const away = await verify('tw');
    assert.deepEqual([away.code, away.results.map(({ error }) => error !== '')], [1, [true, false]]);
    change(
      'az',
      'UPDATE attempts SET soft_bin = 99 WHERE (run, attempt_index) = (SELECT run, max(attempt_index) FROM attempts)',
    );
    change(
      'az',
      "UPDATE update_log SET header = zeroblob(length(header)) WHERE kind = 'results' AND sequence = 1",
    );
    await cluster.startNode('az');
    // From the side of the one that is wrong.
    for (;;) {
      const { code, findings } = await verify('az', '--with', 'tw');
      if (code === 1) continue;
      assert.deepEqual(
        [code, problems(findings)],
        [3, ['TABLES', 'UPDATE_DAMAGED']],
        JSON.stringify(findings),
      );
      break;
    }
    await equal('az');
    const last = JSON.parse((await command('verify', ...node('az'), '--last', '--json')).stdout);
    assert.ok(last.all_equal_us > 0 && last.peers.length === 2);
    await Promise.all(FABS.map((fab) => cluster.stopNode(fab, 'SIGTERM')));
    const digests = FABS.map((fab) => foldDigest(cluster.dataFolder(fab), fab));
    assert.equal(new Set(digests).size, 1, digests.join(' '));
    for (const fab of FABS) {
      const { stdout } = await command('rebuild', '--config', cluster.configFile(fab));
      assert.ok(stdout.includes(digests[0]!), `${fab}: ${stdout}`);
    }
  },
);
