import type { Dot } from '../../src/clocks/dot.ts';

/**
 * Documents and their conflicts by definition: a graph of who had applied what, and no vectors. It shares nothing
 * with the code but the shape of a dot, and looks through everything each time.
 */

/** An edit, as it was born. */
export interface ModelEdit {
  readonly dot: Dot;
  readonly timestamp: number;
  /** Canonical JSON text of each field; null removes it. */
  readonly writes: ReadonlyMap<string, string | null>;
  readonly guards: readonly string[];
  /** Every edit that its fab had applied. */
  readonly applied: ReadonlySet<ModelEdit>;
}

/** A conflict by what names it. */
export interface ModelConflict {
  readonly kind: 'field' | 'shape' | 'guard';
  readonly field: string;
  /** Edits in dispute, each once, in the order of their dots; of a guard, the guarded edit first. */
  readonly dots: readonly string[];
}

/** What is shown of a field, and the edits that it comes from. */
export interface Visible {
  readonly value: string;
  readonly from: readonly ModelEdit[];
}

/** `tw 3 of 1`: enough to tell edits apart. */
export function nameOf({ fab, epoch, sequence }: Dot): string {
  return `${fab} ${sequence} of ${epoch}`;
}

/** The order of time; the dot decides between equals. */
export function byTime(a: ModelEdit, b: ModelEdit): number {
  return a.timestamp - b.timestamp || byDot(a, b);
}

function byDot({ dot: a }: ModelEdit, { dot: b }: ModelEdit): number {
  if (a.fab !== b.fab) return a.fab < b.fab ? -1 : 1;
  return a.epoch - b.epoch || a.sequence - b.sequence;
}

function within(field: string, branch: string): boolean {
  return field === branch || field.startsWith(`${branch}/`);
}

const pasts = new WeakMap<ModelEdit, Map<string, ReadonlySet<ModelEdit>>>();

/** All writes of a field that came before an edit: those applied where it was born, and all before each of them. */
export function pastOf(edit: ModelEdit, field: string): ReadonlySet<ModelEdit> {
  const known = pasts.get(edit) ?? new Map<string, ReadonlySet<ModelEdit>>();
  pasts.set(edit, known);
  const found = known.get(field);
  if (found) return found;
  const past = new Set<ModelEdit>();
  for (const parent of edit.applied) {
    if (!parent.writes.has(field)) continue;
    past.add(parent);
    for (const older of pastOf(parent, field)) past.add(older);
  }
  known.set(field, past);
  return past;
}

/** How the model reads a policy: the edits among siblings whose value is shown. */
export type ModelPolicy = (siblings: readonly ModelEdit[], field: string) => Visible | null;

/** A document by the edits that it is made of, in no order. */
export class ModelDocument {
  readonly #edits: ReadonlySet<ModelEdit>;
  readonly #policy: ModelPolicy;
  readonly #siblings = new Map<string, readonly ModelEdit[]>();

  constructor(edits: Iterable<ModelEdit>, policy: ModelPolicy) {
    this.#edits = new Set(edits);
    this.#policy = policy;
  }

  /** Every field that was ever written, sorted. */
  get fields(): string[] {
    return [...new Set([...this.#edits].flatMap(({ writes }) => [...writes.keys()]))].sort();
  }

  /** Writes of a field that came before no other write of it, in the order of dots. */
  siblings(field: string): readonly ModelEdit[] {
    const known = this.#siblings.get(field);
    if (known) return known;
    const writers = [...this.#edits].filter(({ writes }) => writes.has(field));
    const siblings = writers.filter((edit) => !writers.some((later) => pastOf(later, field).has(edit)));
    this.#siblings.set(field, siblings.sort(byDot));
    return siblings;
  }

  visible(field: string): Visible | null {
    const siblings = this.siblings(field);
    return siblings.length === 0 ? null : this.#policy(siblings, field);
  }

  fieldConflicts(): ModelConflict[] {
    return this.fields.flatMap((field) => {
      const siblings = this.siblings(field);
      const values = new Set(siblings.map(({ writes }) => writes.get(field)));
      return values.size > 1 ? [conflictOf('field', field, siblings)] : [];
    });
  }

  /** A value at a field that shows one, against all that shows below it. */
  shapeConflicts(): ModelConflict[] {
    return this.fields.flatMap((field) => {
      const own = this.visible(field);
      const below = this.#visibleBelow(field);
      if (!own || own.value === '{}' || below.length === 0) return [];
      return [
        conflictOf(
          'shape',
          field,
          [own, ...below].flatMap(({ from }) => from),
        ),
      ];
    });
  }

  /** Guarded edits that still stand somewhere, against what was written below their guards by the unaware. */
  guardConflicts(): ModelConflict[] {
    return [...this.#edits].flatMap((edit) => {
      const stands = this.#standsIn(edit);
      const against = stands.length === 0 ? [] : this.#against(edit, stands);
      return against.length > 0 ? [conflictOf('guard', stands[0]!, against, edit)] : [];
    });
  }

  conflicts(): ModelConflict[] {
    return [...this.fieldConflicts(), ...this.shapeConflicts(), ...this.guardConflicts()];
  }

  /** What is shown at a path and below: of a value and members, whichever was written last. */
  render(path = ''): unknown {
    const own = this.visible(path);
    const below = this.#visibleBelow(path);
    if (below.length === 0) return own ? JSON.parse(own.value) : undefined;
    if (own && own.value !== '{}' && byTime(newest([own]), newest(below)) > 0) return JSON.parse(own.value);
    const names = new Set(below.map(({ field }) => field.slice(path.length + 1).split('/')[0]!));
    return Object.fromEntries([...names].sort().map((name) => [name, this.render(`${path}/${name}`)]));
  }

  #visibleBelow(field: string): (Visible & { readonly field: string })[] {
    return this.fields.flatMap((path) => {
      const shown = path !== field && within(path, field) ? this.visible(path) : null;
      return shown ? [{ ...shown, field: path }] : [];
    });
  }

  #standsIn(edit: ModelEdit): string[] {
    return [...edit.writes.keys()].filter((field) => this.siblings(field).includes(edit)).sort();
  }

  /** What rests on there being no hold minds who keeps one that it took away. */
  #tookAway(edit: ModelEdit, guard: string, field: string): boolean {
    const stands = this.siblings(field).includes(edit);
    return guard === '/holds' && (!stands || edit.writes.get(field) === null);
  }

  #against(edit: ModelEdit, stands: readonly string[]): ModelEdit[] {
    return edit.guards.flatMap((guard) =>
      this.fields
        .filter(
          (field) => within(field, guard) && (!edit.writes.has(field) || this.#tookAway(edit, guard, field)),
        )
        .flatMap((field) =>
          this.siblings(field).filter((write) => {
            const tolerated = guard === '/holds' && [null, '{}'].includes(write.writes.get(field)!);
            const knewIt = pastOf(edit, field).has(write);
            const wasKnown = [...stands, field].some((own) => pastOf(write, own).has(edit));
            return write !== edit && !tolerated && !knewIt && !wasKnown;
          }),
        ),
    );
  }
}

function conflictOf(
  kind: ModelConflict['kind'],
  field: string,
  edits: readonly ModelEdit[],
  guarded?: ModelEdit,
): ModelConflict {
  const sorted = [...new Set(edits)].sort(byDot);
  return { kind, field, dots: (guarded ? [guarded, ...sorted] : sorted).map(({ dot }) => nameOf(dot)) };
}

function newest(shown: readonly Visible[]): ModelEdit {
  return shown
    .flatMap(({ from }) => from)
    .sort(byTime)
    .at(-1)!;
}
