import type { FieldPath } from './field.ts';
import { segmentsOf } from './field.ts';
import { isPolicyName, type PolicyName } from './policies/index.ts';

/** Stands for every product in the mesh document. */
export const ANY_PRODUCT = '*';

/** The policy that applies to a field, and where it says so. */
export interface Rule {
  readonly policy: PolicyName;
  /** `*` matches one segment, `**` at the end the rest. */
  readonly pattern: string;
  /** Product that it is for; {@link ANY_PRODUCT} for all. */
  readonly product: string;
  /** False: from the mesh document. */
  readonly builtIn: boolean;
}

/** What holds where the mesh document says nothing. */
export const BUILT_IN: readonly (readonly [pattern: string, policy: PolicyName])[] = [
  ['/verdicts/*', 'manual'],
  ['/notes/**', 'keep-all'],
  ['/tags/**', 'keep-all'],
  ['/**', 'last-writer-wins'],
];

/** Which policy applies to which field, as the mesh document has it. */
export class Rules {
  static readonly builtIn = new Rules([], 0);
  /** Edits of the mesh document that these rules come from. */
  readonly version: number;
  readonly #rules: readonly Rule[];
  readonly #found = new Map<string, Rule>();

  /** @param entries of the mesh document; policies that this version does not know, and what is no pattern, are passed over */
  constructor(
    entries: Iterable<{ readonly product: string; readonly pattern: string; readonly policy: string }>,
    version: number,
  ) {
    this.version = version;
    const own = [...entries].flatMap(({ product, pattern, policy }) =>
      isPolicyName(policy) && isPattern(pattern) ? [{ product, pattern, policy, builtIn: false }] : [],
    );
    const builtIn = BUILT_IN.map(([pattern, policy]) => ({
      product: ANY_PRODUCT,
      pattern,
      policy,
      builtIn: true,
    }));
    this.#rules = [...own, ...builtIn].sort(compareRules);
  }

  /** The rule of a field: one for the product before one for all, then the one that names most, then the mesh's own. */
  of(field: FieldPath, product: string): Rule {
    const key = `${product}\0${field}`;
    const known = this.#found.get(key);
    if (known) return known;
    const segments = segmentsOf(field);
    const rule = this.#rules.find(
      (rule) => (rule.product === ANY_PRODUCT || rule.product === product) && matches(rule.pattern, segments),
    )!;
    if (this.#found.size >= 10_000) this.#found.clear();
    this.#found.set(key, rule);
    return rule;
  }

  /** All rules, the most specific first. */
  list(): readonly Rule[] {
    return this.#rules;
  }
}

/** Whether a text is a pattern of fields: a mesh document may come from a node that checks less. */
function isPattern(text: string): boolean {
  try {
    return segmentsOf(text).length > 0;
  } catch {
    return false;
  }
}

/** Whether a pattern matches the segments of a field. */
export function matches(pattern: string, segments: readonly string[]): boolean {
  const parts = segmentsOf(pattern);
  const open = parts.at(-1) === '**';
  const fixed = open ? parts.slice(0, -1) : parts;
  if (open ? segments.length < fixed.length : segments.length !== fixed.length) return false;
  return fixed.every((part, i) => part === '*' || part === segments[i]);
}

function compareRules(a: Rule, b: Rule): number {
  return (
    Number(a.product === ANY_PRODUCT) - Number(b.product === ANY_PRODUCT) ||
    literals(b.pattern) - literals(a.pattern) ||
    Number(a.pattern.endsWith('/**')) - Number(b.pattern.endsWith('/**')) ||
    Number(a.builtIn) - Number(b.builtIn) ||
    (a.pattern < b.pattern ? -1 : 1)
  );
}

/** Segments of a pattern that it names. */
function literals(pattern: string): number {
  return pattern.split('/').filter((part) => part !== '' && !part.startsWith('*')).length;
}
