import type { EditRequest } from '../replica/editor.ts';
import type { Replica } from '../replica/replica.ts';
import { type DocumentNow, documentOf, etagOf } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import { coverageOf } from '../sync/coverage.ts';
import type { Membership } from '../sync/membership.ts';
import type { Carrier, SyncRunner } from '../sync/sync-runner.ts';
import { RETIRED } from '../wafer/document/guards.ts';
import { MESH } from '../wafer/document/mesh.ts';
import { showField } from '../wafer/document/shown.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { fromNumber, toNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { waferService } from '../wire/services.ts';
import { toDot, toOriginIntervals } from '../wire/vectors.ts';
import { unary } from './call.ts';
import { toConflict } from './conflict-message.ts';
import type { HandlersOf } from './handlers.ts';
import { givenKey, lookUpWafer } from './wafer-lookup.ts';
import { waferMap } from './wafer-map.ts';
import { waferState } from './wafer-state.ts';
import { fromWireView } from './yield-views.ts';

/** What the service is made of. */
export interface WaferServiceOptions {
  readonly store: Store;
  readonly replica: Pick<Replica<Carrier>, 'edit'>;
  readonly sync: Pick<SyncRunner, 'reports'>;
  readonly membership: Pick<Membership, 'members'>;
}

/** Conflicts that GetWafer tells; `ListConflicts` tells all. */
const MAX_CONFLICTS = 100;

/** Handlers of WaferService. */
export function waferServiceHandlers(options: WaferServiceOptions): HandlersOf<typeof waferService.methods> {
  const { store, replica } = options;
  return {
    GetWafer: unary<Message<'GetWaferRequest'>, Message<'GetWaferResponse'>>((request) =>
      getWafer(options, lookUpWafer(store, request)),
    ),
    GetWaferMap: unary<Message<'GetWaferMapRequest'>, Message<'GetWaferMapResponse'>>((request) => {
      const key = lookUpWafer(store, request);
      const view = request.view ? fromWireView(request.view) : store.documents.viewOf(key);
      return waferMap(store, key, view, request.composite ?? false);
    }),
    PatchWafer: unary<Message<'PatchWaferRequest'>, Message<'PatchWaferResponse'>>(async (request) => {
      const create = request.create ?? false;
      const isNew = create && store.waferNames.find(givenKey(request)).length === 0;
      const wafer = isNew ? givenKey(request) : lookUpWafer(store, request);
      const { dot } = await replica.edit((editor) =>
        editor.patch(editRequest(wafer, request), request.patch_json ?? '', create),
      );
      return { ...documentNow(store, wafer), ...(dot ? { edit: toDot(dot) } : {}) };
    }),
    RetireWafer: unary<Message<'RetireWaferRequest'>, Message<'RetireWaferResponse'>>(async (request) => {
      const wafer = lookUpWafer(store, request);
      const { dot } = await replica.edit((editor) => editor.retire(editRequest(wafer, request)));
      const { version, etag } = documentNow(store, wafer);
      return { version, etag, ...(dot ? { edit: toDot(dot) } : {}) };
    }),
    GetMesh: unary<Message<'GetMeshRequest'>, Message<'GetMeshResponse'>>(() => ({
      ...documentNow(store, MESH),
      rules: store.documents.rules.list().map(({ product, pattern, policy, builtIn }) => ({
        ...{ product, pattern, policy },
        built_in: builtIn,
      })),
    })),
    PatchMesh: unary<Message<'PatchMeshRequest'>, Message<'PatchMeshResponse'>>(async (request) => {
      await replica.edit((editor) =>
        editor.patch(editRequest(MESH, request), request.patch_json ?? '', true),
      );
      return documentNow(store, MESH);
    }),
  };
}

function getWafer(
  { store, sync, membership }: WaferServiceOptions,
  key: WaferKey,
): Message<'GetWaferResponse'> {
  const now = store.documents.of(key);
  const vector = store.wafers.dots(key);
  const coverage = coverageOf(vector, membership.members(), sync.reports());
  const counts = store.documents.conflicts(key);
  const [row] = store.wafers.find(key);
  const conflicts = store.conflicts
    .ofWafer(key, MAX_CONFLICTS)
    .map((id) => toConflict(store.conflicts.get(id)!));
  return {
    ...{ wafer_id: key.waferId, lot: key.lot, insertion: key.insertion },
    ...documentNow(store, key),
    state: waferState(coverage, counts.open),
    synced_fabs: [...coverage.synced],
    missing_fabs: coverage.missing.map(({ fab }) => fab),
    vector: toOriginIntervals(vector),
    conflicts,
    open_conflicts: fromNumber(counts.open),
    ruled_conflicts: fromNumber(counts.ruled),
    product: store.documents.product(key),
    attempts: fromNumber(row?.attempts ?? 0),
    results: fromNumber(row?.results ?? 0),
    retired: isRetired(now),
  };
}

function isRetired({ view, basis }: DocumentNow): boolean {
  const siblings = view.siblings(RETIRED);
  return siblings.length > 0 && showField(RETIRED, siblings, basis).choice.value === 'true';
}

function documentNow(store: Store, key: WaferKey) {
  const now = store.documents.of(key);
  return {
    version: fromNumber(now.version),
    etag: etagOf(now),
    document_json: JSON.stringify(documentOf(now)),
  };
}

type EditMessage = Pick<
  Message<'PatchWaferRequest'>,
  'author' | 'reason' | 'expected_etag' | 'expected_version'
>;

function editRequest(wafer: WaferKey, message: EditMessage): EditRequest {
  const { author, reason, expected_etag, expected_version } = message;
  const expected = {
    ...(expected_version === null || expected_version === undefined
      ? {}
      : { version: toNumber(expected_version) }),
    ...(expected_etag ? { etag: expected_etag } : {}),
  };
  return { wafer, author: author ?? '', reason: reason ?? '', expected };
}
