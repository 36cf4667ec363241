import type { FabId } from '../../clocks/dot.ts';
import { type Birth, compareBirths, type Sibling } from './edit.ts';
import { EMPTY_OBJECT, type FieldPath, segmentsOf } from './field.ts';
import { isObject, type Json } from './json.ts';
import { type Choice, POLICIES, type PolicyFacts } from './policies/index.ts';
import { ANY_PRODUCT, type Rule, type Rules } from './rules.ts';
import { differ } from './siblings.ts';
import type { DocumentView, FieldState } from './view.ts';

/** By what values are chosen. */
export interface Basis {
  readonly rules: Rules;
  /** Product of the wafer; empty where it is not known. */
  readonly product: string;
  readonly facts: PolicyFacts;
}

/** Names a wafer's home fab. Always by the last writer, so that no policy hangs on itself. */
export const HOME_FAB = '/home_fab' as FieldPath;

/** A product that a person gives a wafer; it counts before that of its runs. */
export const PRODUCT = '/product' as FieldPath;

/** Dies that a wafer has in all, tested or not; it counts before what the mesh says of its product. */
export const GROSS_DIES = '/gross_dies' as FieldPath;

/** Fields that rules and policies look at themselves: always the last writer's, or they would hang on themselves. */
const GIVENS: readonly FieldPath[] = [HOME_FAB, PRODUCT];

/** What is shown of one field, and by which rule. */
export interface Shown {
  readonly field: FieldPath;
  readonly siblings: readonly Sibling[];
  readonly choice: Choice;
  readonly rule: Rule;
}

/** What is always in a wafer's document, so that members can be added to it. */
const TEMPLATE: { readonly [name: string]: Json } = {
  disposition: 'none',
  holds: {},
  rebins: {},
  ink_offs: {},
  notes: {},
  tags: {},
  verdicts: {},
  final_runs: {},
  corrected: {},
  attributes: {},
};

/** What is always in the mesh document. */
const MESH_TEMPLATE: { readonly [name: string]: Json } = { policies: { '*': {} }, views: {}, gross_dies: {} };

/** Kinds of documents. */
export type DocumentKind = 'wafer' | 'mesh';

/** The rule of a field. */
export function ruleFor(field: FieldPath, { rules, product }: Pick<Basis, 'rules' | 'product'>): Rule {
  if (!GIVENS.includes(field)) return rules.of(field, product);
  return { policy: 'last-writer-wins', pattern: field, product: ANY_PRODUCT, builtIn: true };
}

/** What a rule makes of one field. @param siblings one or more */
export function showField(field: FieldPath, siblings: readonly Sibling[], basis: Basis): Shown {
  const rule = ruleFor(field, basis);
  return { field, siblings, rule, choice: POLICIES[rule.policy].choose(siblings, basis.facts) };
}

/** The home fab that a document names. */
export function homeFabOf(view: Pick<DocumentView, 'siblings'>): FabId | null {
  const siblings = view.siblings(HOME_FAB);
  if (siblings.length === 0) return null;
  const { value } = POLICIES['last-writer-wins'].choose(siblings, { homeFab: null });
  return value === null ? null : (JSON.parse(value) as FabId);
}

/** The document as it is shown: the template, with what the fields say over it. */
export function render(fields: readonly FieldState[], basis: Basis, kind: DocumentKind = 'wafer'): Json {
  const tree = treeOf(fields.map(([field, siblings]) => showField(field, siblings, basis)));
  return over(templateOf(kind), branchValue(tree)?.value ?? {});
}

/** What is always in a document of a kind. */
export function templateOf(kind: DocumentKind): Json {
  return kind === 'wafer' ? TEMPLATE : MESH_TEMPLATE;
}

/** Members of `above` over those of `below`. */
function over(below: Json, above: Json): Json {
  if (!isObject(below) || !isObject(above)) return above;
  const merged: Record<string, Json> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    merged[name] = Object.hasOwn(below, name) ? over(below[name]!, value) : value;
  }
  return merged;
}

interface Tree {
  readonly own: Shown | null;
  readonly members: Map<string, Tree>;
}

interface Value {
  readonly value: Json;
  readonly newest: Birth;
}

function treeOf(fields: readonly Shown[]): Tree {
  const root: Tree = { own: null, members: new Map() };
  for (const shown of fields) {
    if (shown.choice.value === null) continue;
    const segments = segmentsOf(shown.field);
    let node = root;
    for (const [i, segment] of segments.entries()) {
      const next = node.members.get(segment) ?? { own: null, members: new Map<string, Tree>() };
      node.members.set(segment, i === segments.length - 1 ? { ...next, own: shown } : next);
      node = node.members.get(segment)!;
    }
  }
  return root;
}

/** Value of a branch. Where it has a value and members as well, the last writer of either is shown. */
function branchValue({ own, members }: Tree): Value | null {
  const values = [...members].flatMap(([name, tree]) => {
    const member = branchValue(tree);
    return member ? [{ name, ...member }] : [];
  });
  const scalar = own && { value: JSON.parse(own.choice.value!) as Json, newest: newestOf(own.choice.chosen) };
  if (values.length === 0) return scalar;
  const object: Value = {
    value: Object.fromEntries(values.map(({ name, value }) => [name, value])),
    newest: newestOf(values.map(({ newest }) => newest)),
  };
  if (!scalar) return object;
  // The marker speaks for the members: whoever wrote it last wants an object here, against a value further up too.
  if (own.choice.value === EMPTY_OBJECT)
    return { ...object, newest: newestOf([object.newest, scalar.newest]) };
  return compareBirths(scalar.newest, object.newest) > 0 ? scalar : object;
}

function newestOf(births: readonly Birth[]): Birth {
  return births.reduce((newest, next) => (compareBirths(next, newest) > 0 ? next : newest));
}

/** Whether a field shows a value of its own, rather than nothing or the marker of an empty object. */
export function isScalar(shown: Shown): boolean {
  return shown.choice.value !== null && shown.choice.value !== EMPTY_OBJECT;
}

/** Whether a person or a rule has to choose between siblings. */
export function isDisputed(siblings: readonly Sibling[]): boolean {
  return siblings.length > 1 && differ(siblings);
}
