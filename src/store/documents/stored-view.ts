import type { Dot, FabId } from '../../clocks/dot.ts';
import { compareDots } from '../../clocks/dot.ts';
import type { Timestamp } from '../../clocks/hlc.ts';
import type { TransportVector } from '../../clocks/transport-vector.ts';
import { VersionVector } from '../../clocks/version-vector.ts';
import type { Birth, Grounds, GuardedEdit, Sibling } from '../../wafer/document/edit.ts';
import type { FieldPath } from '../../wafer/document/field.ts';
import { homeFabOf } from '../../wafer/document/shown.ts';
import type { DocumentView, FieldState } from '../../wafer/document/view.ts';
import type { Connection } from '../connection.ts';
import { type IntervalRow, vectorOf } from '../interval-rows.ts';
import type { LocalKeys } from '../keys.ts';
import { type AttemptBirths, knew } from './attempt-births.ts';
import { parseContext } from './dot-text.ts';
import type { WaferOrigins } from './wafer-origins.ts';

/** Reads documents field by field; one for all of a connection. */
export class DocumentQueries {
  readonly keys: LocalKeys;
  readonly births: AttemptBirths;
  readonly origins: WaferOrigins;
  readonly statements;

  constructor(connection: Connection, keys: LocalKeys, births: AttemptBirths, origins: WaferOrigins) {
    this.keys = keys;
    this.births = births;
    this.origins = origins;
    this.statements = statements(connection);
  }

  /** The document of a wafer's number, read as it is asked for. */
  view(wafer: number): StoredView {
    return new StoredView(this, wafer);
  }

  /** Updates that an edit says its writer had applied. */
  attemptsSeen(updateRow: number): TransportVector {
    return vectorOf(this.keys, this.statements.attemptsSeen.all(updateRow));
  }

  /** All that the edits of a wafer which rest on attempts say they had applied. */
  allAttemptsSeen(wafer: number): TransportVector {
    return vectorOf(this.keys, this.statements.allAttemptsSeen.all(wafer));
  }

  /** Row of a dot that is in the log; null where it is not here. */
  rowOf(dot: Dot): number | null {
    const origin = this.keys.findOrigin(dot);
    return origin === null ? null : (this.statements.row.get(origin, dot.sequence)?.id ?? null);
  }
}

/**
 * The document of one wafer as the tables have it, read as it is asked for.
 *
 * Invariant: what was read is what the tables have: whoever writes siblings says so by {@link StoredView.put}, and
 * whoever writes anything else takes a new view.
 */
export class StoredView implements DocumentView {
  readonly #queries: DocumentQueries;
  readonly wafer: number;
  readonly #siblings = new Map<FieldPath, readonly Sibling[]>();
  #guarded: readonly GuardedEdit[] | null = null;
  #homeFab: FabId | null | undefined;

  constructor(queries: DocumentQueries, wafer: number) {
    this.#queries = queries;
    this.wafer = wafer;
  }

  siblings(field: FieldPath): readonly Sibling[] {
    const known = this.#siblings.get(field);
    if (known) return known;
    const rows = this.#queries.statements.siblings.all(this.wafer, field);
    const siblings = rows.map((row) => this.#sibling(row)).sort((a, b) => compareDots(a.dot, b.dot));
    this.#siblings.set(field, siblings);
    return siblings;
  }

  /** The tables have other siblings of a field now. */
  put(field: FieldPath, siblings: readonly Sibling[]): void {
    this.#siblings.set(field, siblings);
  }

  below(branch: FieldPath | ''): readonly FieldState[] {
    // Every path below /a is at least /a/ and less than /a0: 0 is the character behind the slash.
    const rows = this.#queries.statements.below.all(this.wafer, `${branch}/`, `${branch}0`);
    const fields = Map.groupBy(rows, ({ field }) => field);
    return [...fields].map(([field, own]) => [
      field as FieldPath,
      own.map((row) => this.#sibling(row)).sort((a, b) => compareDots(a.dot, b.dot)),
    ]);
  }

  guarded(): readonly GuardedEdit[] {
    this.#guarded ??= this.#queries.statements.guarded.all(this.wafer).map((row) => ({
      dot: this.#queries.keys.dot(row.origin, row.sequence),
      timestamp: row.timestamp as Timestamp,
      guards: JSON.parse(row.guards) as FieldPath[],
      fields: JSON.parse(row.fields) as FieldPath[],
    }));
    return this.#guarded;
  }

  grounds(): readonly Grounds[] {
    return this.#queries.statements.grounds.all(this.wafer).map(({ guards, fields }) => ({
      guards: JSON.parse(guards) as FieldPath[],
      fields: JSON.parse(fields) as FieldPath[],
    }));
  }

  seen(edit: Dot, field: FieldPath): VersionVector {
    const row = this.#queries.rowOf(edit);
    const seen = row === null ? undefined : this.#queries.statements.seen.get(row, field);
    return seen ? parseContext(seen.context) : VersionVector.empty;
  }

  attemptsUnseen({ dot }: GuardedEdit): readonly Birth[] {
    const { births } = this.#queries;
    const seen = this.#queries.attemptsSeen(this.#queries.rowOf(dot)!);
    return births
      .unseen(this.wafer, seen)
      .filter((update) => !knew(update, dot) && !births.holdsAttempts(seen, update))
      .map((update) => ({ dot: update.dot, timestamp: update.timestamp }));
  }

  /** The home fab that the document names. */
  get homeFab(): FabId | null {
    if (this.#homeFab === undefined) this.#homeFab = homeFabOf(this);
    return this.#homeFab;
  }

  #sibling({ origin, sequence, timestamp, value, context }: SiblingRow): Sibling {
    return {
      dot: this.#queries.keys.dot(origin, sequence),
      timestamp: timestamp as Timestamp,
      value,
      context: parseContext(context),
    };
  }
}

interface SiblingRow {
  readonly field: string;
  readonly value: string | null;
  readonly context: string;
  readonly origin: number;
  readonly sequence: number;
  readonly timestamp: number;
}

interface GuardedRow {
  readonly origin: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly guards: string;
  readonly fields: string;
}

function statements(connection: Connection) {
  const sibling = `SELECT s.field, s.value, s.context, u.origin, u.sequence, u.timestamp
    FROM siblings s JOIN update_log u ON u.id = s.update_row`;
  return {
    siblings: connection.prepare<[number, string], SiblingRow>(
      `${sibling} WHERE s.wafer = ? AND s.field = ?`,
    ),
    below: connection.prepare<[number, string, string], SiblingRow>(
      `${sibling} WHERE s.wafer = ? AND s.field >= ? AND s.field < ? ORDER BY s.field`,
    ),
    guarded: connection.prepare<[number], GuardedRow>(
      `SELECT u.origin, u.sequence, u.timestamp, g.guards, g.fields
       FROM guarded_edits g JOIN update_log u ON u.id = g.update_row WHERE g.wafer = ? ORDER BY u.timestamp, u.id`,
    ),
    grounds: connection.prepare<[number], { guards: string; fields: string }>(
      'SELECT guards, fields FROM grounds WHERE wafer = ?',
    ),
    seen: connection.prepare<[number, string], { context: string }>(
      'SELECT context FROM fields_seen WHERE update_row = ? AND field = ?',
    ),
    attemptsSeen: connection.prepare<[number], IntervalRow>(
      'SELECT origin, first, last FROM attempts_seen WHERE update_row = ?',
    ),
    allAttemptsSeen: connection.prepare<[number], IntervalRow>(
      `SELECT s.origin, s.first, s.last FROM update_log u JOIN attempts_seen s ON s.update_row = u.id
       WHERE u.wafer = ? AND u.kind IN ('edit', 'retire')`,
    ),
    row: connection.prepare<[number, number], { id: number }>(
      'SELECT id FROM update_log WHERE origin = ? AND sequence = ?',
    ),
  };
}
