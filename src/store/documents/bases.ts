import { type FabId, isFabId } from '../../clocks/dot.ts';
import { isGrossDies } from '../../wafer/document/checks.ts';
import { type FieldPath, segmentsOf } from '../../wafer/document/field.ts';
import { isMemberState, type MemberState, type SaidOfFabs } from '../../wafer/document/members.ts';
import {
  ADDRESSES_BRANCH,
  grossDiesField,
  MEMBERS_BRANCH,
  MESH,
  POLICIES_BRANCH,
  parseRuleField,
  viewField,
} from '../../wafer/document/mesh.ts';
import { ANY_PRODUCT, Rules } from '../../wafer/document/rules.ts';
import { type Basis, GROSS_DIES, PRODUCT } from '../../wafer/document/shown.ts';
import { YIELD_VIEWS, type YieldView } from '../../wafer/views.ts';
import type { Connection, Participant } from '../connection.ts';
import type { LocalKeys } from '../keys.ts';
import type { StoredView } from './stored-view.ts';

/**
 * By what the values of a document are chosen: the rules of the mesh, the wafer's product and its home fab.
 *
 * Invariant: rules kept in memory are those of the mesh document as the tables have it.
 */
export class Bases implements Participant {
  readonly #keys: LocalKeys;
  readonly #statements;
  #rules: Rules | null = null;
  #productRules = false;
  #fabs: SaidOfFabs | null = null;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#statements = statements(connection);
    connection.enlist(this);
  }

  /** The rules of the mesh. */
  get rules(): Rules {
    this.#rules ??= this.#load();
    return this.#rules;
  }

  /** Whether what is shown of a wafer may hang on its product. */
  get productMatters(): boolean {
    return this.rules !== null && this.#productRules;
  }

  /** What the mesh document says of fabs. */
  get fabs(): SaidOfFabs {
    this.#fabs ??= this.#loadFabs();
    return this.#fabs;
  }

  /** The mesh document has changed. */
  forget(): void {
    this.#rules = null;
    this.#fabs = null;
  }

  /** Basis of a wafer's document. */
  of(view: StoredView): Basis {
    const mesh = view.wafer === this.#keys.findWafer(MESH);
    return {
      rules: mesh ? Rules.builtIn : this.rules,
      product: this.productMatters && !mesh ? this.productOf(view.wafer) : '',
      // Read where a policy looks at it, which few do.
      facts: view,
    };
  }

  /** Product of a wafer: what people say, else that of its first run that tells one; empty where none does. */
  productOf(wafer: number): string {
    const said = this.#statements.said.get(wafer, PRODUCT)?.value;
    const product = said ? (JSON.parse(said) as unknown) : null;
    if (typeof product === 'string') return product;
    return this.#statements.ofRuns.get(wafer)?.product ?? '';
  }

  /** View of attempts that the mesh names for a product; null where it names none. */
  viewOf(product: string): YieldView | null {
    const mesh = this.#keys.findWafer(MESH);
    const named = [product, ANY_PRODUCT].filter((name) => name !== '');
    for (const name of mesh === null ? [] : named) {
      const said = this.#statements.said.get(mesh!, viewField(name))?.value;
      const view = YIELD_VIEWS.find((known) => said === JSON.stringify(known));
      if (view) return view;
    }
    return null;
  }

  /** Gross dies of a wafer: what people say of it, else the mesh of its product; null where neither does. @param product null where none counts */
  grossDiesOf(wafer: number, product: string | null): number | null {
    const own = this.#grossDies(wafer, GROSS_DIES);
    const mesh = this.#keys.findWafer(MESH);
    if (own !== null || mesh === null || product === null) return own;
    for (const name of [product, ANY_PRODUCT].filter((text) => text !== '')) {
      const said = this.#grossDies(mesh, grossDiesField(name));
      if (said !== null) return said;
    }
    return null;
  }

  /** Null for what is no number of dies: a node that checks less may have written it. */
  #grossDies(wafer: number, field: FieldPath): number | null {
    const said = this.#statements.said.get(wafer, field)?.value;
    const value = said ? (JSON.parse(said) as unknown) : null;
    return isGrossDies(value) ? value : null;
  }

  save(): () => void {
    return () => this.forget();
  }

  flush(): void {}

  #load(): Rules {
    const mesh = this.#keys.findWafer(MESH);
    const version = mesh === null ? 0 : (this.#statements.version.get(mesh)?.version ?? 0);
    const entries = this.#branch(POLICIES_BRANCH).flatMap(({ field, value }) => {
      const place = parseRuleField(field);
      const policy = JSON.parse(value) as unknown;
      return place && typeof policy === 'string' ? [{ ...place, policy }] : [];
    });
    this.#productRules = entries.some(({ product }) => product !== ANY_PRODUCT);
    return new Rules(entries, version);
  }

  #loadFabs(): SaidOfFabs {
    const states = new Map<FabId, MemberState>();
    const addresses = new Map<FabId, string>();
    for (const [fab, state] of this.#byFab(MEMBERS_BRANCH)) if (isMemberState(state)) states.set(fab, state);
    for (const [fab, address] of this.#byFab(ADDRESSES_BRANCH))
      if (typeof address === 'string') addresses.set(fab, address);
    return { states, addresses };
  }

  /** Values of a branch of the mesh document that has one field a fab. */
  #byFab(branch: FieldPath): [FabId, unknown][] {
    return this.#branch(branch).flatMap(({ field, value }): [FabId, unknown][] => {
      const [, fab = '', ...rest] = segmentsOf(field);
      return rest.length === 0 && isFabId(fab) ? [[fab, JSON.parse(value)]] : [];
    });
  }

  /** Fields below a branch of the mesh document, as they are shown. */
  #branch(branch: FieldPath): { readonly field: FieldPath; readonly value: string }[] {
    const mesh = this.#keys.findWafer(MESH);
    return mesh === null ? [] : this.#statements.below.all(mesh, `${branch}/`, `${branch}0`);
  }
}

function statements(connection: Connection) {
  return {
    version: connection.prepare<[number], { version: number }>(
      'SELECT version FROM documents WHERE wafer = ?',
    ),
    below: connection.prepare<[number, string, string], { field: FieldPath; value: string }>(
      'SELECT field, value FROM fields WHERE wafer = ? AND field >= ? AND field < ? AND value IS NOT NULL',
    ),
    said: connection.prepare<[number, string], { value: string | null }>(
      'SELECT value FROM fields WHERE wafer = ? AND field = ?',
    ),
    ofRuns: connection.prepare<[number], { product: string }>(
      `SELECT r.product FROM run_wafers rw JOIN runs r ON r.id = rw.run
       WHERE rw.wafer = ? AND ifnull(r.product, '') <> '' ORDER BY r.started_at_us, r.run_id LIMIT 1`,
    ),
  };
}
