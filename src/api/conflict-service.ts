import { type Dot, fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { Decision } from '../replica/editor.ts';
import type { Replica } from '../replica/replica.ts';
import type { ConflictFilter, ConflictRow } from '../store/conflicts.ts';
import { documentOf } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import type { Carrier } from '../sync/sync-runner.ts';
import type { ConflictId } from '../wafer/document/conflict.ts';
import { explain } from '../wafer/document/explain.ts';
import { checkPath } from '../wafer/document/field.ts';
import { ruleFor, showField } from '../wafer/document/shown.ts';
import { fromConflictKind } from '../wire/edit.ts';
import { toNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { conflictService } from '../wire/services.ts';
import { toDot } from '../wire/vectors.ts';
import { reasonedBy } from './authorship.ts';
import { serverStream, unary } from './call.ts';
import { fromConflictState, toConflict, toMember } from './conflict-message.ts';
import type { HandlersOf } from './handlers.ts';
import { lookUpDocument } from './wafer-lookup.ts';

/** What the service is made of. */
export interface ConflictServiceOptions {
  readonly store: Store;
  readonly replica: Pick<Replica<Carrier>, 'edit'>;
}

/** Conflicts read at once. */
const PAGE = 100;

/** Handlers of ConflictService. */
export function conflictServiceHandlers({
  store,
  replica,
}: ConflictServiceOptions): HandlersOf<typeof conflictService.methods> {
  return {
    ListConflicts: serverStream<Message<'ListConflictsRequest'>, Message<'ListConflictsResponse'>>(
      (request) => listConflicts(store, filterOf(request)),
    ),
    GetConflict: unary<Message<'GetConflictRequest'>, Message<'GetConflictResponse'>>(({ id }) => ({
      conflict: toConflict(knownConflict(store, id ?? '')),
    })),
    ResolveConflict: unary<Message<'ResolveConflictRequest'>, Message<'ResolveConflictResponse'>>(
      async (request) => {
        const { id, wafer, field } = knownConflict(store, request.id ?? '');
        const author = reasonedBy(request, 'Say why: every fab shows it.');
        const decision = decisionOf(request);
        let stood: readonly Dot[] = [];
        const { dot } = await replica.edit((editor) => {
          // As of the moment of the decision: what comes in the same commit has settled nothing.
          stood = store.documents
            .of(wafer)
            .view.siblings(field)
            .map((sibling) => sibling.dot);
          return editor.resolve(id, decision, author);
        });
        const now = store.conflicts.get(id);
        const document = store.documents.of(wafer);
        return {
          ...(dot ? { edit: toDot(dot) } : { settled_by: stood.map(toDot) }),
          // It is durable: what came in the same commit may have changed what it was about.
          conflict: now && toConflict(now),
          document_json: JSON.stringify(documentOf(document)),
        };
      },
    ),
    ExplainField: unary<Message<'ExplainFieldRequest'>, Message<'ExplainFieldResponse'>>((request) =>
      explainField(store, request),
    ),
  };
}

async function* listConflicts(
  store: Store,
  filter: ConflictFilter,
): AsyncGenerator<Message<'ListConflictsResponse'>> {
  let after = '';
  for (;;) {
    const ids = store.conflicts.ids(filter, after, PAGE);
    for (const id of ids) {
      const row = store.conflicts.get(id);
      // Between two pages a conflict may have gone.
      if (row) yield { conflict: toConflict(row) };
    }
    if (ids.length < PAGE) return;
    after = ids.at(-1)!;
  }
}

function filterOf(request: Message<'ListConflictsRequest'>): ConflictFilter {
  const { wafer_id, lot, insertion, fab_id } = request;
  const state = fromConflictState(request.state);
  const kind = fromConflictKind(request.kind);
  return {
    ...(wafer_id ? { waferId: wafer_id } : {}),
    ...(lot ? { lot } : {}),
    ...(insertion ? { insertion } : {}),
    ...(fab_id ? { fab: fabId(fab_id) } : {}),
    ...(state ? { state } : {}),
    ...(kind ? { kind } : {}),
  };
}

function knownConflict(store: Store, given: string): ConflictRow {
  const digits = given.toLowerCase();
  if (!/^[0-9a-f]{4,32}$/.test(digits)) {
    throw new WafersyncError('invalid', `conflict id ${JSON.stringify(given)} is not 4 to 32 hex digits`, {
      hint: '`wafersync conflicts list` prints the ids.',
    });
  }
  const ids = digits.length === 32 ? [digits as ConflictId] : store.conflicts.beginningWith(digits);
  if (ids.length > 1) {
    throw new WafersyncError('invalid', `several conflicts begin with ${digits}`, {
      hint: 'Give more digits.',
    });
  }
  const row = ids[0] === undefined ? null : store.conflicts.get(ids[0]);
  if (row) return row;
  throw new WafersyncError('not-found', `conflict ${digits} is not known here`, {
    hint: 'It may have gone before anybody settled it, or not have come yet. `wafersync conflicts list` tells those that are known.',
  });
}

function decisionOf({ choose, value_json }: Message<'ResolveConflictRequest'>): Decision {
  if (choose) {
    const epoch = toNumber(choose.epoch);
    const life = epoch === 0 ? {} : { epoch };
    return { choose: { fab: choose.fab_id ?? '', ...life, sequence: toNumber(choose.sequence) } };
  }
  if (value_json !== null && value_json !== undefined) return { value: value_json };
  throw new WafersyncError('invalid', 'there is no decision', {
    hint: 'Choose a member by its fab and sequence, or give a value as JSON.',
  });
}

function explainField(
  store: Store,
  request: Message<'ExplainFieldRequest'>,
): Message<'ExplainFieldResponse'> {
  const key = lookUpDocument(store, request);
  const field = checkPath(request.field ?? '');
  if (field.length === 0)
    throw new WafersyncError('invalid', 'field is empty', { hint: 'Name one, as in /disposition.' });
  const { view, basis } = store.documents.of(key);
  const siblings = view.siblings(field);
  const shown = siblings.length === 0 ? null : showField(field, siblings, basis);
  const rule = ruleFor(field, basis);
  const history = store.documents.history(key, field);
  const chosen = new Set(shown?.choice.chosen.map(({ dot }) => JSON.stringify(dot)));
  return {
    lines: explain(field, shown, history, { rules: basis.rules, rule }),
    value_json: shown?.choice.value ?? null,
    policy: rule.policy,
    pattern: rule.pattern,
    siblings: history
      .filter(({ stands }) => stands)
      .map((told) =>
        toMember({
          ...told,
          ...told.write,
          write: told.write,
          chosen: chosen.has(JSON.stringify(told.dot)),
          here: true,
        }),
      ),
    conflict_ids: store.conflicts.about(key, field),
  };
}
