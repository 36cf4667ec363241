import { compareDots, type Dot } from '../../clocks/dot.ts';
import type { Timestamp } from '../../clocks/hlc.ts';
import type { TransportVector } from '../../clocks/transport-vector.ts';
import type { VersionVector } from '../../clocks/version-vector.ts';
import type { FieldPath } from './field.ts';

/** One change of one field. */
export interface FieldWrite {
  readonly field: FieldPath;
  /** Canonical JSON text; null where the field is removed. */
  readonly value: string | null;
  /** Join of the contexts and dots of the siblings that it replaces, in this field alone. */
  readonly context: VersionVector;
  /** Dots of those siblings, sorted. */
  readonly replaces: readonly Dot[];
}

/** What the writer had seen of a field: the join of its siblings' contexts and dots. */
export interface FieldContext {
  readonly field: FieldPath;
  readonly context: VersionVector;
}

/** Which rule of conflicts two writes fall under. Meanings stand at the column conflicts.kind. */
export type ConflictKind = 'field' | 'shape' | 'guard' | 'verdict';

/** A conflict that an edit ends: its id is the hash of wafer, field and dots. */
export interface Settlement {
  readonly kind: ConflictKind;
  readonly field: FieldPath;
  /** Dots of the writes that stood against each other, sorted; of a guard, that of the guarded edit first. */
  readonly dots: readonly Dot[];
}

/** Payload of an update of kind `edit` or `retire`. */
export interface Edit {
  /** Who, as the client says; empty if it did not. */
  readonly author: string;
  /** Why, in words; empty if not said. */
  readonly reason: string;
  /** Version of the mesh document, and so of the rules, that the writer knew. */
  readonly policyVersion: number;
  readonly writes: readonly FieldWrite[];
  /** Branches that the edit rests on. A concurrent write below one is a conflict. */
  readonly guards: readonly FieldPath[];
  /** What the writer had seen of fields that it does not write: those below its guards, and those that rest on its own. */
  readonly seen: readonly FieldContext[];
  /** Results updates of the wafer that the writer had applied, where the edit rests on attempts; else empty. */
  readonly attemptsSeen: TransportVector;
  readonly settlements: readonly Settlement[];
}

/** Where an edit was born, as its update's header says. */
export interface Birth {
  readonly dot: Dot;
  readonly timestamp: Timestamp;
}

/** A write that no other write of its field has seen. */
export interface Sibling extends Birth {
  readonly value: string | null;
  readonly context: VersionVector;
}

/** Fields that rest on branches, as an edit had it. */
export interface Grounds {
  readonly guards: readonly FieldPath[];
  /** Fields that the edit writes, sorted. */
  readonly fields: readonly FieldPath[];
}

/** An edit that rests on other fields. */
export interface GuardedEdit extends Birth, Grounds {}

/** Bounds of one edit. */
export const EDIT_BOUNDS = {
  /** Fields that one edit may write. */
  writes: 2000,
  /** Guards of one edit. */
  guards: 100,
  /** Fields that it may say what it had seen of. */
  seen: 4000,
  /** Bytes of one value. */
  valueBytes: 64 * 1024,
  /** Bytes of all values of a document. */
  documentBytes: 1024 * 1024,
  /** Characters of author. */
  author: 200,
  /** Characters of reason. */
  reason: 2000,
} as const;

/** Order of time, the dot deciding between equals: the last is the last writer. */
export function compareBirths(a: Birth, b: Birth): number {
  return a.timestamp - b.timestamp || compareDots(a.dot, b.dot);
}
