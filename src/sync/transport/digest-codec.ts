import { formatDot, parseOriginKey, sequence } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import { wafersync } from '../../gen/wafersync.js';
import type { Branch, Leaf } from '../../wafer/digest-tree.ts';
import type { RunId } from '../../wafer/run.ts';
import type { Subject } from '../../wafer/subject.ts';
import { fromNumber, toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import type { Answer, Finding, LookedAt, Outcome, Problem, Question } from '../verify/questions.ts';

const { VerifyProblem, VerifyOutcome } = wafersync.v1;

/** Bytes of a digest, and of a key. */
const DIGEST_BYTES = 16;
/** Bytes of a leaf: its key and three digests. */
const LEAF_BYTES = 4 * DIGEST_BYTES;
const PARTS = 16;

const PROBLEMS: Readonly<Record<Problem, wafersync.v1.VerifyProblem>> = {
  'update-damaged': VerifyProblem.VERIFY_PROBLEM_UPDATE_DAMAGED,
  'program-damaged': VerifyProblem.VERIFY_PROBLEM_PROGRAM_DAMAGED,
  columns: VerifyProblem.VERIFY_PROBLEM_COLUMNS,
  tables: VerifyProblem.VERIFY_PROBLEM_TABLES,
  'row-missing': VerifyProblem.VERIFY_PROBLEM_ROW_MISSING,
  unexplained: VerifyProblem.VERIFY_PROBLEM_UNEXPLAINED,
};

const OUTCOMES: Readonly<Record<Outcome, wafersync.v1.VerifyOutcome>> = {
  repaired: VerifyOutcome.VERIFY_OUTCOME_REPAIRED,
  'not-repaired': VerifyOutcome.VERIFY_OUTCOME_NOT_REPAIRED,
  left: VerifyOutcome.VERIFY_OUTCOME_LEFT,
};

/** Message of a question. */
export function toQuestion(question: Question): Message<'CompareDigestsRequest'> {
  switch (question.type) {
    case 'begin':
      return { begin: { thorough: question.thoroughness === 'bytes' } };
    case 'branches':
      return { branches: { prefixes: [...question.prefixes] } };
    case 'subjects':
      return { subjects: { keys: question.keys.map(bytesOf) } };
    case 'check':
      return { check: { keys: question.keys.map(bytesOf), repair: question.repair } };
  }
}

/** Question of a message. @throws WafersyncError `invalid` where this version does not know it */
export function fromQuestion(message: Message<'CompareDigestsRequest'>): Question {
  const { begin, branches, subjects, check } = message;
  if (begin) return { type: 'begin', thoroughness: begin.thorough ? 'bytes' : 'digests' };
  if (branches) return { type: 'branches', prefixes: branches.prefixes ?? [] };
  if (subjects) return { type: 'subjects', keys: (subjects.keys ?? []).map(digestAt) };
  if (check) return { type: 'check', keys: (check.keys ?? []).map(digestAt), repair: check.repair ?? false };
  throw new WafersyncError('invalid', 'a question of a comparison is not known to this version', {
    hint: 'Bring both nodes to the same version.',
  });
}

/** Message of an answer. @param fab whose it is */
export function toAnswer(answer: Answer, fab: string): Message<'CompareDigestsResponse'> {
  switch (answer.type) {
    case 'reading':
      return { progress: { fab_id: fab, subjects: fromNumber(answer.subjects) } };
    case 'begun':
      return {
        begun: { subjects: fromNumber(answer.subjects), digest: bytesOf(answer.digest), found: answer.found },
      };
    case 'branches':
      return { branches: { branches: answer.branches.map(toBranch) } };
    case 'subjects':
      return { subjects: { subjects: answer.subjects.map(toLookedAt) } };
    case 'findings':
      return { findings: { findings: answer.findings.map((finding) => toFinding(finding, fab)) } };
  }
}

/** Answer of a message. @throws WafersyncError `invalid` */
export function fromAnswer(message: Message<'CompareDigestsResponse'>): Answer {
  const { progress, begun, branches, subjects, findings } = message;
  if (progress) return { type: 'reading', subjects: toNumber(progress.subjects) };
  if (begun) {
    const digest = begun.digest?.length ? digestAt(begun.digest) : '';
    return { type: 'begun', subjects: toNumber(begun.subjects), digest, found: begun.found ?? false };
  }
  if (branches) return { type: 'branches', branches: (branches.branches ?? []).map(fromBranch) };
  if (subjects) return { type: 'subjects', subjects: (subjects.subjects ?? []).map(fromLookedAt) };
  if (findings) return { type: 'findings', findings: (findings.findings ?? []).map(fromFinding) };
  throw new WafersyncError('invalid', 'an answer of a comparison is not known to this version', {
    hint: 'Bring both nodes to the same version.',
  });
}

/** Message of a finding. @param fab at which it is */
export function toFinding(finding: Finding, fab: string): Message<'VerifyFinding'> {
  return {
    fab_id: fab,
    ...(finding.subject ? { subject: toSubject(finding.subject) } : {}),
    problem: PROBLEMS[finding.problem],
    details: [...finding.details],
    outcome: OUTCOMES[finding.outcome],
    reason: finding.reason,
  };
}

/** Finding of a message; a problem that this version does not know is one that nobody can explain. */
export function fromFinding(message: Message<'VerifyFinding'>): Finding {
  return {
    subject: message.subject ? fromSubject(message.subject) : null,
    problem: nameIn(PROBLEMS, message.problem) ?? 'unexplained',
    details: message.details ?? [],
    outcome: nameIn(OUTCOMES, message.outcome) ?? 'not-repaired',
    reason: message.reason ?? '',
  };
}

function nameIn<Name extends string>(
  names: Readonly<Record<Name, number>>,
  value: unknown,
): Name | undefined {
  return (Object.keys(names) as Name[]).find((name) => names[name] === value);
}

function toSubject(subject: Subject): Message<'VerifySubject'> {
  if (subject.kind === 'run') return { run_id: subject.run };
  if (subject.kind === 'purge') return { purge: formatDot(subject.purge) };
  const { lot, waferId, insertion } = subject.wafer;
  return { wafer: { lot, wafer_id: waferId, insertion } };
}

function fromSubject({ wafer, run_id, purge }: Message<'VerifySubject'>): Subject {
  if (run_id) return { kind: 'run', run: run_id as RunId };
  if (purge) {
    const colon = purge.lastIndexOf(':');
    const position = sequence(Number(purge.slice(colon + 1)));
    return { kind: 'purge', purge: { ...parseOriginKey(purge.slice(0, colon)), sequence: position } };
  }
  const { lot, wafer_id, insertion } = wafer ?? {};
  return { kind: 'wafer', wafer: { lot: lot ?? '', waferId: wafer_id ?? '', insertion: insertion ?? '' } };
}

function toBranch({ prefix, count, parts, leaves }: Branch): Message<'DigestBranch'> {
  const empty = '0'.repeat(2 * DIGEST_BYTES);
  return {
    ...{ prefix, count: fromNumber(count) },
    ...(parts ? { parts: bytesOf(parts.map((part) => part || empty).join('')) } : {}),
    ...(leaves ? { leaves: bytesOf(leaves.map(leafText).join('')) } : {}),
  };
}

function fromBranch({ prefix, count, parts, leaves }: Message<'DigestBranch'>): Branch {
  const head = { prefix: prefix ?? '', count: toNumber(count) };
  if (parts?.length) {
    sized(parts, PARTS * DIGEST_BYTES);
    return { ...head, parts: cut(parts, DIGEST_BYTES).map((part) => (/^0+$/.test(part) ? '' : part)) };
  }
  return { ...head, leaves: cut(leaves ?? new Uint8Array(), LEAF_BYTES).map(leafOf) };
}

function toLookedAt({ key, subject, leaf, tables }: LookedAt): Message<'DigestSubject'> {
  return {
    key: bytesOf(key),
    subject: toSubject(subject),
    ...(leaf ? { leaf: bytesOf(leafText(leaf)) } : {}),
    tables: tables.map(({ table, digest }) => ({ table, digest: bytesOf(digest) })),
  };
}

function fromLookedAt({ key, subject, leaf, tables }: Message<'DigestSubject'>): LookedAt {
  return {
    key: digestAt(key ?? new Uint8Array()),
    subject: fromSubject(subject ?? {}),
    leaf: leaf?.length ? leafOf(cut(leaf, LEAF_BYTES)[0]!) : null,
    tables: (tables ?? []).map((one) => ({ table: one.table ?? '', digest: digestAt(one.digest!) })),
  };
}

function leafText({ key, dots, log, tables }: Leaf): string {
  return key + dots + log + tables;
}

function leafOf(text: string): Leaf {
  const [key, dots, log, tables] = text.match(/.{32}/g)! as [string, string, string, string];
  return { key, dots, log, tables };
}

/** Hex of pieces of the same size. @throws WafersyncError `invalid` */
function cut(bytes: Uint8Array, size: number): string[] {
  if (bytes.length % size !== 0) sized(bytes, size);
  return Array.from({ length: bytes.length / size }, (_, i) =>
    hexOf(bytes.subarray(i * size, (i + 1) * size)),
  );
}

function digestAt(bytes: Uint8Array): string {
  sized(bytes, DIGEST_BYTES);
  return hexOf(bytes);
}

/** @throws WafersyncError `invalid` */
function sized(bytes: Uint8Array, size: number): void {
  if (bytes.length === size) return;
  throw new WafersyncError('invalid', `${bytes.length} bytes of digests stand where ${size} are expected`);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
