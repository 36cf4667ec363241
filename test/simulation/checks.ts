import assert from 'node:assert/strict';
import { formatDot } from '../../src/clocks/dot.ts';
import type { Store } from '../../src/store/store.ts';
import { appliedOf } from '../../src/sync/report.ts';
import { allConflicts, conflictId, settlementOf } from '../../src/wafer/document/conflict.ts';
import type { FieldPath } from '../../src/wafer/document/field.ts';
import { DocumentState } from '../../src/wafer/document/view.ts';
import { decodeAttempts } from '../../src/wafer/payload/decode.ts';
import { formatWafer, type WaferKey } from '../../src/wafer/wafer-key.ts';
import { decodeEdit } from '../../src/wire/edit.ts';
import { siblingsOf } from '../support/document-mesh.ts';
import { ModelDocument, nameOf } from '../support/document-model.ts';
import type { AppliedEdits, Ledger } from './ledger.ts';
import type { NodeProcess } from './process.ts';
import { DOCUMENTS, valuesOf } from './workload.ts';

/** Siblings do not hang on policies. */
const ANY_POLICY = () => null;

/** What a node reports of itself, and what others hold that it reported, is durable there. */
export function reportsAreDurable(store: Store, others: readonly NodeProcess[]): void {
  const { received, applied } = store.vectors;
  for (const other of others) {
    for (const report of other.sync.reports()) {
      const { fab, epoch } = report.node;
      if (fab !== store.origin.fab || epoch !== store.origin.epoch) continue;
      assert.ok(
        received.covers(report.received) && applied.covers(appliedOf(report)),
        `${other.fab} was told that ${fab} has ${report.received}, which has ${received}`,
      );
    }
  }
}

/** The siblings of every field are those that the edits applied here leave by definition: contexts are exact. */
export function contextsAreExact(store: Store, applied: AppliedEdits, wafer: WaferKey): void {
  const edits = applied.get(formatWafer(wafer)) ?? new Set();
  const model = new ModelDocument(edits, ANY_POLICY);
  const expected = Object.fromEntries(
    model.fields.map((field) => [field, model.siblings(field).map(({ dot }) => nameOf(dot))]),
  );
  const { view } = store.documents.of(wafer);
  assert.deepEqual(siblingsOf(view), expected, `${store.origin.fab}: siblings of ${formatWafer(wafer)}`);
}

/** A rebuild gives the folds that there are. */
export function foldsEqualRebuild(store: Store): void {
  const digest = store.foldDigest();
  assert.equal(store.rebuild().digest, digest, `${store.origin.fab}: a rebuild gives other tables`);
}

/** Conflicts that stand are those of the edits taken in the order of their birth. */
export function conflictsAreThoseOfTheModel(store: Store, ledger: Ledger): number {
  let standing = 0;
  for (const wafer of DOCUMENTS) {
    const state = new DocumentState();
    for (const { update } of ledger.editsOf(wafer)) {
      if (!store.vectors.applied.has(update.header.dot)) continue;
      state.apply(decodeEdit(update.payload), update.header);
    }
    const { basis } = store.documents.of(wafer);
    const expected = allConflicts(state, basis)
      .map((conflict) => conflictId(wafer, settlementOf(conflict)))
      .filter((id) => !hasAttempts(store, id))
      .sort();
    const found = standingOf(store, wafer);
    assert.deepEqual(found, expected, `conflicts of ${formatWafer(wafer)}`);
    standing += found.length;
  }
  return standing;
}

type ConflictId = Parameters<Store['conflicts']['get']>[0];

/** Attempts are no part of the documents that the model has. */
function hasAttempts(store: Store, id: ConflictId): boolean {
  return store.conflicts.get(id)?.members.some(({ field }) => field === ('/attempts' as FieldPath)) ?? false;
}

function standingOf(store: Store, wafer: WaferKey): string[] {
  return store.conflicts
    .ids({ ...wafer }, '', 10_000)
    .filter((id) => {
      const conflict = store.conflicts.get(id)!;
      const verdict = conflict.kind === 'verdict';
      return conflict.state !== 'settled' && !verdict && !hasAttempts(store, id);
    })
    .sort();
}

/** Everything that a client was told is durable is there, with the values that it had. */
export function nothingAcknowledgedIsLost(store: Store, ledger: Ledger): void {
  const { attempts } = contentOf(store);
  for (const [key, { run, index, fab }] of ledger.attempts) {
    const values = attempts.get(key);
    assert.ok(values, `attempt ${key}, acknowledged at ${fab}, is lost at ${store.origin.fab}`);
    assert.deepEqual(values, valuesOf(run, index), `values of attempt ${key}`);
  }
  for (const dot of ledger.edits.values()) {
    assert.ok(
      store.vectors.received.has(dot),
      `edit ${formatDot(dot)}, acknowledged, is lost at ${store.origin.fab}`,
    );
  }
  for (const run of ledger.runs) {
    const record = store.runs.get(run as NonNullable<Parameters<typeof store.runs.get>[0]>)?.record;
    assert.ok(record, `the record of run ${run}, acknowledged, is lost`);
  }
}

function contentOf(store: Store): { attempts: Map<string, number[]> } {
  const attempts = new Map<string, number[]>();
  for (let next = store.log.appliedAfter(0); next; next = store.log.appliedAfter(next.row.id)) {
    const { header, payload } = next.update;
    if (header.kind !== 'results') continue;
    for (const { index, results } of decodeAttempts(payload))
      attempts.set(`${header.run!.id}:${index}`, [...results.values]);
  }
  return { attempts };
}
