import assert from 'node:assert/strict';
import { type Dot, formatDot } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import type { Store } from '../../src/store/store.ts';
import type { Update } from '../../src/wafer/update.ts';
import type { WaferKey } from '../../src/wafer/wafer-key.ts';
import { formatWafer } from '../../src/wafer/wafer-key.ts';
import { decodeEdit } from '../../src/wire/edit.ts';
import type { ModelEdit } from '../support/document-model.ts';

/** An update as it was born. */
export interface Birth {
  readonly update: Update;
  /** Position among all births: an update comes behind everything that its fab had applied. */
  readonly order: number;
  /** For an edit: itself in the model of happens-before. */
  readonly model: ModelEdit | null;
}

/** What one machine has applied, edit by edit, as the model sees it. */
export type AppliedEdits = Map<string, Set<ModelEdit>>;

/** Everything that was born and acknowledged anywhere, and what each machine has applied. */
export class Ledger {
  readonly births = new Map<string, Birth>();
  /** Attempts that a client was told are durable, by run and index. */
  readonly attempts = new Map<
    string,
    { readonly run: string; readonly index: number; readonly fab: string }
  >();
  /** Edits that a client was told are durable. */
  readonly edits = new Map<string, Dot>();
  /** Runs whose record a client was told is durable. */
  readonly runs = new Set<string>();
  /** Updates that some node's commit told of: their dots are taken. */
  readonly #told = new Set<string>();

  /** An update is born; what its fab has applied of the wafer is its past. Null for one that nobody can apply. */
  born(update: Update, applied: AppliedEdits | null): void {
    const name = formatDot(update.header.dot);
    // One whose commit was lost with the power gives its sequence to the next one.
    assert.ok(!this.#told.has(name), `${name} is born again, with other content`);
    const model = applied && modelOf(update, applied.get(formatWafer(update.header.wafer)) ?? new Set());
    this.births.set(name, { update, order: this.births.size, model });
  }

  /** A client was told that its edit is durable. */
  editAcknowledged(dot: Dot): void {
    this.edits.set(formatDot(dot), dot);
  }

  /** Content that some node has under a dot. */
  content(update: Update, where: string): void {
    const name = formatDot(update.header.dot);
    this.#told.add(name);
    const born = this.births.get(name);
    assert.ok(born, `${where} has ${name}, which was never born`);
    assert.ok(
      Buffer.compare(born.update.digest, update.digest) === 0,
      `${where} has other content under ${name}`,
    );
  }

  /** What a store has applied, told by its rows; and that its vectors say the same. */
  applied(store: Store, where: string): AppliedEdits {
    const edits: AppliedEdits = new Map();
    let applied = TransportVector.empty;
    for (let next = store.log.appliedAfter(0); next; next = store.log.appliedAfter(next.row.id)) {
      applied = applied.add(next.update.header.dot);
      this.content(next.update, where);
      this.noteEdit(edits, next.update);
    }
    assert.ok(
      applied.equals(store.vectors.applied),
      `${where} says that it applied ${store.vectors.applied}, and has rows of ${applied}`,
    );
    return edits;
  }

  /** An edit is applied at a machine. */
  noteEdit(edits: AppliedEdits, { header }: Update): void {
    if (header.kind !== 'edit' && header.kind !== 'retire') return;
    const model = this.births.get(formatDot(header.dot))?.model;
    if (!model) return;
    const wafer = formatWafer(header.wafer);
    const known = edits.get(wafer) ?? new Set();
    edits.set(wafer, known.add(model));
  }

  /** The transaction that applied it was undone. */
  forgetEdit(edits: AppliedEdits, { header }: Update): void {
    const model = this.births.get(formatDot(header.dot))?.model;
    if (model) edits.get(formatWafer(header.wafer))?.delete(model);
  }

  /** Edits of a wafer, in an order in which each comes behind its past. */
  editsOf(wafer: WaferKey): Birth[] {
    const name = formatWafer(wafer);
    return [...this.births.values()]
      .filter(({ model, update }) => model !== null && formatWafer(update.header.wafer) === name)
      .sort((a, b) => a.order - b.order);
  }
}

function modelOf({ header, payload }: Update, past: ReadonlySet<ModelEdit>): ModelEdit | null {
  if (header.kind !== 'edit' && header.kind !== 'retire') return null;
  const { writes, guards } = decodeEdit(payload);
  return {
    dot: header.dot,
    timestamp: header.timestamp,
    writes: new Map(writes.map(({ field, value }) => [field as string, value])),
    guards,
    applied: new Set(past),
  };
}
