import { differingTables } from '../../store/verify/subject-tables.ts';
import { type Leaf, type Standing, standingOf } from '../../wafer/digest-tree.ts';
import { type Subject, subjectKey } from '../../wafer/subject.ts';
import type { DigestPass } from './digest-pass.ts';
import {
  type DigestPeer,
  type Finding,
  type LookedAt,
  MAX_BRANCHES,
  MAX_LOOKED_AT,
  MAX_SUSPECTS,
} from './questions.ts';

/** What a comparison of two nodes came to. */
export interface Comparison {
  /** Subjects that either has. */
  readonly subjects: number;
  /** Of those, wafers. */
  readonly wafers: number;
  readonly onTheWay: number;
  readonly different: number;
  /** More differed than was looked at. */
  readonly more: boolean;
  /** What was found wrong with this node. */
  readonly own: readonly Finding[];
  /** What was found wrong with the peer. */
  readonly theirs: readonly Finding[];
  /** What differs still, and neither finds wrong. */
  readonly unexplained: readonly Finding[];
}

/** What a comparison works with. */
export interface CompareOptions {
  readonly peer: DigestPeer;
  readonly pass: DigestPass;
  readonly repair: boolean;
  /** Told how many subjects the peer has read. */
  readonly reading: (subjects: number) => void;
  /** Looks at what this node has of some subjects. */
  readonly check: (keys: readonly string[]) => Promise<Finding[]>;
  /** Whether the peer is known to have applied the same updates as this node, all in all. */
  readonly settled: () => boolean;
}

/** A subject that the two do not have alike. */
interface Difference {
  readonly key: string;
  readonly subject: Subject;
  readonly standing: Standing;
  /** Tables that are not the same in both. */
  readonly tables: readonly string[];
}

/**
 * Compares this node with another, which has begun to read: down the tree, along branches that differ. What differs is
 * looked at once more, for updates come in meanwhile; where the same updates are applied, both see which of them is wrong.
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { peer, pass, repair, check, settled } = options;
  const begun = await peer.ask<'begin'>({ type: 'begin', thoroughness: pass.thoroughness }, options.reading);
  const isEqual = begun.digest === pass.tree.digest();
  const { keys, more } = isEqual ? { keys: [], more: false } : await differing(peer, pass);
  const first = await lookAt(peer, pass, keys);
  const suspects = first.filter(({ standing }) => standing === 'different');
  const suspected = suspects.map(({ key }) => key);
  const own = await check(suspected);
  const theirs =
    suspects.length === 0 && !begun.found
      ? []
      : (await peer.ask<'check'>({ type: 'check', keys: suspected, repair })).findings;
  const left = await lookAt(peer, pass, suspected);
  const explained = new Set(
    [...own, ...theirs].flatMap(({ subject }) => (subject ? [subjectKey(subject)] : [])),
  );
  const still = left.filter(({ key, standing }) => standing === 'different' && !explained.has(key));
  // What a subject shows may hang on others, of which something can be on its way.
  const unexplained = settled() ? still : [];
  const onlyTheirs = first.filter(({ key }) => !pass.subject(key));
  return {
    subjects: pass.tree.size + onlyTheirs.length,
    wafers: pass.wafers + onlyTheirs.filter(({ subject }) => subject.kind === 'wafer').length,
    onTheWay:
      first.filter(({ standing }) => standing === 'on-its-way').length + still.length - unexplained.length,
    different: suspects.filter(({ key }) => explained.has(key)).length + unexplained.length,
    ...{ more, own, theirs },
    unexplained: unexplained.map(({ subject, tables }) => ({
      ...{ subject, problem: 'unexplained', details: tables, outcome: 'not-repaired', reason: UNEXPLAINED },
    })),
  };
}

const UNEXPLAINED =
  'Each fab finds that what it has is right. Compare their versions; if they are the same, this is a bug.';

/** Keys of the leaves that are not the same in both trees. */
async function differing(peer: DigestPeer, { tree }: DigestPass): Promise<{ keys: string[]; more: boolean }> {
  const keys: string[] = [];
  const open = [''];
  while (open.length > 0 && keys.length < MAX_SUSPECTS) {
    const { branches } = await peer.ask<'branches'>({
      type: 'branches',
      prefixes: open.splice(-MAX_BRANCHES),
    });
    for (const branch of branches) {
      const against = tree.against(branch);
      open.push(...against.deeper);
      keys.push(...against.differing);
    }
  }
  return { keys: keys.slice(0, MAX_SUSPECTS), more: open.length > 0 || keys.length > MAX_SUSPECTS };
}

/** How both have some subjects now. */
async function lookAt(peer: DigestPeer, pass: DigestPass, keys: readonly string[]): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (let at = 0; at < keys.length; at += MAX_LOOKED_AT) {
    const some = keys.slice(at, at + MAX_LOOKED_AT);
    const { subjects } = await peer.ask<'subjects'>({ type: 'subjects', keys: some });
    const theirs = new Map(subjects.map((looked) => [looked.key, looked]));
    const mine = new Map((await pass.look(some)).map((looked) => [looked.key, looked]));
    for (const key of some) {
      const one = differenceOf(key, mine.get(key), theirs.get(key));
      if (one) differences.push(one);
    }
  }
  return differences;
}

function differenceOf(
  key: string,
  mine: LookedAt | undefined,
  theirs: LookedAt | undefined,
): Difference | null {
  const subject = (mine ?? theirs)?.subject;
  const standing = standingOf(leafOf(mine), leafOf(theirs));
  if (!subject || standing === 'equal') return null;
  return { key, subject, standing, tables: differingTables(mine?.tables ?? [], theirs?.tables ?? []) };
}

function leafOf(looked: LookedAt | undefined): Leaf | undefined {
  return looked?.leaf ?? undefined;
}
