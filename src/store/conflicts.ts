import { compareDots, type Dot, type FabId, formatDot } from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import type { Conflict, ConflictId, Member } from '../wafer/document/conflict.ts';
import { type ConflictKind, compareBirths, type Edit, type FieldWrite } from '../wafer/document/edit.ts';
import type { FieldPath } from '../wafer/document/field.ts';
import { ATTEMPTS } from '../wafer/document/guards.ts';
import type { PolicyName } from '../wafer/document/policies/index.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection, Value } from './connection.ts';
import { parseDots } from './documents/dot-text.ts';
import type { LocalKeys } from './keys.ts';
import type { Decoders } from './types.ts';
import type { UpdateLog } from './update-log.ts';

/** `open` for a person; `ruled`: a policy has chosen; `settled`: a later write has seen all of it. */
export type ConflictState = 'open' | 'ruled' | 'settled';

/** What stands, or stood, against others in a conflict. */
export interface ConflictMember extends Member {
  /** Who wrote it, as the client said; of an attempt empty. */
  readonly author: string;
  /** Why; empty if not said. */
  readonly reason: string;
  /** The write itself; null for an attempt, and where the edit has not come yet. */
  readonly write: FieldWrite | null;
  /** Whether it is shown. */
  readonly chosen: boolean;
  /** Whether its update is here. */
  readonly here: boolean;
}

/** An edit that ended a conflict. */
export interface SettlementRow {
  readonly dot: Dot;
  readonly timestamp: Timestamp;
  readonly author: string;
  readonly reason: string;
  /** What it wrote. */
  readonly writes: readonly FieldWrite[];
}

/** A conflict that stands, or was settled. */
export interface ConflictRow {
  readonly id: ConflictId;
  readonly wafer: WaferKey;
  readonly kind: ConflictKind;
  readonly field: FieldPath;
  readonly state: ConflictState;
  /** Policy that chose what is shown, and the pattern of its rule; null once it is settled. */
  readonly policy: PolicyName | null;
  readonly pattern: string | null;
  /** By time. */
  readonly members: readonly ConflictMember[];
  /** Edits that ended it, by dot; none while it stands. */
  readonly settlements: readonly SettlementRow[];
}

/** Which conflicts are asked for; an absent part matches everything. */
export interface ConflictFilter {
  readonly waferId?: string;
  readonly lot?: string;
  readonly insertion?: string;
  readonly state?: ConflictState;
  readonly kind?: ConflictKind;
  /** Fab that wrote one of the members. Of settled ones, not told apart. */
  readonly fab?: FabId;
}

/** Edits that are kept decoded: an edit of many fields is in as many conflicts, listed one behind the other. */
const MAX_DECODED = 8;

/**
 * The conflicts that are known here.
 *
 * Invariant: an edit kept in memory is that of its digest.
 */
export class Conflicts {
  readonly #keys: LocalKeys;
  readonly #log: UpdateLog;
  readonly #decoders: Decoders;
  readonly #connection: Connection;
  readonly #statements;
  readonly #decoded = new Map<string, Edit>();

  constructor(connection: Connection, keys: LocalKeys, log: UpdateLog, decoders: Decoders) {
    this.#connection = connection;
    this.#keys = keys;
    this.#log = log;
    this.#decoders = decoders;
    this.#statements = statements(connection);
  }

  /** A conflict by its id; null where neither it nor its settlement is known here. */
  get(id: ConflictId): ConflictRow | null {
    const standing = this.#statements.standing.get(id);
    if (standing) return this.#standing(standing);
    const [settled] = this.#statements.settled.all(id);
    return settled ? this.#settled(settled) : null;
  }

  /** Ids that begin with some hex digits, at most two. */
  beginningWith(digits: string): ConflictId[] {
    return this.#statements.beginning.all(digits, `${digits}g`, digits, `${digits}g`).map(({ id }) => id);
  }

  /** Ids of the conflicts about a field of a wafer that stand: those that it is a member of. */
  about(key: WaferKey, field: FieldPath): ConflictId[] {
    const wafer = this.#keys.findWafer(key);
    return wafer === null ? [] : this.#statements.about.all(wafer, field, field).map(({ id }) => id);
  }

  /** Fields in dispute of a wafer, each conflict's own. */
  fieldsOf(key: WaferKey): FieldPath[] {
    const wafer = this.#keys.findWafer(key);
    return wafer === null ? [] : this.#statements.fields.all(wafer).map(({ field }) => field);
  }

  /** Ids of the conflicts of a wafer that stand, those for a person first. */
  ofWafer(key: WaferKey, limit: number): ConflictId[] {
    const wafer = this.#keys.findWafer(key);
    return wafer === null ? [] : this.#statements.ofWafer.all(wafer, limit).map(({ id }) => id);
  }

  /** Ids of conflicts that match, in their order, behind one. */
  ids(filter: ConflictFilter, after: string, limit: number): ConflictId[] {
    const { sql, values } = termsOf(filter);
    const query = this.#connection.prepare<Value[], { id: ConflictId }>(
      `${sql} AND c.id > ? ORDER BY c.id LIMIT ?`,
    );
    return query.all(...values, after, limit).map(({ id }) => id);
  }

  /** How many conflicts are open for a person, over all wafers. */
  get open(): number {
    return this.#statements.inState.get('open')!.count;
  }

  /** How many conflicts a policy has ruled, over all wafers. */
  get ruled(): number {
    return this.#statements.inState.get('ruled')!.count;
  }

  /** The conflicts of a wafer that stand. */
  standingOf(key: WaferKey): Conflict[] {
    const wafer = this.#keys.findWafer(key);
    const rows = wafer === null ? [] : this.#statements.standingOf.all(wafer);
    return rows.map(({ id, kind, field, subject, state, policy, pattern }) => {
      const members = this.#statements.members.all(id);
      // What rests on other fields stands before what speaks against it.
      const rests = (member: Member) => Number(kind === 'guard' && formatDot(member.dot) === subject);
      return {
        ...{ kind, field, policy, pattern, open: state === 'open' },
        members: members.map((row) => this.#member(row)).sort((a, b) => rests(b) - rests(a) || byTime(a, b)),
        chosen: members.filter(({ chosen }) => chosen === 1).map((row) => this.#member(row).dot),
      };
    });
  }

  #standing({ id, wafer, kind, field, state, policy, pattern }: StandingRow): ConflictRow {
    const members = this.#statements.members.all(id).map((row) => {
      const member = this.#member(row);
      const edit = row.kind === 'results' ? null : this.#editAt(member.dot);
      return { ...member, ...wordsOf(edit, member.field), chosen: row.chosen === 1, here: true };
    });
    return {
      ...{ id, kind, field, state, policy, pattern, settlements: [] },
      wafer: this.#keys.waferAt(wafer),
      members: members.sort(byTime),
    };
  }

  #settled({ conflict, wafer, kind, field, dots }: SettledRow): ConflictRow {
    const members = parseDots(dots).flatMap((dot) => this.#formerMembers(dot, kind, field));
    const settlements = this.#statements.settled.all(conflict).map((row) => {
      const dot = this.#keys.dot(row.origin, row.sequence);
      const edit = this.#editAt(dot)!;
      return {
        dot,
        timestamp: row.timestamp as Timestamp,
        author: edit.author,
        reason: edit.reason,
        writes: edit.writes,
      };
    });
    return {
      ...{ id: conflict, kind, field, state: 'settled', policy: null, pattern: null },
      wafer: this.#keys.waferAt(wafer),
      members: members.sort(byTime),
      settlements: settlements.sort((a, b) => compareDots(a.dot, b.dot)),
    };
  }

  /** What an update had to do with a conflict that is settled. */
  #formerMembers(dot: Dot, kind: ConflictKind, field: FieldPath): ConflictMember[] {
    const update = this.#log.get(dot);
    const absent = {
      field,
      dot,
      timestamp: 0 as Timestamp,
      value: null,
      ...wordsOf(null, field),
      chosen: false,
    };
    if (!update) return [{ ...absent, here: false }];
    const { timestamp } = update.header;
    if (update.header.kind === 'results') {
      const about = kind === 'verdict' ? field : ATTEMPTS;
      const value = kind === 'verdict' ? this.#verdictAt(dot, field) : null;
      return [{ ...absent, field: about, timestamp, value, here: true }];
    }
    const edit = this.#editAt(dot);
    if (!edit) return [{ ...absent, timestamp, here: true }];
    const own = edit.writes.filter((write) => write.field === field);
    const writes = kind === 'field' || kind === 'verdict' ? own : edit.writes;
    return writes.map((write) => ({
      ...{ field: write.field, dot, timestamp, value: write.value, chosen: false, here: true },
      ...wordsOf(edit, write.field),
    }));
  }

  /** Verdict of the last attempt that an update brings about a die. */
  #verdictAt(dot: Dot, field: FieldPath): string | null {
    const [x, y] = field.slice('/verdicts/'.length).split(',').map(Number);
    const origin = this.#keys.findOrigin(dot);
    const row = this.#statements.verdict.get(origin, dot.sequence, x!, y!);
    return row ? (row.passed === 1 ? '"pass"' : '"fail"') : null;
  }

  #editAt(dot: Dot): Edit | null {
    const update = this.#log.get(dot);
    if (update?.header.kind !== 'edit' && update?.header.kind !== 'retire') return null;
    const digest = Buffer.from(update.digest).toString('hex');
    const edit = this.#decoded.get(digest) ?? this.#decoders.decodeEdit(update.payload);
    if (this.#decoded.size >= MAX_DECODED) this.#decoded.clear();
    this.#decoded.set(digest, edit);
    return edit;
  }

  #member({ field, value, origin, sequence, timestamp }: MemberRow): Member {
    const dot = this.#keys.dot(origin, sequence);
    return { field, value, dot, timestamp: timestamp as Timestamp };
  }
}

function byTime(a: Member, b: Member): number {
  return compareBirths(a, b) || (a.field < b.field ? -1 : 1);
}

function wordsOf(edit: Edit | null, field: FieldPath) {
  const write = edit?.writes.find((own) => own.field === field) ?? null;
  return { author: edit?.author ?? '', reason: edit?.reason ?? '', write };
}

interface StandingRow {
  readonly id: ConflictId;
  readonly wafer: number;
  readonly kind: ConflictKind;
  readonly field: FieldPath;
  readonly subject: string;
  readonly state: 'open' | 'ruled';
  readonly policy: PolicyName;
  readonly pattern: string;
}

interface SettledRow {
  readonly conflict: ConflictId;
  readonly wafer: number;
  readonly kind: ConflictKind;
  readonly field: FieldPath;
  readonly dots: string;
  readonly origin: number;
  readonly sequence: number;
  readonly timestamp: number;
}

interface MemberRow {
  readonly field: FieldPath;
  readonly value: string | null;
  readonly chosen: number;
  readonly kind: string;
  readonly origin: number;
  readonly sequence: number;
  readonly timestamp: number;
}

/** A condition over standing and settled conflicts alike, and the values of its marks. */
function termsOf({ waferId, lot, insertion, state, kind, fab }: ConflictFilter) {
  const terms: (readonly [sql: string, value: Value | undefined])[] = [
    ['w.wafer_id = ?', waferId],
    ['w.lot = ?', lot],
    ['w.insertion = ?', insertion],
    ['c.state = ?', state],
    ['c.kind = ?', kind],
    [
      `EXISTS (SELECT 1 FROM conflict_members m JOIN update_log u ON u.id = m.update_row
         JOIN origins o ON o.id = u.origin WHERE m.conflict = c.id AND o.fab = ?)`,
      fab,
    ],
  ];
  const given = terms.filter(([, value]) => value !== undefined);
  const where = given.map(([sql]) => ` AND ${sql}`).join('');
  const sql = `SELECT c.id FROM (
      SELECT id, wafer, kind, state FROM conflicts
      UNION ALL
      SELECT DISTINCT conflict, wafer, kind, 'settled' FROM settlements s
      WHERE NOT EXISTS (SELECT 1 FROM conflicts d WHERE d.id = s.conflict)
    ) c JOIN wafers w ON w.id = c.wafer WHERE 1 = 1${where}`;
  return { sql, values: given.map(([, value]) => value!) };
}

function statements(connection: Connection) {
  const standing = 'SELECT id, wafer, kind, field, subject, state, policy, pattern FROM conflicts';
  return {
    standing: connection.prepare<[string], StandingRow>(`${standing} WHERE id = ?`),
    standingOf: connection.prepare<[number], StandingRow>(`${standing} WHERE wafer = ?`),
    members: connection.prepare<[string], MemberRow>(
      `SELECT m.field, m.value, m.chosen, u.kind, u.origin, u.sequence, u.timestamp
       FROM conflict_members m JOIN update_log u ON u.id = m.update_row WHERE m.conflict = ?
       ORDER BY m.field, m.update_row`,
    ),
    settled: connection.prepare<[string], SettledRow>(
      `SELECT s.conflict, s.wafer, s.kind, s.field, s.dots, u.origin, u.sequence, u.timestamp
       FROM settlements s JOIN update_log u ON u.id = s.update_row WHERE s.conflict = ?`,
    ),
    verdict: connection.prepare<[number | null, number, number, number], { passed: number | null }>(
      `SELECT a.passed FROM update_log u JOIN attempts a ON a.run = u.run AND a.update_row = u.id
       WHERE u.origin = ? AND u.sequence = ? AND a.x = ? AND a.y = ? ORDER BY a.attempt_index DESC LIMIT 1`,
    ),
    beginning: connection.prepare<[string, string, string, string], { id: ConflictId }>(
      `SELECT id FROM conflicts WHERE id >= ? AND id < ?
       UNION SELECT conflict FROM settlements WHERE conflict >= ? AND conflict < ? LIMIT 2`,
    ),
    about: connection.prepare<[number, string, string], { id: ConflictId }>(
      `SELECT id FROM conflicts c WHERE wafer = ? AND (
         field = ? OR EXISTS (SELECT 1 FROM conflict_members m WHERE m.conflict = c.id AND m.field = ?)
       ) ORDER BY id`,
    ),
    fields: connection.prepare<[number], { field: FieldPath }>(
      'SELECT DISTINCT field FROM conflicts WHERE wafer = ?',
    ),
    ofWafer: connection.prepare<[number, number], { id: ConflictId }>(
      'SELECT id FROM conflicts WHERE wafer = ? ORDER BY state, field, id LIMIT ?',
    ),
    inState: connection.prepare<[string], { count: number }>(
      'SELECT count(*) AS count FROM conflicts WHERE state = ?',
    ),
  };
}
