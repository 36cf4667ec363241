import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { epoch, type FabId, fabId, type Origin, sequence } from '../../src/clocks/dot.ts';
import { timestamp } from '../../src/clocks/hlc.ts';
import { Store, type StoreOptions } from '../../src/store/store.ts';
import type { Decoders } from '../../src/store/types.ts';
import type { AttemptSummary } from '../../src/wafer/attempt.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import type { RunId, RunRecord } from '../../src/wafer/run.ts';
import { type Update, type UpdateHeader, updateDigest } from '../../src/wafer/update.ts';
import type { WaferKey } from '../../src/wafer/wafer-key.ts';
import { decodeEdit } from '../../src/wire/edit.ts';
import { decodePurge } from '../../src/wire/purge.ts';
import { realWorld, type World } from '../../src/world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A world whose wall clock stands still. */
export const stillWorld: World = { ...realWorld, nowMs: () => Date.UTC(2026, 0, 2) };

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

/** Headers and payloads as JSON, so that these tests hang on no codec. */
export const jsonDecoders: Decoders = {
  decodeHeader: (bytes) => decode(bytes) as UpdateHeader,
  decodeEdit,
  decodeRunRecord: (payload) => decode(payload) as RunRecord,
  readAttempts: (payload) => decode(payload) as AttemptSummary[],
  decodePurge,
  stubPayload: (payload) => payload,
};

/** A test program by its bytes. */
export function program(text: string): { digest: ProgramDigest; body: Uint8Array } {
  const body = new TextEncoder().encode(text);
  return { digest: createHash('sha256').update(body).digest('hex') as ProgramDigest, body };
}

/** Program of all updates that do not name another. */
export const PROGRAM = program('program');

export const run = (digit: string) => digit.repeat(32) as RunId;

export const TW = fabId('tw');

/** An origin of a fab; `life` counts its databases. */
export const origin = (fab: string, life = 1): Origin => ({
  fab: fabId(fab),
  epoch: epoch(life * 2 ** 40 + 7),
});

export const WAFER: WaferKey = { lot: 'L1', waferId: 'W1', insertion: 'CP1' };

/** An attempt; what is not given is ordinary. */
export function attempt(index: number, part: Partial<AttemptSummary> = {}): AttemptSummary {
  return {
    index,
    head: 1,
    site: 0,
    x: 0,
    y: 0,
    partId: `p${index}`,
    hardBin: 1,
    softBin: 1,
    partFlags: 0,
    testCount: 3,
    testTimeMs: 250,
    startedAtUs: 1_700_000_000_000_000 + index,
    sequenceSpan: 0,
    resultCount: 10,
    ...part,
  };
}

/** A run record; what is not given is ordinary. */
export function record(part: Partial<RunRecord> = {}): RunRecord {
  return {
    source: 'file',
    lot: 'L1',
    attempts: 3,
    results: 30,
    complete: true,
    incompleteReason: '',
    orphanResults: 0,
    fileName: 'lot.stdf',
    contentDigest: 'ab'.repeat(32),
    equipmentId: 'T-1',
    streamId: '',
    product: 'chip',
    jobName: 'job',
    jobRevision: '7',
    records: [
      ['PIR', 3],
      ['PTR', 30],
    ],
    final: false,
    ...part,
  };
}

/** An update of any kind over a payload that becomes JSON. */
export function update(from: Origin, at: number, payload: unknown, part: Partial<UpdateHeader> = {}): Update {
  const header: UpdateHeader = {
    dot: { fab: from.fab, epoch: from.epoch, sequence: sequence(at) },
    timestamp: timestamp(1_000_000 + at),
    kind: 'results',
    wafer: WAFER,
    version: 0,
    run: { id: run('a'), startedAtUs: 1_700_000_000_000_000 },
    program: PROGRAM.digest,
    ...part,
  };
  const headerBytes = encode(header);
  const bytes = encode(payload);
  return { header, headerBytes, payload: bytes, digest: updateDigest(headerBytes, bytes) };
}

/** A run update. */
export function runUpdate(
  from: Origin,
  at: number,
  content: RunRecord,
  part: Partial<UpdateHeader> = {},
): Update {
  const wafer = { lot: content.lot, waferId: '', insertion: '' };
  return update(from, at, content, { kind: 'run', wafer, program: null, ...part });
}

/**
 * A folder of its own for a test that is about content, not durability: in memory where the system has such a place, as
 * many commits on a busy disk take their time.
 */
export function quickFolder(t: TestContext): string {
  if (!existsSync('/dev/shm')) return temporaryFolder(t);
  const folder = mkdtempSync('/dev/shm/wafersync-test-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens a store in a folder of its own; it knows {@link PROGRAM}. */
export function openStore(t: TestContext, options: Partial<StoreOptions> & { fab?: FabId } = {}): Store {
  const fab = options.fab ?? TW;
  const file = options.file ?? join(quickFolder(t), `${fab}.db`);
  const store = Store.open({ file, fab, world: stillWorld, decoders: jsonDecoders, ...options });
  t.after(() => store.close());
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  return store;
}

/** Takes updates in, all in one transaction. */
export function take(store: Store, ...updates: readonly Update[]): void {
  store.transaction(() => {
    for (const one of updates) {
      store.log.append(one);
      store.savepoint(() => store.apply(one));
    }
  });
}

/** Rows that an operator's SQL gives. */
export function rows(file: string, sql: string): unknown[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
