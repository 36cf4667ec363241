import { WafersyncError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { type Coverage, coverageOf, sameCoverage } from '../sync/coverage.ts';
import type { Membership } from '../sync/membership.ts';
import type { SyncRunner } from '../sync/sync-runner.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import { type RunId, runId } from '../wafer/run.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import { toRunRecordMessage } from '../wire/run-record.ts';
import type { runService } from '../wire/services.ts';
import type { World } from '../world.ts';
import { type CallContext, clientStream, serverStream, unary } from './call.ts';
import { onChange } from './changes.ts';
import type { HandlersOf } from './handlers.ts';
import { purgedValues } from './purged-values.ts';
import type { Slots } from './slots.ts';
import { syncStateOf } from './wafer-state.ts';

/** A file as it is handed in. */
export interface Upload {
  /** Without folders. */
  readonly fileName: string;
  /** Lot to use instead of the file's own; null for its own. */
  readonly lot: string | null;
  /** Whether its verdicts are marked final. */
  readonly final: boolean;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** What came of a file. */
export interface ImportOutcome {
  /** At least one. */
  readonly runs: readonly ImportedRun[];
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
}

/** What came of one STDF stream of a file. */
export interface ImportedRun {
  readonly runId: RunId;
  readonly fileName: string;
  readonly wafers: readonly WaferKey[];
  readonly attempts: number;
  readonly results: number;
  readonly added: number;
  readonly complete: boolean;
  readonly incompleteReason: string;
  readonly orphanResults: number;
}

/** What the service is made of. */
export interface RunServiceOptions {
  readonly store: Store;
  readonly sync: SyncRunner;
  readonly world: World;
  readonly membership: Pick<Membership, 'members'>;
  /** Takes in a file. */
  readonly importFile: (upload: Upload, signal: AbortSignal) => Promise<ImportOutcome>;
  readonly slots: {
    /** For uploads, and the streams of testers. */
    readonly intake: Slots;
    readonly subscriptions: Slots;
    /** For reading results back. */
    readonly reads: Slots;
  };
}

/** Least time between two answers of WatchRun, milliseconds. */
const MIN_INTERVAL_MS = 20;

/** Handlers of RunService. */
export function runServiceHandlers(options: RunServiceOptions): HandlersOf<typeof runService.methods> {
  return {
    ImportRun: clientStream<Message<'ImportRunRequest'>, Message<'ImportRunResponse'>>(
      (requests, { signal }) =>
        options.slots.intake.hold(async () =>
          toImportResponse(await options.importFile(await uploadOf(requests), signal)),
        ),
    ),
    GetRun: unary<Message<'GetRunRequest'>, Message<'GetRunResponse'>>(({ run_id }) => {
      return getRun(options.store, idOf(run_id));
    }),
    ReadRun: serverStream<Message<'ReadRunRequest'>, Message<'ReadRunResponse'>>(({ run_id }) => {
      const id = idOf(run_id);
      return options.slots.reads.during(() => readRun(options.store, id));
    }, 'large'),
    WatchRun: serverStream<Message<'WatchRunRequest'>, Message<'WatchRunResponse'>>(({ run_id }, context) => {
      const id = idOf(run_id);
      return options.slots.subscriptions.during(() => watchRun(options, id, context));
    }),
  };
}

/** Hex digits of either case name a run. @throws WafersyncError `invalid` */
function idOf(text: string | null | undefined): RunId {
  return runId((text ?? '').toLowerCase());
}

async function uploadOf(requests: AsyncIterable<Message<'ImportRunRequest'>>): Promise<Upload> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done) throw new WafersyncError('invalid', 'the upload holds no message');
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let next = first; !next.done; next = await iterator.next())
      yield next.value.data ?? new Uint8Array();
  }
  const { file_name, lot, final } = first.value;
  return { fileName: nameOf(file_name ?? ''), lot: lot || null, final: final ?? false, chunks: chunks() };
}

/** Clients of all systems name files; only the last part is kept. */
function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) || 'upload';
}

function toImportResponse({ runs, leftOut }: ImportOutcome): Message<'ImportRunResponse'> {
  const messages = runs.map(toImportedRun);
  const { file_name: _, ...first } = messages[0] ?? {};
  const left_out = leftOut.map(({ name, reason }) => ({ file_name: name, reason }));
  return { ...first, runs: messages, left_out };
}

function toImportedRun(run: ImportedRun): Message<'ImportedRun'> {
  return {
    run_id: run.runId,
    file_name: run.fileName,
    wafers: run.wafers.map(toWaferName),
    attempts: fromNumber(run.attempts),
    results: fromNumber(run.results),
    added_attempts: fromNumber(run.added),
    complete: run.complete,
    incomplete_reason: run.incompleteReason,
    orphan_results: fromNumber(run.orphanResults),
  };
}

function toWaferName(key: WaferKey): Message<'WaferName'> {
  return { lot: key.lot, wafer_id: key.waferId, insertion: key.insertion };
}

function getRun(store: Store, id: RunId): Message<'GetRunResponse'> {
  const run = knownRun(store, id);
  return {
    run_id: id,
    fab_id: run.fab,
    started_at_us: fromNumber(run.startedAtUs),
    wafers: store.runs.wafers(id).map(toWaferName),
    attempts: fromNumber(run.attempts),
    results: fromNumber(run.results),
    record: run.record && toRunRecordMessage(run.record),
  };
}

function knownRun(store: Store, id: RunId) {
  const run = store.runs.get(id);
  if (run) return run;
  throw new WafersyncError('not-found', `run ${id} is not known here`, {
    hint: 'It may not have arrived yet: `wafersync status` tells what is missing.',
  });
}

/** The run's updates in index order, each with its program before the first that needs it. */
async function* readRun(store: Store, id: RunId): AsyncGenerator<Message<'ReadRunResponse'>> {
  knownRun(store, id);
  const sent = new Set<ProgramDigest>();
  for (const { dot, indexes } of store.runs.updates(id)) {
    const update = store.log.get(dot);
    if (!update) throw new WafersyncError('damaged', `an update of run ${id} is missing in the log`);
    const { program } = update.header;
    const digest = program === null ? null : Buffer.from(program, 'hex');
    const body = program === null || sent.has(program) ? null : store.programs.require(program);
    if (program !== null) sent.add(program);
    yield {
      ...(body && digest ? { program: { digest, body } } : {}),
      program_digest: digest,
      payload: update.payload,
      wafer: toWaferName(update.header.wafer),
      indexes: indexes.map((index) => fromNumber(index)),
      purged: purgedValues(store, update, indexes),
    };
  }
}

async function* watchRun(
  { store, sync, world, membership }: RunServiceOptions,
  id: RunId,
  { signal }: CallContext,
): AsyncGenerator<Message<'WatchRunResponse'>> {
  let told: Coverage | null = null;
  for await (const _ of onChange(sync.changes, world, MIN_INTERVAL_MS, signal)) {
    const dots = store.runs.dots(id);
    const coverage = coverageOf(dots, membership.members(), sync.reports());
    if (told && sameCoverage(told, coverage)) continue;
    told = coverage;
    yield {
      state: syncStateOf(coverage),
      synced_fabs: [...coverage.synced],
      missing: coverage.missing.map(({ fab, updates }) => ({ fab_id: fab, updates: fromNumber(updates) })),
      updates: fromNumber(dots.size),
    };
  }
}
