import type { FabId } from '../../clocks/dot.ts';
import type { Thoroughness } from '../../store/verify/digest-reader.ts';
import type { TableDigest } from '../../store/verify/subject-tables.ts';
import type { Branch, Leaf } from '../../wafer/digest-tree.ts';
import type { Subject } from '../../wafer/subject.ts';

/** Branches asked for at once. */
export const MAX_BRANCHES = 64;
/** Subjects that are read again at once. */
export const MAX_LOOKED_AT = 256;
/** Subjects that a node is asked to look at itself for. */
export const MAX_SUSPECTS = 10_000;

/** What is wrong. */
export type Problem =
  | 'update-damaged'
  | 'program-damaged'
  | 'columns'
  | 'tables'
  | 'row-missing'
  | 'unexplained';

/** What became of it. `left`: it was to be left as it is. */
export type Outcome = 'repaired' | 'not-repaired' | 'left';

/** Something that is wrong at a fab. */
export interface Finding {
  /** Null for what is of no wafer, run or purge. */
  readonly subject: Subject | null;
  readonly problem: Problem;
  /** Updates, a program's digest, or names of tables. */
  readonly details: readonly string[];
  readonly outcome: Outcome;
  /** Why it is not repaired, with the remedy; empty otherwise. */
  readonly reason: string;
}

/** A subject as it is now. */
export interface LookedAt {
  readonly key: string;
  readonly subject: Subject;
  /** Null where nothing is applied of it. */
  readonly leaf: Leaf | null;
  readonly tables: readonly TableDigest[];
}

/** What one node asks another. Each is answered before the next; `begin` comes first. */
export type Question =
  | { readonly type: 'begin'; readonly thoroughness: Thoroughness }
  | { readonly type: 'branches'; readonly prefixes: readonly string[] }
  | { readonly type: 'subjects'; readonly keys: readonly string[] }
  | { readonly type: 'check'; readonly keys: readonly string[]; readonly repair: boolean };

/** What it is answered. While it reads, a node says how many subjects it has read. */
export type Answer =
  | { readonly type: 'reading'; readonly subjects: number }
  | { readonly type: 'begun'; readonly subjects: number; readonly digest: string; readonly found: boolean }
  | { readonly type: 'branches'; readonly branches: readonly Branch[] }
  | { readonly type: 'subjects'; readonly subjects: readonly LookedAt[] }
  | { readonly type: 'findings'; readonly findings: readonly Finding[] };

/** The answer to a kind of question. */
export type AnswerTo<T extends Question['type']> = Extract<
  Answer,
  { type: T extends 'begin' ? 'begun' : T extends 'check' ? 'findings' : T }
>;

/** Another node, as far as it can be asked. */
export interface DigestPeer {
  /** Bytes of messages so far, both ways. */
  readonly bytes: number;
  /** Asks; one question at a time. @throws WafersyncError where it cannot be asked, or does not answer in time */
  ask<T extends Question['type']>(
    question: Extract<Question, { type: T }>,
    reading?: (subjects: number) => void,
  ): Promise<AnswerTo<T>>;
  /** Hangs up. */
  close(): void;
}

/** Dials another node. */
export type DialDigests = (peer: FabId) => DigestPeer;
