import { ANY_PRODUCT, Rules } from '../../src/wafer/document/rules.ts';
import type { Basis } from '../../src/wafer/document/shown.ts';
import { byTime, type ModelEdit, type ModelPolicy, type Visible } from './document-model.ts';

/** Rules of the random histories: most restrictive for the disposition, and else what is built in. */
export const BASIS: Basis = {
  rules: new Rules([{ product: ANY_PRODUCT, pattern: '/disposition', policy: 'most-restrictive' }], 1),
  product: '',
  facts: { homeFab: null },
};

const RESTRICTIVE = ['"ship"', '"release"', '"none"', '"hold"', '"scrap"'];

/** The same rules, as the model has them. */
export const modelPolicy: ModelPolicy = (siblings, field) => {
  if (field.startsWith('/notes/')) return all(siblings, field);
  if (field !== '/disposition') return last(siblings, field);
  const rank = (edit: ModelEdit) => RESTRICTIVE.indexOf(edit.writes.get(field) ?? '"none"');
  const most = Math.max(...siblings.map(rank));
  return last(
    siblings.filter((edit) => rank(edit) === most),
    field,
  );
};

function last(siblings: readonly ModelEdit[], field: string): Visible | null {
  const winner = [...siblings].sort(byTime).at(-1)!;
  const value = winner.writes.get(field) ?? null;
  return value === null ? null : { value, from: [winner] };
}

function all(siblings: readonly ModelEdit[], field: string): Visible | null {
  const from = [...siblings].sort(byTime).filter(({ writes }) => writes.get(field) !== null);
  const values = [...new Set(from.map(({ writes }) => writes.get(field)!))];
  if (values.length === 0) return null;
  return { value: values.length === 1 ? values[0]! : `[${values.join(',')}]`, from };
}
