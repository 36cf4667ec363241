import type { ClientOf } from '../../api/client.ts';
import { WafersyncError } from '../../errors.ts';
import { wafersync } from '../../gen/wafersync.js';
import type { ConflictState } from '../../store/conflicts.ts';
import type { ConflictKind } from '../../wafer/document/edit.ts';
import { toConflictKind } from '../../wire/edit.ts';
import { fromNumber } from '../../wire/long.ts';
import { conflictService, waferService } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import { userName } from '../options.ts';
import { counted, printable, type Terminal } from '../output.ts';
import { type ConflictJson, conflictJson, type DotJson, dotJson, memberJson } from './conflict-json.ts';
import { conflictLines, conflictTable, documentName, shortDot, shortId, written } from './conflict-text.ts';

/** Options that every command about conflicts has. */
export interface ConflictOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
}

/** Options of `wafersync conflicts list`. */
export interface ListOptions extends ConflictOptions {
  readonly wafer?: string;
  readonly lot?: string;
  readonly insertion?: string;
  /** Absent: those that stand. */
  readonly state?: ConflictState;
  readonly kind?: ConflictKind;
  /** Fab that wrote one of the members. */
  readonly fab?: string;
}

/** A member of a conflict, as `--choose` names it. */
export interface Choice {
  readonly fab: string;
  /** Absent: fab and sequence name one alone. */
  readonly epoch?: number;
  readonly sequence: number;
}

/** Options of `wafersync conflicts resolve`. */
export interface ResolveOptions extends ConflictOptions {
  readonly choose?: Choice;
  /** JSON text. */
  readonly value?: string;
  readonly reason: string;
  readonly author?: string;
}

/** Options of `wafersync conflicts explain`. */
export interface ExplainOptions extends ConflictOptions {
  readonly lot?: string;
  readonly insertion?: string;
  /** Whether the field is one of the mesh document. */
  readonly mesh?: boolean;
}

const { ConflictState: State } = wafersync.v1;
type Client = ClientOf<typeof conflictService.methods>;
type Request = wafersync.v1.ListConflictsRequest.$Properties;

const STATES: Readonly<Record<ConflictState, wafersync.v1.ConflictState>> = {
  open: State.CONFLICT_STATE_OPEN,
  ruled: State.CONFLICT_STATE_RULED,
  settled: State.CONFLICT_STATE_SETTLED,
};

/** States that conflicts may be asked for by. */
export const CONFLICT_STATES = Object.keys(STATES);
/** Kinds that conflicts may be asked for by. */
export const CONFLICT_KINDS: readonly ConflictKind[] = ['field', 'shape', 'guard', 'verdict'];

/** Tells the conflicts that match, those open for a person first. @throws WafersyncError `not-found` for a wafer that is not known */
export async function listConflicts(options: ListOptions, terminal: Terminal): Promise<number> {
  const rows: ConflictJson[] = [];
  const tell = (conflict: ConflictJson) =>
    options.json ? terminal.out(JSON.stringify(conflict)) : void rows.push(conflict);
  let found = await listEach(options, tell);
  if (found === 0 && options.wafer) {
    const tested = await testedAs(options, options.wafer);
    if (tested) found = await listEach({ ...options, ...tested }, tell);
  }
  if (options.json) return 0;
  const none = `no conflicts${options.state ? '' : ' stand'}`;
  terminal.out(found === 0 ? none : conflictTable(rows, !options.wafer));
  return 0;
}

/** Tells each conflict that matches; resolves to how many there are. */
async function listEach(options: ListOptions, tell: (conflict: ConflictJson) => void): Promise<number> {
  return withNode(conflictService, options.node, async (client) => {
    let count = 0;
    for await (const conflict of matching(client, options)) {
      count++;
      tell(conflict);
    }
    return count;
  });
}

async function* matching(client: Client, options: ListOptions): AsyncGenerator<ConflictJson> {
  const request: Request = {
    wafer_id: options.wafer ?? '',
    lot: options.lot ?? '',
    insertion: options.insertion ?? '',
    fab_id: options.fab ?? '',
    ...(options.kind ? { kind: toConflictKind(options.kind) } : {}),
  };
  const states: readonly ConflictState[] = options.state ? [options.state] : ['open', 'ruled'];
  for (const state of states) {
    for await (const { conflict } of client.ListConflicts({ ...request, state: STATES[state] })) {
      if (conflict) yield conflictJson(conflict);
    }
  }
}

/**
 * The names that a wafer was tested under, where it was asked for by a corrected id; else null. A wafer without conflicts
 * and one that was mistyped must not read alike. @throws WafersyncError `not-found` where it is not known
 */
async function testedAs(
  { node, lot, insertion }: ListOptions,
  wafer: string,
): Promise<Pick<ListOptions, 'wafer' | 'lot' | 'insertion'> | null> {
  const request = { wafer_id: wafer, lot: lot ?? '', insertion: insertion ?? '' };
  const found = await withNode(waferService, node, (wafers) => wafers.GetWafer(request)).catch((thrown) => {
    const error = WafersyncError.from(thrown);
    // Several wafers match: they are known, and have no conflicts either.
    if (error.code === 'invalid') return null;
    throw error;
  });
  if (!found?.wafer_id || found.wafer_id === wafer) return null;
  return { wafer: found.wafer_id, lot: found.lot ?? '', insertion: found.insertion ?? '' };
}

/** Tells one conflict. */
export async function showConflict(
  id: string,
  options: ConflictOptions,
  terminal: Terminal,
): Promise<number> {
  const { conflict } = await withNode(conflictService, options.node, (client) => client.GetConflict({ id }));
  const json = conflictJson(conflict ?? {});
  terminal.out(options.json ? JSON.stringify(json) : conflictLines(json).join('\n'));
  return 0;
}

/** Settles a conflict. @throws WafersyncError `invalid` without a decision, or with two */
export async function resolveConflict(
  id: string,
  options: ResolveOptions,
  terminal: Terminal,
): Promise<number> {
  const { choose, value, reason, author = userName() } = options;
  if ((choose === undefined) === (value === undefined)) {
    throw new WafersyncError('invalid', 'a conflict is settled by either --choose or --value', {
      hint: `\`wafersync conflicts show ${shortId(id)} --node ${options.node}\` tells what can be chosen.`,
    });
  }
  const decision = choose ? { choose: dotOf(choose) } : { value_json: value ?? null };
  const answer = await withNode(conflictService, options.node, (client) =>
    client.ResolveConflict({ id, ...decision, reason, author }),
  );
  const conflict = conflictJson(answer.conflict ?? {});
  const edit = answer.edit ? dotJson(answer.edit) : null;
  const settled_by = (answer.settled_by ?? []).map(dotJson);
  const told = { edit, conflict, document_json: answer.document_json ?? '', settled_by };
  terminal.out(options.json ? JSON.stringify(told) : resolvedLines(told, options).join('\n'));
  return 0;
}

/** What came of settling a conflict. */
function resolvedLines(
  { conflict, edit, settled_by }: Resolved,
  { choose, value }: ResolveOptions,
): string[] {
  const what = `conflict ${shortId(conflict.id)} of ${documentName(conflict)} is ${conflict.state}`;
  if (edit === null) {
    const by = settled_by.length > 0 ? ` by ${settled_by.map(shortDot).join(', ')}` : '';
    return [`${what} so already${by}: nothing was written`];
  }
  const own = conflict.settlements.find(({ dot }) => shortDot(dot) === shortDot(edit));
  // What settles it anew ends no conflict, and is not among its settlements.
  const chosen = choose
    ? conflict.members.filter(({ dot }) => dot.fab_id === choose.fab && dot.sequence === choose.sequence)
    : [{ field: conflict.field, value_json: value ?? null }];
  const writes = (own?.writes ?? chosen).map(({ field, value_json }) =>
    printable(`  ${field} ${written(value_json)}`),
  );
  return [`${what}${own ? '' : ' anew'} by ${shortDot(edit)}, which writes:`, ...writes];
}

interface Resolved {
  readonly conflict: ConflictJson;
  readonly edit: DotJson | null;
  /** Edits by which it was settled so already. */
  readonly settled_by: readonly DotJson[];
}

function dotOf({ fab, epoch, sequence }: Choice): wafersync.v1.Dot.$Properties {
  const life = epoch === undefined ? {} : { epoch: fromNumber(epoch) };
  return { fab_id: fab, ...life, sequence: fromNumber(sequence) };
}

/** Tells why a field shows what it shows. With `mesh`, the field alone is given. */
export async function explainField(
  given: readonly [first: string, second: string | undefined],
  options: ExplainOptions,
  terminal: Terminal,
): Promise<number> {
  const [first, second] = given;
  if ((second === undefined) !== (options.mesh ?? false)) {
    throw new WafersyncError('invalid', 'explain takes a wafer and a field, or a field and --mesh', {
      hint: 'Say `wafersync conflicts explain W1 /disposition --node HOST:PORT`.',
    });
  }
  const { lot = '', insertion = '' } = options;
  const request =
    second === undefined ? { field: first } : { wafer_id: first, lot, insertion, field: second };
  const answer = await withNode(conflictService, options.node, (client) => client.ExplainField(request));
  const lines = answer.lines ?? [];
  const ids = answer.conflict_ids ?? [];
  if (options.json) {
    const { policy, pattern } = answer;
    const siblings = (answer.siblings ?? []).map(memberJson);
    const value_json = answer.value_json ?? null;
    terminal.out(JSON.stringify({ lines, value_json, policy, pattern, siblings, conflict_ids: ids }));
    return 0;
  }
  for (const line of lines) terminal.out(printable(line));
  if (ids.length > 0)
    terminal.out(`part of ${counted(ids.length, 'conflict')}: ${ids.map(shortId).join(', ')}`);
  return 0;
}
