import type { ClientOf } from '../api/client.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import type { Attempt } from '../wafer/attempt.ts';
import { IndexOrder } from '../wafer/index-order.ts';
import { decodeAttempts } from '../wafer/payload/decode.ts';
import { blankAttempts, isStubPayload } from '../wafer/payload/stub.ts';
import type { ProgramDigest, TestDefinition } from '../wafer/program.ts';
import { readProgram } from '../wafer/program-codec.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { toNumber } from '../wire/long.ts';
import type { runService } from '../wire/services.ts';

/** An attempt as a node keeps it. */
export interface KeptAttempt {
  /** Where its values were purged, its results are as many as they were, and blank. */
  readonly attempt: Attempt;
  readonly purged: boolean;
  readonly tests: readonly TestDefinition[];
  readonly wafer: WaferKey;
}

type Runs = ClientOf<typeof runService.methods>;
type Response = wafersync.v1.ReadRunResponse.$Properties;

/** The attempts of a run that a node keeps, in order of index. @throws WafersyncError `not-found` */
export async function* readRun(runs: Runs, runId: string): AsyncGenerator<KeptAttempt> {
  const programs = new Map<string, readonly TestDefinition[]>();
  const order = new IndexOrder<KeptAttempt>(({ attempt }) => attempt.index);
  for await (const response of runs.ReadRun({ run_id: runId }))
    yield* order.push(keptAttempts(response, programs));
  yield* order.end();
}

function keptAttempts(response: Response, programs: Map<string, readonly TestDefinition[]>): KeptAttempt[] {
  if (response.program?.body) {
    const digest = hex(response.program.digest);
    programs.set(digest, readProgram(response.program.body, digest as ProgramDigest).tests);
  }
  const tests = programs.get(hex(response.program_digest));
  if (!tests) throw new WafersyncError('damaged', 'the node sent results without their test program');
  const counting = new Set((response.indexes ?? []).map((index) => toNumber(index)));
  const { lot, wafer_id, insertion } = response.wafer ?? {};
  const wafer = { lot: lot ?? '', waferId: wafer_id ?? '', insertion: insertion ?? '' };
  const payload = response.payload ?? new Uint8Array();
  const purged = isStubPayload(payload);
  return (purged ? blankAttempts(payload) : decodeAttempts(payload))
    .filter(({ index }) => counting.has(index))
    .map((attempt) => ({ attempt, purged, tests, wafer }));
}

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}
