import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { Store } from '../../src/store/store.ts';
import type { ListedSubject, ReadSubject } from '../../src/store/verify/digest-reader.ts';
import { differingTables } from '../../src/store/verify/subject-tables.ts';
import { formatSubject } from '../../src/wafer/subject.ts';
import { batch, RECORD, RUN } from '../replica/replica-fixture.ts';
import { DocumentFab, exchange, MESH, W1 } from '../support/document-bench.ts';
import { jsonDecoders, PROGRAM, quickFolder, stillWorld, TW, take } from './fixtures.ts';
import { anyArrival, anyHistory } from './histories.ts';

/** Columns of the folds, by their tables. */
const FOLDS: Readonly<Record<string, readonly string[]>> = {
  attempts: ['x', 'y', 'hard_bin', 'soft_bin', 'part_id', 'results', 'wafer', 'attempt_index', 'update_row'],
  dies: ['attempts', 'hard_bin', 'passed', 'attempt_index', 'x'],
  run_wafers: ['attempts', 'results', 'updates', 'first_timestamp'],
  runs: ['started_at_us', 'lot', 'record_attempts', 'product'],
  fields: ['value', 'siblings', 'policy'],
  siblings: ['value', 'context'],
  documents: ['version', 'watches_attempts'],
  conflicts: ['state', 'policy', 'field'],
  conflict_members: ['value', 'chosen'],
  settlements: ['dots'],
  grounds: ['fields'],
  guarded_edits: ['guards'],
  fields_seen: ['context'],
  attempts_seen: ['last'],
};

/** Reads everything that a store has, subject by subject. */
function readAll(store: Store): Map<string, ReadSubject> {
  const reader = store.digests();
  try {
    const listed: ListedSubject[] = [...reader.list()].flat();
    for (const row of reader.purges()) listed.push(reader.purge(row)!);
    return new Map(listed.map((one) => [formatSubject(one.subject), drain(reader.read(one, 'bytes'))]));
  } finally {
    reader.close();
  }
}

function drain<T>(reading: Generator<void, T>): T {
  for (;;) {
    const step = reading.next();
    if (step.done) return step.value;
  }
}

/** Another value in a column of some row, as somebody with a shell would put it there; tells whether there was a row. */
function spoil(file: string, table: string, column: string, place: number): boolean {
  const db = new Database(file);
  try {
    db.pragma('foreign_keys = OFF');
    db.pragma('ignore_check_constraints = ON');
    const [row] = db.prepare(`SELECT * FROM ${table} LIMIT 1 OFFSET ?`).all(place) as Record<
      string,
      unknown
    >[];
    if (!row) return false;
    const keys = Object.keys(row).filter((name) => row[name] !== null);
    const where = keys.map((name) => `${name} = @${name}`).join(' AND ');
    const value = row[column];
    const other = typeof value === 'number' ? value + 1 : `${value ?? ''}x`;
    const isNumber = /^(x|y|attempts|hard_bin|soft_bin|passed|record_attempts)$/.test(column);
    const next = value === null && isNumber ? 77 : other;
    db.prepare(`UPDATE OR IGNORE ${table} SET ${column} = @next WHERE ${where}`).run({ ...row, next });
    return true;
  } finally {
    db.close();
  }
}

/** Folds again what hangs together with the subjects that are not as they were. */
function refold(store: Store, before: Map<string, ReadSubject>): string[] {
  const reader = store.digests();
  const listed = [...reader.list()].flat();
  const wrong = listed.filter(({ subject, ...row }) => {
    const now = drain(reader.read({ subject, ...row }, 'bytes'));
    return differingTables(before.get(formatSubject(subject))?.tables ?? [], now.tables).length > 0;
  });
  reader.close();
  return store.transaction(() =>
    wrong.flatMap((one) => store.refolder.refold(one).flatMap(({ tables }) => tables)),
  );
}

test('whatever is changed in the tables of attempts, the digests tell it, and folding a part again puts it right', (t) => {
  const folder = quickFolder(t);
  const arrival = anyHistory.chain((history) => anyArrival(history));
  const place = fc.tuple(
    fc.constantFrom(...['attempts', 'dies', 'run_wafers', 'runs']),
    fc.nat(),
    fc.nat({ max: 6 }),
  );
  fc.assert(
    fc.property(arrival, place, (groups, [table, column, row]) => {
      const file = join(folder, 'tw.db');
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
      const store = Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
      try {
        store.programs.put(PROGRAM.digest, PROGRAM.body);
        for (const group of groups) take(store, ...group);
        const [before, digest, stats] = [readAll(store), store.foldDigest(), store.stats()];
        const columns = FOLDS[table]!;
        spoil(file, table, columns[column % columns.length]!, row);
        const changed = store.foldDigest() !== digest;
        const told = refold(store, before);
        assert.equal(store.foldDigest(), digest);
        assert.deepEqual(store.stats(), stats);
        if (changed) assert.ok(told.length > 0, 'it is told');
      } finally {
        store.close();
      }
    }),
    { numRuns: 60 },
  );
});

test('what is folded again comes out as it was where nothing was changed, and is told to be right', (t) => {
  const folder = quickFolder(t);
  const arrival = anyHistory.chain((history) => anyArrival(history));
  fc.assert(
    fc.property(arrival, (groups) => {
      const file = join(folder, 'tw.db');
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
      const store = Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
      try {
        store.programs.put(PROGRAM.digest, PROGRAM.body);
        for (const group of groups) take(store, ...group);
        const [digest, stats] = [store.foldDigest(), store.stats()];
        const reader = store.digests();
        for (const one of [...reader.list()].flat()) {
          assert.deepEqual(
            store.transaction(() => store.refolder.refold(one)),
            [],
          );
        }
        reader.close();
        assert.deepEqual([store.foldDigest(), store.stats()], [digest, stats]);
      } finally {
        store.close();
      }
    }),
    { numRuns: 25 },
  );
});

test('every table of documents is told and put right, the mesh document and its rules included', async (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const fabs = [new DocumentFab(t, 'tw', undefined, file), new DocumentFab(t, 'az')];
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  await az.patch([['add', '/policies/*/~1disposition', 'most-restrictive']], { wafer: MESH });
  await exchange(fabs);
  void tw.bench.replica.write(batch([0, 1]));
  void tw.bench.replica.recordRun({ id: RUN, startedAtUs: 1 }, { ...RECORD, final: true });
  await tw.bench.commit();
  await tw.patch([['replace', '/disposition', 'release']]);
  await az.patch([['replace', '/disposition', 'scrap']]);
  await tw.patch([['add', '/grade', 'a']]);
  await az.patch([['add', '/grade', 'b']]);
  await exchange(fabs);
  const open = tw.conflicts().find(({ field }) => field === '/grade');
  await tw.resolve(open!.id, { choose: open!.members[0]!.dot });
  await az.retire();
  await tw.patch([['add', '/holds/H1', { reason: 'r' }]]);
  await az.patch([['replace', '/disposition', 'ship']]);
  await exchange(fabs);
  const digest = tw.store.foldDigest();
  const before = readAll(tw.store);
  const theirs = readAll(az.store);
  for (const [name, one] of before) assert.deepEqual(one.leaf, theirs.get(name)?.leaf, name);
  let told = 0;
  for (const [table, columns] of Object.entries(FOLDS)) {
    for (const column of columns) {
      for (let row = 0; row < 3 && spoil(file, table, column, row); row++) {
        const changed = tw.store.foldDigest() !== digest;
        const tables = refold(tw.store, before);
        assert.equal(tw.store.foldDigest(), digest, `${table}.${column}`);
        if (changed) assert.ok(tables.length > 0, `${table}.${column} is told`);
        if (changed) told++;
      }
    }
  }
  assert.ok(told > 30, `${told} changes were told`);
  assert.ok(before.get(`wafer ${W1.lot}/${W1.waferId}/${W1.insertion}`));
});
