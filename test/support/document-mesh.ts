import { type Dot, type Epoch, type FabId, sequence } from '../../src/clocks/dot.ts';
import type { Timestamp } from '../../src/clocks/hlc.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { composeEdit } from '../../src/wafer/document/compose.ts';
import { allConflicts, type Conflict } from '../../src/wafer/document/conflict.ts';
import type { Edit } from '../../src/wafer/document/edit.ts';
import type { FieldPath } from '../../src/wafer/document/field.ts';
import { DocumentState, type DocumentView } from '../../src/wafer/document/view.ts';
import { ModelDocument, type ModelEdit, nameOf } from './document-model.ts';
import { BASIS, modelPolicy } from './document-policies.ts';

/** New values and guards of an edit, before anybody knows what it replaces. */
export interface Intent {
  readonly values: ReadonlyMap<string, string | null>;
  readonly guards: readonly string[];
}

/** An edit that was born, as the code and as the model have it. */
export interface Born {
  readonly edit: Edit;
  readonly dot: Dot;
  readonly timestamp: Timestamp;
  readonly model: ModelEdit;
}

/** Document and model of one fab. */
export class MeshFab {
  readonly state = new DocumentState();
  readonly applied = new Set<ModelEdit>();
  readonly #fab: FabId;
  #epoch: number;
  #sequence = 0;
  #clock = 0;

  constructor(fab: FabId, epoch: Epoch) {
    this.#fab = fab;
    this.#epoch = epoch;
  }

  /** Goes on under a new epoch, with what it has. */
  beginEpoch(): void {
    this.#epoch++;
    this.#sequence = 0;
  }

  /** Composes an edit against the document as it is here, and applies it; null where it would write nothing. */
  write({ values, guards }: Intent, now: number): Born | null {
    const edit = composeEdit(this.state, {
      ...{ author: '', reason: '', policyVersion: 1, attempts: () => TransportVector.empty },
      values: values as ReadonlyMap<FieldPath, string | null>,
      guards: guards as readonly FieldPath[],
      conflicts: this.conflicts(),
    });
    if (!edit) return null;
    const epoch = this.#epoch as Epoch;
    const dot = { fab: this.#fab, epoch, sequence: sequence(++this.#sequence) };
    this.#clock = Math.max(this.#clock + 1, now);
    const timestamp = this.#clock as Timestamp;
    const writes = new Map(edit.writes.map(({ field, value }) => [field as string, value]));
    const model = { dot, timestamp, writes, guards: edit.guards, applied: new Set(this.applied) };
    const born = { edit, dot, timestamp, model };
    this.take(born);
    return born;
  }

  take({ edit, dot, timestamp, model }: Born): void {
    this.state.apply(edit, { dot, timestamp });
    this.applied.add(model);
  }

  conflicts(): Conflict[] {
    return allConflicts(this.state, BASIS);
  }

  /** What the definition makes of the edits that are applied here. */
  model(): ModelDocument {
    return new ModelDocument(this.applied, modelPolicy);
  }
}

/** Siblings of every field, by name. */
export function siblingsOf(view: DocumentView): Record<string, string[]> {
  const fields = view.below('').map(([field, siblings]) => [field, siblings.map(({ dot }) => nameOf(dot))]);
  return Object.fromEntries(fields);
}

/** The same of the model. */
export function modelSiblings(model: ModelDocument): Record<string, string[]> {
  return Object.fromEntries(
    model.fields.map((field) => [field, model.siblings(field).map(({ dot }) => nameOf(dot))]),
  );
}

/** Conflicts as `kind field: dots`, sorted; the same as those of the model just when both name the same. */
export function named(
  conflicts: readonly { kind: string; field: string; dots: readonly string[] }[],
): string[] {
  return conflicts.map(({ kind, field, dots }) => `${kind} ${field}: ${dots.join(', ')}`).sort();
}
