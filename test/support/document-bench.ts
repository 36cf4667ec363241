import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { EditReceipt } from '../../src/replica/commit.ts';
import type { Decision } from '../../src/replica/editor.ts';
import type { ConflictRow } from '../../src/store/conflicts.ts';
import { documentOf, etagOf } from '../../src/store/documents.ts';
import type { ConflictId } from '../../src/wafer/document/conflict.ts';
import type { Json } from '../../src/wafer/document/json.ts';
import { MESH } from '../../src/wafer/document/mesh.ts';
import type { Update } from '../../src/wafer/update.ts';
import type { WaferKey } from '../../src/wafer/wafer-key.ts';
import { Bench, PROGRAM } from '../replica/replica-fixture.ts';
import { ManualWorld } from './manual-world.ts';

/** The wafer of every test that names none. */
export const W1: WaferKey = { lot: 'L1', waferId: 'W1', insertion: 'CP1' };

type Operation = readonly [op: string, path: string, value?: Json];

/** What a test may say of an edit. */
export interface EditPart {
  readonly wafer?: WaferKey;
  readonly author?: string;
  readonly reason?: string;
  readonly version?: number;
  readonly etag?: string;
}

/** A fab with documents: a replica over a real store, and everything that was born there. */
export class DocumentFab {
  readonly bench: Bench;
  readonly born: Update[] = [];

  constructor(t: TestContext, fab: string, world = new ManualWorld(), file?: string) {
    this.bench = new Bench(t, fab, { world, ...(file === undefined ? {} : { file }) });
    this.bench.replica.commits.subscribe(({ added }) => {
      for (const { update, token } of added) if (token === null) this.born.push(update);
    });
  }

  get store() {
    return this.bench.store;
  }

  /** Patches a document; the operations are written as [op, path, value]. */
  patch(operations: readonly Operation[], part: EditPart = {}): Promise<EditReceipt> {
    const patch = operations.map(([op, path, value]) => ({
      op,
      path,
      ...(value === undefined ? {} : { value }),
    }));
    return this.#commit((editor) => editor.patch(requestOf(part), JSON.stringify(patch), true));
  }

  retire(part: EditPart = {}): Promise<EditReceipt> {
    return this.#commit((editor) => editor.retire(requestOf(part)));
  }

  resolve(id: ConflictId, decision: Decision, author = 'pat', reason = 'looked'): Promise<EditReceipt> {
    return this.#commit((editor) => editor.resolve(id, decision, { author, reason }));
  }

  /** Takes in updates of other fabs, in the order given. */
  async take(...updates: readonly Update[]): Promise<void> {
    this.bench.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
    for (const update of updates) this.bench.replica.receive({ update, token: '' });
    await this.bench.commit();
  }

  document(key: WaferKey = W1): Record<string, Json> {
    return documentOf(this.store.documents.of(key)) as Record<string, Json>;
  }

  etag(key: WaferKey = W1): string {
    return etagOf(this.store.documents.of(key));
  }

  /** All conflicts that are known here, by id. */
  conflicts(): ConflictRow[] {
    return this.store.conflicts.ids({}, '', 1000).map((id) => this.store.conflicts.get(id)!);
  }

  /** Those that stand, as `state kind field: fab=value …`, sorted. */
  standing(): string[] {
    return this.conflicts()
      .filter(({ state }) => state !== 'settled')
      .map(({ state, kind, field, members }) => {
        const sides = members.map((member) => `${member.dot.fab} ${member.field}=${member.value}`).sort();
        return `${state} ${kind} ${field}: ${sides.join(', ')}`;
      })
      .sort();
  }

  async #commit(plan: Parameters<Bench['replica']['edit']>[0]): Promise<EditReceipt> {
    const receipt = this.bench.replica.edit(plan);
    // Marked as handled: whoever calls awaits it once the commit is done.
    receipt.catch(() => {});
    await this.bench.commit();
    return receipt;
  }
}

/** Gives every fab what was born at all, each in its own order. */
export async function exchange(fabs: readonly DocumentFab[]): Promise<void> {
  for (const [i, fab] of fabs.entries()) {
    const others = fabs.filter((other) => other !== fab).flatMap(({ born }) => born);
    await fab.take(...(i % 2 === 0 ? others : others.toReversed()));
  }
}

function requestOf({ wafer = W1, author = 'kim', reason = '', version, etag }: EditPart) {
  const expected = { ...(version === undefined ? {} : { version }), ...(etag === undefined ? {} : { etag }) };
  return { wafer, author, reason, expected };
}

export { MESH };

/** Throws unless the folds of all are the same, and those of a rebuild. */
export function equalFolds(fabs: readonly DocumentFab[]): void {
  const [first, ...rest] = fabs.map(({ store }) => store.foldDigest());
  for (const digest of rest) assert.equal(digest, first);
  for (const { store } of fabs) assert.equal(store.rebuild().digest, first, 'a rebuild gives the same');
}
