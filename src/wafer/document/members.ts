import type { FabId } from '../../clocks/dot.ts';

/**
 * `member`: waited for. `removed`: it has left, everything of it was at all others, and nobody dials it. `evicted`: it was
 * shut out while it was away. The last two may connect and sync as before; nobody waits for them.
 */
export const MEMBER_STATES = ['member', 'removed', 'evicted'] as const;

/** Members of one mesh; the design is measured up to about fifty. */
export const MAX_MEMBERS = 64;

/** Whether a fab belongs to the mesh. */
export type MemberState = (typeof MEMBER_STATES)[number];

/** What the mesh document says of fabs. What this version does not know is left out. */
export interface SaidOfFabs {
  readonly states: ReadonlyMap<FabId, MemberState>;
  /** host:port. */
  readonly addresses: ReadonlyMap<FabId, string>;
}

/** What is known of one fab. */
export interface KnownFab {
  readonly fab: FabId;
  readonly state: MemberState;
  /** Where this node dials it, host:port; null where it does not know. */
  readonly address: string | null;
}

/** What one node's configuration says. */
export interface ConfiguredFabs {
  readonly members: readonly FabId[];
  /** host:port as this machine sees it. */
  readonly addresses: ReadonlyMap<FabId, string>;
}

/** Whether a value is a state of membership. */
export function isMemberState(value: unknown): value is MemberState {
  return MEMBER_STATES.some((state) => state === value);
}

/**
 * All fabs that a node knows of, sorted. The configuration names those that the mesh began with; what the mesh document
 * says of a fab counts for more. Of addresses the configuration's own counts for more: the same fab may stand behind
 * another tunnel on each machine.
 */
export function knownFabs({ members, addresses }: ConfiguredFabs, said: SaidOfFabs): KnownFab[] {
  const fabs = new Set([...members, ...said.states.keys()]);
  return [...fabs].sort().map((fab) => ({
    fab,
    state: said.states.get(fab) ?? 'member',
    address: addresses.get(fab) ?? said.addresses.get(fab) ?? null,
  }));
}
