import { isMesh } from '../../wafer/document/mesh.ts';
import { formatWafer } from '../../wafer/wafer-key.ts';
import { counted, printable, table, utc } from '../output.ts';
import type { ConflictJson, DotJson, MemberJson } from './conflict-json.ts';

/** Digits of a conflict's id that people are shown; a node takes four or more. */
const SHORT_ID = 8;
/** Members of a conflict in one row. */
const MAX_MEMBERS = 6;
/** Longest value in a table, characters. */
const MAX_VALUE = 48;

/** An id as people are shown it. */
export function shortId(id: string): string {
  return id.slice(0, SHORT_ID);
}

/** `tw:57`, as `--choose` takes it. */
export function shortDot({ fab_id, sequence }: DotJson): string {
  return `${fab_id}:${sequence}`;
}

/** What a state means for whoever reads it. */
const STATES: Readonly<Record<string, string>> = {
  open: 'open for a person',
  ruled: 'a policy has chosen',
  settled: 'settled',
};

/** Conflicts, a row each. @param withWafer whether they are of several wafers */
export function conflictTable(conflicts: readonly ConflictJson[], withWafer: boolean): string {
  const head = ['ID', ...(withWafer ? ['WAFER'] : []), 'KIND', 'FIELD', 'STATE', 'VALUES (* IS SHOWN)'];
  return table(
    head,
    conflicts.map((conflict) => [
      shortId(conflict.id),
      ...(withWafer ? [documentName(conflict)] : []),
      conflict.kind,
      conflict.field,
      conflict.state,
      valuesText(conflict),
    ]),
  );
}

/** Which document a conflict is about. */
export function documentName({
  lot,
  wafer_id,
  insertion,
}: Pick<ConflictJson, 'lot' | 'wafer_id' | 'insertion'>): string {
  const key = { lot, waferId: wafer_id, insertion };
  return isMesh(key) ? 'the mesh' : printable(formatWafer(key));
}

/** A conflict in full, with what can be done about it. */
export function conflictLines(conflict: ConflictJson): string[] {
  const { id, kind, field, state, policy, pattern, members, settlements } = conflict;
  const lines = [
    `conflict ${id}: ${STATES[state] ?? state}`,
    `${documentName(conflict)}, ${printable(`field ${field}, kind ${kind}${policy ? `, policy ${policy} for ${pattern}` : ''}`)}`,
    '',
    memberTable(members),
  ];
  if (settlements.length > 0) lines.push('', settlementTable(conflict));
  const choices = [...new Set(members.filter(({ here }) => here).map(({ dot }) => choiceOf(dot, members)))];
  const anew = state === 'settled' ? ' anew' : '';
  if (choices.length > 0) {
    lines.push(
      '',
      `To settle it${anew}: wafersync conflicts resolve ${shortId(id)} --node HOST:PORT --choose ${choices.join('|')} --reason TEXT`,
    );
  }
  return lines;
}

/** Writes, or attempts, that stand or stood against each other. */
export function memberTable(members: readonly MemberJson[]): string {
  // Of a conflict that is settled none is shown for what it was then.
  const told = members.some(({ chosen }) => chosen);
  return table(
    ['CHOICE', 'WRITTEN', 'BY', 'FIELD', 'VALUE', 'SHOWN', 'REASON'],
    members.map((member) => [
      choiceOf(member.dot, members),
      member.here ? utc(member.written_at_us) : '-',
      member.author || '-',
      member.field,
      valueText(member),
      told ? (member.chosen ? 'yes' : 'no') : '-',
      member.reason || '-',
    ]),
  );
}

/** What names a member for `--choose`: with its epoch where two lives of a fab have the sequence. */
function choiceOf(dot: DotJson, members: readonly MemberJson[]): string {
  const short = shortDot(dot);
  const alone = members.every((other) => shortDot(other.dot) !== short || other.dot.epoch === dot.epoch);
  return alone ? short : `${dot.fab_id}.${dot.epoch}:${dot.sequence}`;
}

function settlementTable({ settlements }: ConflictJson): string {
  return table(
    ['SETTLED AS', 'WRITTEN', 'BY', 'WROTE', 'REASON'],
    settlements.map(({ dot, written_at_us, author, reason, writes }) => [
      shortDot(dot),
      utc(written_at_us),
      author || '-',
      writes.map(({ field, value_json }) => `${field} ${written(value_json)}`).join('; '),
      reason || '-',
    ]),
  );
}

/** What stands against each other in short. Of an edit that rests on others, the field in dispute speaks for all. */
function valuesText({ kind, field, members }: ConflictJson): string {
  const own = members.find((member) => member.field === field);
  const short =
    kind === 'guard' && own
      ? members.filter((member) => member === own || shortDot(member.dot) !== shortDot(own.dot))
      : members;
  const told = short.slice(0, MAX_MEMBERS).map((member) => valueBy(member, field));
  if (short.length > told.length) told.push(`and ${counted(short.length - told.length, 'other')}`);
  return told.join('; ');
}

function valueBy(member: MemberJson, ofConflict: string): string {
  const field = member.field === ofConflict ? '' : `${member.field} `;
  return `${shortDot(member.dot)} ${field}${valueText(member)}${member.chosen ? '*' : ''}`;
}

function valueText({ here, field, value_json }: MemberJson): string {
  if (!here) return 'not here yet';
  return field === '/attempts' && value_json === null ? 'new attempts' : written(value_json);
}

/** A value as it was written, cut where it is long. */
export function written(value: string | null): string {
  if (value === null) return 'removed';
  return value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE - 1)}…` : value;
}
