import { fromConflictState } from '../../api/conflict-message.ts';
import { type Epoch, formatEpoch } from '../../clocks/dot.ts';
import type { wafersync } from '../../gen/wafersync.js';
import { fromConflictKind } from '../../wire/edit.ts';
import { toNumber } from '../../wire/long.ts';

/** A dot with the keys of the proto. */
export type DotJson = ReturnType<typeof dotJson>;
/** A member of a conflict with the keys of the proto. */
export type MemberJson = ReturnType<typeof memberJson>;
/** A conflict with the keys of the proto. */
export type ConflictJson = ReturnType<typeof conflictJson>;

/** A conflict with the keys of the proto, numbers as numbers, kind and state as the options of `conflicts list` name them. */
export function conflictJson(conflict: wafersync.v1.Conflict.$Properties) {
  return {
    id: conflict.id ?? '',
    wafer_id: conflict.wafer_id ?? '',
    lot: conflict.lot ?? '',
    insertion: conflict.insertion ?? '',
    kind: fromConflictKind(conflict.kind) ?? 'unknown',
    field: conflict.field ?? '',
    state: fromConflictState(conflict.state) ?? 'unknown',
    policy: conflict.policy ?? '',
    pattern: conflict.pattern ?? '',
    members: (conflict.members ?? []).map(memberJson),
    settlements: (conflict.settlements ?? []).map((settlement) => ({
      dot: dotJson(settlement.dot),
      written_at_us: toNumber(settlement.written_at_us),
      author: settlement.author ?? '',
      reason: settlement.reason ?? '',
      writes: (settlement.writes ?? []).map((write) => ({
        field: write.field ?? '',
        value_json: write.value_json ?? null,
        context: (write.context ?? []).map(dotJson),
        replaces: (write.replaces ?? []).map(dotJson),
      })),
    })),
  };
}

/** A member of a conflict, or a sibling, with the keys of the proto. `value_json` null: a removal, or no value. */
export function memberJson(member: wafersync.v1.ConflictMember.$Properties) {
  return {
    field: member.field ?? '',
    dot: dotJson(member.dot),
    written_at_us: toNumber(member.written_at_us),
    author: member.author ?? '',
    reason: member.reason ?? '',
    value_json: member.value_json ?? null,
    context: (member.context ?? []).map(dotJson),
    chosen: member.chosen ?? false,
    here: member.here ?? false,
  };
}

/** A dot with the keys of the proto, its epoch as `wafersync status` prints epochs. */
export function dotJson(dot: wafersync.v1.Dot.$Properties | null | undefined) {
  return {
    fab_id: dot?.fab_id ?? '',
    epoch: formatEpoch(toNumber(dot?.epoch) as Epoch),
    sequence: toNumber(dot?.sequence),
  };
}
