import assert from 'node:assert/strict';
import { formatDot } from '../../src/clocks/dot.ts';
import type { Store } from '../../src/store/store.ts';
import { appliedOf } from '../../src/sync/report.ts';
import { allConflicts, conflictId, settlementOf } from '../../src/wafer/document/conflict.ts';
import type { FieldPath } from '../../src/wafer/document/field.ts';
import { DocumentState } from '../../src/wafer/document/view.ts';
import { decodeAttempts } from '../../src/wafer/payload/decode.ts';
import { blankAttempts, isStubPayload } from '../../src/wafer/payload/stub.ts';
import type { RunId } from '../../src/wafer/run.ts';
import type { Update } from '../../src/wafer/update.ts';
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
  const { applied } = store.vectors;
  const received = store.vectors.received.join(store.log.damaged);
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
      if (!hasApplied(store, update)) continue;
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

/** Whether just this is applied: what was born and lost before anybody was told has left its dot to another. */
function hasApplied(store: Store, { header: { dot }, digest }: Update): boolean {
  const stored = store.log.digestOf(dot);
  return store.vectors.applied.has(dot) && stored !== null && Buffer.compare(stored, digest) === 0;
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

/** Everything that a client was told is durable is there, with the values that it had; unless its only disk is lost. */
export function nothingAcknowledgedIsLost(stores: readonly Store[], ledger: Ledger): void {
  const store = stores[0]!;
  const { attempts, edits } = contentOf(store);
  for (const [name, acknowledged] of ledger.acknowledged) {
    const { what, key, fab } = acknowledged;
    if (ledger.lost.has(name) || (ledger.forked && ledger.keptAside(acknowledged, stores))) continue;
    const lost = `${name}, acknowledged at ${fab}, is lost at ${store.origin.fab}`;
    if (what === 'attempt') {
      const [run, index] = key.split(':') as [string, string];
      assert.ok(attempts.has(key), lost);
      const values = attempts.get(key);
      if (values !== PURGED) assert.deepEqual(values, valuesOf(run, Number(index)), `values of ${name}`);
    } else if (what === 'run') assert.ok(store.runs.get(key as RunId)?.record, lost);
    else {
      const edit = ledger.editOf(key);
      assert.ok(edit && edits.has(signatureOf(edit)), lost);
    }
  }
}

/** Every test program that an applied update names is here, and is what it was. */
export function programsAreSound(store: Store): void {
  for (let next = store.log.appliedAfter(0); next; next = store.log.appliedAfter(next.row.id)) {
    const { program } = next.update.header;
    if (program !== null) assert.ok(store.programs.get(program), `${program} at ${store.origin.fab}`);
  }
}

/** All say the same of every fab that the mesh document names. */
export function membersAreAlike(processes: readonly Pick<NodeProcess, 'membership' | 'store'>[]): void {
  const said = ({ membership, store }: Pick<NodeProcess, 'membership' | 'store'>) =>
    [...store.documents.fabs.states.keys()].sort().map((fab) => `${fab} ${membership.stateOf(fab)}`);
  const [first, ...others] = processes.map(said);
  for (const other of others) assert.deepEqual(other, first);
}

/** Whether two nodes have received the same updates, and the same ones under their dots. */
export function haveTheSame(a: Store, b: Store): boolean {
  return (
    a.vectors.received.equals(b.vectors.received) &&
    a.chains.all().every(({ origin, height, hash }) => b.chains.at(origin, height) === hash)
  );
}

/** All nodes have the same updates under the same dots. */
export function logsAreEqual(store: Store, other: Store): void {
  for (let next = store.log.appliedAfter(0); next; next = store.log.appliedAfter(next.row.id)) {
    const { dot } = next.update.header;
    const theirs = other.log.digestOf(dot);
    assert.ok(
      theirs && Buffer.compare(theirs, next.update.digest) === 0,
      `${store.origin.fab} and ${other.origin.fab} have other updates under ${formatDot(dot)}`,
    );
    const payload = other.log.get(dot)!.payload;
    assert.ok(
      Buffer.compare(payload, next.update.payload) === 0,
      `${formatDot(dot)} is purged at one of two fabs`,
    );
  }
}

/** Nothing that an applied purge names is there in full, and nothing is a stub that none names. */
export function purgesAreDone(store: Store, ledger: Ledger): void {
  for (let next = store.log.appliedAfter(0); next; next = store.log.appliedAfter(next.row.id)) {
    const { header, stubDigest } = next.update;
    if (header.kind !== 'results') continue;
    const name = `${formatDot(header.dot)} at ${store.origin.fab}`;
    const inFull = stubDigest ? null : store.stubs.naming(header.dot);
    assert.ok(!inFull || !store.purges.names(header.dot, inFull.stubDigest), `${name} is back in full`);
    // What gave way in a fork may have been purged by a purge that gave way as well.
    if (!stubDigest || ledger.forked) continue;
    assert.ok(store.purges.names(header.dot, stubDigest), `${name} is a stub, and no purge names it`);
  }
}

/** Stands for the values of a stub. */
const PURGED = 'purged';

function contentOf(store: Store): { attempts: Map<string, number[] | typeof PURGED>; edits: Set<string> } {
  const attempts = new Map<string, number[] | typeof PURGED>();
  const edits = new Set<string>();
  for (let next = store.log.appliedAfter(0); next; next = store.log.appliedAfter(next.row.id)) {
    const { header, payload } = next.update;
    if (header.kind === 'edit' || header.kind === 'retire') edits.add(signatureOf(next.update));
    if (header.kind !== 'results') continue;
    const stub = isStubPayload(payload);
    for (const { index, results } of stub ? blankAttempts(payload) : decodeAttempts(payload)) {
      const key = `${header.run!.id}:${index}`;
      if (!stub || !attempts.has(key)) attempts.set(key, stub ? PURGED : [...results.values]);
    }
  }
  return { attempts, edits };
}

/** What an edit wrote, when and where: the same when it is issued again under another dot. */
function signatureOf({ header, payload }: Update): string {
  const { writes } = decodeEdit(payload);
  return JSON.stringify([
    ...[header.dot.fab, header.timestamp, header.kind, formatWafer(header.wafer)],
    writes.map(({ field, value }) => [field, value]),
  ]);
}
