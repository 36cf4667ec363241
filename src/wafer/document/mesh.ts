import type { WaferKey } from '../wafer-key.ts';
import { type FieldPath, fieldPath, segmentsOf } from './field.ts';
import { ANY_PRODUCT } from './rules.ts';

/** Stands for the mesh: edits that name no wafer change the mesh's own document, which every fab shares. */
export const MESH: WaferKey = { lot: '', waferId: '', insertion: '' };

/** Branch of the mesh document that holds the rules: /policies/PRODUCT/PATTERN = POLICY; PRODUCT * is any. */
export const POLICIES_BRANCH = '/policies' as FieldPath;

/** Whether a key stands for the mesh. */
export function isMesh({ lot, waferId, insertion }: WaferKey): boolean {
  return lot === '' && waferId === '' && insertion === '';
}

/** Field of a rule. */
export function ruleField(pattern: string, product: string = ANY_PRODUCT): FieldPath {
  return fieldPath(['policies', product, pattern]);
}

/** Field of the view that counts attempts of a product: /views/PRODUCT = VIEW; PRODUCT * is any. */
export function viewField(product: string): FieldPath {
  return fieldPath(['views', product]);
}

/** Product and pattern of a field below /policies; null where it is none of a rule. */
export function parseRuleField(field: FieldPath): { product: string; pattern: string } | null {
  const [branch, product, pattern, ...rest] = segmentsOf(field);
  if (branch !== 'policies' || product === undefined || pattern === undefined || rest.length > 0) return null;
  return { product, pattern };
}

/** Field of the gross dies of a product's wafers: /gross_dies/PRODUCT = number; PRODUCT * is any. */
export function grossDiesField(product: string): FieldPath {
  return fieldPath(['gross_dies', product]);
}

/** Branch of the mesh document that says who belongs to the mesh: /members/FAB = {@link MemberState}. */
export const MEMBERS_BRANCH = '/members' as FieldPath;

/** Branch of the mesh document that says where fabs are dialled: /addresses/FAB = host:port. */
export const ADDRESSES_BRANCH = '/addresses' as FieldPath;

/** Field of a fab's membership. */
export function memberField(fab: string): FieldPath {
  return fieldPath(['members', fab]);
}

/** Field of a fab's address. */
export function addressField(fab: string): FieldPath {
  return fieldPath(['addresses', fab]);
}
