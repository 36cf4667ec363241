import { createHash } from 'node:crypto';
import { type Dot, formatDot } from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { VersionVector } from '../clocks/version-vector.ts';
import { type Birth, compareBirths, type Edit, type FieldWrite } from '../wafer/document/edit.ts';
import type { FieldPath } from '../wafer/document/field.ts';
import type { Json } from '../wafer/document/json.ts';
import type { SaidOfFabs } from '../wafer/document/members.ts';
import { isMesh } from '../wafer/document/mesh.ts';
import type { Rules } from '../wafer/document/rules.ts';
import { type Basis, type DocumentKind, render } from '../wafer/document/shown.ts';
import type { DocumentView, FieldState } from '../wafer/document/view.ts';
import { isUnnamedWafer } from '../wafer/run.ts';
import type { YieldView } from '../wafer/views.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection } from './connection.ts';
import type { Bases } from './documents/bases.ts';
import type { DocumentQueries } from './documents/stored-view.ts';
import type { LocalKeys } from './keys.ts';
import type { NodeState } from './node-state.ts';
import type { Decoders } from './types.ts';
import type { UpdateLog } from './update-log.ts';

/** A document as it stands here. */
export interface DocumentNow {
  readonly key: WaferKey;
  readonly kind: DocumentKind;
  /** Whether an update names the wafer. */
  readonly known: boolean;
  /** Edits applied here. */
  readonly version: number;
  readonly view: DocumentView;
  readonly basis: Basis;
}

/** How many conflicts of a wafer stand. */
export interface ConflictCounts {
  /** For a person. */
  readonly open: number;
  /** That a policy has chosen in. */
  readonly ruled: number;
}

/** Edits of one wafer that are looked through for the history of a field. */
const MAX_HISTORY = 10_000;

/** A write of a field, and the edit that it belongs to. */
export interface FieldHistory extends Edit, Birth {
  readonly write: FieldWrite;
  /** Whether no other write has seen it. */
  readonly stands: boolean;
}

/** What documents are read by. */
export interface DocumentParts {
  readonly log: Pick<UpdateLog, 'get'>;
  readonly state: NodeState;
  readonly keys: LocalKeys;
  readonly decoders: Decoders;
  readonly queries: DocumentQueries;
  readonly bases: Bases;
}

/** An edit in short. */
export interface EditSummary extends Birth {
  readonly author: string;
  readonly reason: string;
  /** Fields that it writes, sorted. */
  readonly fields: readonly FieldPath[];
}

const NO_DOCUMENT: DocumentView = {
  siblings: () => [],
  below: () => [],
  guarded: () => [],
  grounds: () => [],
  seen: () => VersionVector.empty,
  attemptsUnseen: () => [],
};

/** The documents of wafers, and that of the mesh. Inside a transaction, as of now. */
export class Documents {
  readonly #keys: LocalKeys;
  readonly #state: NodeState;
  readonly #decoders: Decoders;
  readonly #log: Pick<UpdateLog, 'get'>;
  readonly #queries: DocumentQueries;
  readonly #bases: Bases;
  readonly #statements;

  constructor(connection: Connection, { log, state, keys, decoders, queries, bases }: DocumentParts) {
    this.#log = log;
    this.#decoders = decoders;
    this.#keys = keys;
    this.#state = state;
    this.#queries = queries;
    this.#bases = bases;
    this.#statements = statements(connection);
  }

  /** The rules that the mesh document gives. */
  get rules(): Rules {
    return this.#bases.rules;
  }

  /** What the mesh document says of fabs. */
  get fabs(): SaidOfFabs {
    return this.#bases.fabs;
  }

  /** The document of a wafer; an empty one where nobody wrote of it. */
  of(key: WaferKey): DocumentNow {
    const kind = isMesh(key) ? 'mesh' : 'wafer';
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) {
      const basis = { rules: this.rules, product: '', facts: { homeFab: null } };
      return { key, kind, known: false, version: 0, view: NO_DOCUMENT, basis };
    }
    const view = this.#queries.view(wafer);
    return { key, kind, known: true, version: this.version(key), view, basis: this.#bases.of(view) };
  }

  /** Edits of a wafer applied here. */
  version(key: WaferKey): number {
    const wafer = this.#keys.findWafer(key);
    return wafer === null ? 0 : (this.#statements.version.get(wafer)?.version ?? 0);
  }

  /** Product of a wafer; empty where nothing tells it. */
  product(key: WaferKey): string {
    const wafer = this.#keys.findWafer(key);
    return wafer === null ? '' : this.#bases.productOf(wafer);
  }

  /** View of a wafer's attempts that the mesh names for its product; the last attempt where it names none. */
  viewOf(key: WaferKey): YieldView {
    return this.#bases.viewOf(this.product(key)) ?? 'last';
  }

  /**
   * Dies that a wafer has in all, as people say of it or of its product; null where nobody does. What a product has is not
   * said of those without a wafer id: final test has no wafers.
   */
  grossDies(key: WaferKey): number | null {
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) return null;
    return this.#bases.grossDiesOf(wafer, isUnnamedWafer(key.waferId) ? null : this.#bases.productOf(wafer));
  }

  /** Conflicts of a wafer that stand. */
  conflicts(key: WaferKey): ConflictCounts {
    const wafer = this.#keys.findWafer(key);
    return wafer === null ? { open: 0, ruled: 0 } : this.#statements.conflicts.get(wafer)!;
  }

  /** The last edits of a document to arrive here, the last first. */
  lastEdits(key: WaferKey, limit: number): EditSummary[] {
    const wafer = this.#keys.findWafer(key);
    const rows = wafer === null ? [] : this.#statements.lastEdits.all(wafer, limit);
    return rows.map(({ origin, sequence, timestamp }) => {
      const dot = this.#keys.dot(origin, sequence);
      const { author, reason, writes } = this.editOf(dot);
      const fields = writes.map(({ field }) => field);
      return {
        dot,
        timestamp: timestamp as Timestamp,
        author,
        reason,
        fields,
      };
    });
  }

  /** Every write of a field that is here, by time. */
  history(key: WaferKey, field: FieldPath): FieldHistory[] {
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) return [];
    const standing = new Set(
      this.#queries
        .view(wafer)
        .siblings(field)
        .map(({ dot }) => formatDot(dot)),
    );
    const rows = this.#statements.lastEdits.all(wafer, MAX_HISTORY);
    const writes = rows.flatMap(({ origin, sequence, timestamp }) => {
      const dot = this.#keys.dot(origin, sequence);
      const edit = this.editOf(dot);
      const write = edit.writes.find((own) => own.field === field);
      if (!write) return [];
      return [
        { ...edit, dot, timestamp: timestamp as Timestamp, write, stands: standing.has(formatDot(dot)) },
      ];
    });
    return writes.sort(compareBirths);
  }

  /** An edit that is applied here. */
  editOf(dot: Dot): Edit {
    return this.#decoders.decodeEdit(this.#log.get(dot)!.payload);
  }

  /**
   * What a writer of this node knows of a wafer's attempts: of every origin that has updates of it, what is applied here,
   * and what earlier edits that rest on attempts had seen.
   */
  attemptsKnown(key: WaferKey): TransportVector {
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) return TransportVector.empty;
    return this.#appliedOf(wafer, null).join(this.#queries.allAttemptsSeen(wafer));
  }

  /** What is applied here of every other origin that has updates of a wafer; null for none. */
  seenOfOthers(key: WaferKey): TransportVector | null {
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) return null;
    const seen = this.#appliedOf(wafer, this.#keys.findOrigin(this.#state.origin));
    return seen.isEmpty ? null : seen;
  }

  #appliedOf(wafer: number, except: number | null): TransportVector {
    const origins = this.#queries.origins
      .of(wafer)
      .filter((origin) => origin !== except)
      .map((id) => this.#keys.originAt(id));
    if (origins.length === 0) return TransportVector.empty;
    const { applied } = this.#state.vectors;
    return TransportVector.of(origins.map((origin) => [origin, applied.get(origin)]));
  }
}

/** The fields of a document and their siblings. */
export function fieldsOf({ view }: DocumentNow): readonly FieldState[] {
  return view.below('');
}

/** A document as it is shown. */
export function documentOf(now: DocumentNow): Json {
  return render(fieldsOf(now), now.basis, now.kind);
}

/**
 * Names what a document rests on: 16 hex digits over the dots of all siblings. Equal versions may hide different edits;
 * equal etags do not.
 */
export function etagOf(now: DocumentNow): string {
  const sha = createHash('sha256').update('wafersync etag 1\n');
  for (const [field, siblings] of fieldsOf(now)) {
    sha.update(`${JSON.stringify(field)} ${siblings.map(({ dot }) => formatDot(dot)).join(' ')}\n`);
  }
  return sha.digest('hex').slice(0, 16);
}

interface EditRow {
  readonly origin: number;
  readonly sequence: number;
  readonly timestamp: number;
}

function statements(connection: Connection) {
  return {
    version: connection.prepare<[number], { version: number }>(
      'SELECT version FROM documents WHERE wafer = ?',
    ),
    lastEdits: connection.prepare<[number, number], EditRow>(
      `SELECT origin, sequence, timestamp FROM update_log u
       WHERE wafer = ? AND kind IN ('edit', 'retire') AND NOT EXISTS (SELECT 1 FROM held_updates h WHERE h.update_row = u.id)
       ORDER BY id DESC LIMIT ?`,
    ),
    conflicts: connection.prepare<[number], ConflictCounts>(
      `SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'ruled') AS ruled
       FROM conflicts WHERE wafer = ?`,
    ),
  };
}
