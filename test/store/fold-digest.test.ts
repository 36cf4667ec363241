import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { Store } from '../../src/store/store.ts';
import {
  attempt,
  jsonDecoders,
  origin,
  PROGRAM,
  quickFolder,
  record,
  run,
  runUpdate,
  stillWorld,
  TW,
  take,
  update,
  WAFER,
} from './fixtures.ts';

const FOLDS = ['runs', 'run_wafers', 'attempts', 'dies'];
/** Columns that point to rows: any other row will do. */
const REFERENCES: Record<string, number> = {
  first_update: 3,
  record_update: 3,
  update_row: 3,
  run: 2,
  wafer: 2,
};

const open = (file: string) => Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });

function digestOf(file: string): string {
  const store = open(file);
  try {
    return store.foldDigest();
  } finally {
    store.close();
  }
}

/** Gives one column of the first row another value. */
function change(file: string, table: string, column: string, type: string): void {
  const db = new Database(file);
  try {
    db.pragma('foreign_keys = OFF');
    db.pragma('ignore_check_constraints = ON');
    const other = REFERENCES[column] ?? (type === 'TEXT' ? `${column} || 'x'` : `ifnull(${column}, 5) + 7`);
    const where =
      table === 'runs' ? 'id = 1' : `run = 1${table === 'run_wafers' ? '' : ' AND attempt_index = 0'}`;
    const { changes } = db.prepare(`UPDATE ${table} SET ${column} = ${other} WHERE ${where}`).run();
    assert.equal(changes, 1, `${table}.${column}`);
  } finally {
    db.close();
  }
}

test('the digest tells every column of every fold', (t) => {
  const folder = quickFolder(t);
  const file = join(folder, 'tw.db');
  const store = open(file);
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  const other = { run: { id: run('b'), startedAtUs: 3 }, wafer: { ...WAFER, waferId: 'W2' } };
  take(
    store,
    update(origin('az'), 1, [attempt(0)]),
    runUpdate(origin('az'), 2, record()),
    update(origin('tw'), 3, [attempt(1, { x: 8 })], other),
    runUpdate(origin('tw'), 4, record(), { run: other.run }),
  );
  store.close();
  const digest = digestOf(file);
  const copy = join(folder, 'copy.db');
  let columns = 0;
  for (const table of FOLDS) {
    const db = new Database(file, { readonly: true });
    const info = db.pragma(`table_info(${table})`) as { name: string; type: string }[];
    db.close();
    for (const { name, type } of info) {
      if (table === 'runs' && name === 'id') continue;
      copyFileSync(file, copy);
      change(copy, table, name, type);
      assert.notEqual(digestOf(copy), digest, `${table}.${name}`);
      columns++;
    }
  }
  assert.ok(columns > 50);
});

test('the digest does not tell what is local: numbers of rows, times of arrival, held updates', (t) => {
  const folder = quickFolder(t);
  const updates = ['az', 'il', 'tw'].map((fab, i) =>
    update(origin(fab), 1, [attempt(i)], {
      run: { id: run(`${i}`), startedAtUs: i },
      wafer: { ...WAFER, waferId: `W${i}` },
    }),
  );
  const digests = [updates, updates.toReversed()].map((order, i) => {
    const file = join(folder, `${i}.db`);
    const world = { ...stillWorld, nowMs: () => 2e12 + i };
    const store = Store.open({ file, fab: TW, world, decoders: jsonDecoders });
    store.programs.put(PROGRAM.digest, PROGRAM.body);
    if (i === 1) {
      const held = update(origin('kr'), 1, {}, { kind: 'edit', run: null, program: null });
      store.transaction(() => {
        store.log.append(held);
        store.log.hold(held.header.dot, 'kind', '');
      });
    }
    take(store, ...order);
    store.close();
    return digestOf(file);
  });
  assert.equal(digests[0], digests[1]);
});
