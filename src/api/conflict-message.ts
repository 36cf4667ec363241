import { timestampMs } from '../clocks/hlc.ts';
import { wafersync } from '../gen/wafersync.js';
import type { ConflictMember, ConflictRow, ConflictState } from '../store/conflicts.ts';
import { toConflictKind, toFieldWrite } from '../wire/edit.ts';
import { fromNumber } from '../wire/long.ts';
import { toContext, toDot } from '../wire/vectors.ts';

const { ConflictState: State } = wafersync.v1;
type Conflict = wafersync.v1.Conflict.$Properties;
type Member = wafersync.v1.ConflictMember.$Properties;

const STATES: Readonly<Record<ConflictState, wafersync.v1.ConflictState>> = {
  open: State.CONFLICT_STATE_OPEN,
  ruled: State.CONFLICT_STATE_RULED,
  settled: State.CONFLICT_STATE_SETTLED,
};

/** State of an enum value; null for every one. */
export function fromConflictState(
  value: wafersync.v1.ConflictState | null | undefined,
): ConflictState | null {
  const known = Object.entries(STATES).find(([, number]) => number === value);
  return known ? (known[0] as ConflictState) : null;
}

/** Message of a conflict. */
export function toConflict(row: ConflictRow): Conflict {
  return {
    id: row.id,
    wafer_id: row.wafer.waferId,
    lot: row.wafer.lot,
    insertion: row.wafer.insertion,
    kind: toConflictKind(row.kind),
    field: row.field,
    state: STATES[row.state],
    policy: row.policy ?? '',
    pattern: row.pattern ?? '',
    members: row.members.map(toMember),
    settlements: row.settlements.map(({ dot, timestamp, author, reason, writes }) => ({
      dot: toDot(dot),
      written_at_us: fromNumber(timestampMs(timestamp) * 1000),
      author,
      reason,
      writes: writes.map(toFieldWrite),
    })),
  };
}

/** Message of a member of a conflict, or of a sibling. */
export function toMember(member: ConflictMember): Member {
  const { field, dot, timestamp, author, reason, value, write, chosen, here } = member;
  return {
    field,
    dot: toDot(dot),
    written_at_us: here ? fromNumber(timestampMs(timestamp) * 1000) : fromNumber(0),
    author,
    reason,
    value_json: value,
    context: write ? toContext(write.context) : [],
    chosen,
    here,
  };
}
