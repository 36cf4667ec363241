import { formatDot, sameDot } from '../../clocks/dot.ts';
import { timestampMs } from '../../clocks/hlc.ts';
import type { Birth, Edit, FieldWrite } from './edit.ts';
import type { FieldPath } from './field.ts';
import { POLICIES } from './policies/index.ts';
import { ANY_PRODUCT, type Rule, type Rules } from './rules.ts';
import type { Shown } from './shown.ts';
import { differ } from './siblings.ts';

/** A write of the field and what its writer said, by time. */
export interface Told extends Birth, Pick<Edit, 'author' | 'reason' | 'policyVersion'> {
  readonly write: FieldWrite;
}

/** Older writes that are told one by one. */
const MAX_TOLD = 20;

/**
 * Why a field shows what it shows, in words, a line each.
 * @param shown null where nobody ever wrote the field
 */
export function explain(
  field: FieldPath,
  shown: Shown | null,
  history: readonly Told[],
  { rules, rule }: { readonly rules: Rules; readonly rule: Rule },
): string[] {
  if (!shown) return [`${field} was never written. ${byRule(rule, rules)}`];
  const { siblings, choice } = shown;
  const value = choice.value === null ? 'is removed' : `shows ${choice.value}`;
  const standing = history.filter(({ dot }) => siblings.some((sibling) => sameDot(sibling.dot, dot)));
  const older = history.filter((told) => !standing.includes(told));
  const lines =
    siblings.length === 1
      ? [`${field} ${value}: one write stands, and it has seen all others.`]
      : [
          `${field} ${value}: ${siblings.length} writes stand that did not know of each other${differ(siblings) ? '' : ', and agree'}.`,
        ];
  for (const told of standing) {
    const chosen = siblings.length > 1 && choice.chosen.some(({ dot }) => sameDot(dot, told.dot));
    lines.push(`  ${tell(told, rules)}${chosen && differ(siblings) ? ' (shown)' : ''}`);
  }
  if (siblings.length > 1 && differ(siblings)) lines.push(byRule(rule, rules));
  if (older.length > 0) lines.push('Before that:');
  for (const told of older.toReversed().slice(0, MAX_TOLD)) lines.push(`  ${tell(told, rules)}, replaced`);
  if (older.length > MAX_TOLD) lines.push(`  and ${older.length - MAX_TOLD} older writes`);
  return lines;
}

function tell(told: Told, rules: Rules): string {
  const { dot, timestamp, author, reason, write } = told;
  const time = new Date(timestampMs(timestamp)).toISOString().replace('T', ' ').replace('Z', ' UTC');
  const what = write.value === null ? 'removed it' : `wrote ${write.value}`;
  const replaced =
    write.replaces.length > 1 ? `, in place of ${write.replaces.map(formatDot).join(' and ')}` : '';
  const version =
    told.policyVersion === rules.version
      ? ''
      : `, knowing version ${told.policyVersion} of the rules, where this fab has ${rules.version}`;
  return `${dot.fab} ${time}: ${author || 'somebody'} ${what}${replaced}${reason ? ` (${reason})` : ''}${version} [${formatDot(dot)}]`;
}

function byRule(rule: Rule, { version }: Rules): string {
  const source = rule.builtIn ? 'built in' : `version ${version} of the mesh document`;
  const product = rule.product === ANY_PRODUCT ? '' : ` of product ${rule.product}`;
  const { says } = POLICIES[rule.policy];
  return `Where writes differ, ${says}: ${rule.policy} for ${rule.pattern}${product} (${source}).`;
}
