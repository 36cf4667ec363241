import type { Dot } from '../../clocks/dot.ts';
import { formatDot } from '../../clocks/dot.ts';
import { VersionVector } from '../../clocks/version-vector.ts';
import type { Birth, Edit, Grounds, GuardedEdit, Sibling } from './edit.ts';
import { type FieldPath, isWithin } from './field.ts';
import { mergeWrite } from './siblings.ts';

/** A field and its siblings; at least one. */
export type FieldState = readonly [field: FieldPath, siblings: readonly Sibling[]];

/** The state of one document: what its writes have left. */
export interface DocumentView {
  /** Siblings of a field; none where nothing ever wrote it. */
  siblings(field: FieldPath): readonly Sibling[];
  /** The fields below a branch, that itself left out, sorted. `''` is the whole document. */
  below(branch: FieldPath | ''): readonly FieldState[];
  /** The edits that rest on other fields and of which a write stands. */
  guarded(): readonly GuardedEdit[];
  /** Which fields ever rested on which branches, each once. */
  grounds(): readonly Grounds[];
  /** What an edit had seen of a field that it did not write; empty where it says nothing. */
  seen(edit: Dot, field: FieldPath): VersionVector;
  /** Results updates that an edit which rests on the attempts did not know, and that did not know the edit. */
  attemptsUnseen(edit: GuardedEdit): readonly Birth[];
}

/** The fields at and below a branch. */
export function fieldsWithin(view: DocumentView, branch: FieldPath): readonly FieldState[] {
  const own = view.siblings(branch);
  return own.length > 0 ? [[branch, own], ...view.below(branch)] : view.below(branch);
}

/** A document in memory. */
export class DocumentState implements DocumentView {
  readonly #fields = new Map<FieldPath, readonly Sibling[]>();
  readonly #guarded: GuardedEdit[] = [];
  readonly #seen = new Map<string, VersionVector>();

  /** Takes in an edit; the same edit again changes nothing. Gives the fields that it writes. */
  apply(edit: Edit, { dot, timestamp }: Birth): FieldPath[] {
    for (const { field, value, context } of edit.writes) {
      const write: Sibling = { dot, timestamp, value, context };
      this.#fields.set(field, mergeWrite(this.siblings(field), write));
    }
    const fields = edit.writes.map(({ field }) => field);
    for (const { field, context } of edit.seen) this.#seen.set(seenKey(dot, field), context);
    if (edit.guards.length > 0 && !this.#guarded.some((known) => formatDot(known.dot) === formatDot(dot))) {
      this.#guarded.push({ dot, timestamp, guards: edit.guards, fields: [...fields].sort() });
    }
    return fields;
  }

  siblings(field: FieldPath): readonly Sibling[] {
    return this.#fields.get(field) ?? [];
  }

  below(branch: FieldPath | ''): readonly FieldState[] {
    return [...this.#fields]
      .filter(([field]) => field !== branch && isWithin(field, branch))
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  guarded(): readonly GuardedEdit[] {
    return this.#guarded.filter(({ dot, fields }) =>
      fields.some((field) =>
        this.siblings(field).some((sibling) => formatDot(sibling.dot) === formatDot(dot)),
      ),
    );
  }

  grounds(): readonly Grounds[] {
    return this.#guarded;
  }

  seen(edit: Dot, field: FieldPath): VersionVector {
    return this.#seen.get(seenKey(edit, field)) ?? VersionVector.empty;
  }

  attemptsUnseen(): readonly Birth[] {
    return [];
  }
}

function seenKey(dot: Dot, field: FieldPath): string {
  return `${formatDot(dot)} ${field}`;
}
