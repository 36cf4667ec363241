import { makeClient } from '../../src/api/client.ts';
import { toNumber } from '../../src/wire/long.ts';
import { runService } from '../../src/wire/services.ts';

/** What a node answered to a file, and who has it. */
export interface Imported {
  readonly runId: string;
  readonly attempts: number;
  readonly results: number;
  readonly addedAttempts: number;
  readonly orphanResults: number;
  readonly complete: boolean;
  /** Fabs that have all of it, as the node knows; empty where nobody was waited for. */
  readonly syncedFabs: readonly string[];
}

/** Largest piece of a file in one message, bytes. */
const CHUNK_BYTES = 128 * 1024;

/** Hands a file to a node, and waits until these fabs have all of it. `final`: its verdicts are marked so. */
export async function importFile(
  address: string,
  fileName: string,
  bytes: Uint8Array,
  wait: readonly string[] = [],
  final = false,
): Promise<Imported> {
  const runs = makeClient(runService, address);
  try {
    const call = runs.ImportRun();
    await call.write({ file_name: fileName, final });
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      await call.write({ data: bytes.subarray(at, at + CHUNK_BYTES) });
    }
    const answer = await call.finish();
    return {
      runId: answer.run_id ?? '',
      attempts: toNumber(answer.attempts),
      results: toNumber(answer.results),
      addedAttempts: toNumber(answer.added_attempts),
      orphanResults: toNumber(answer.orphan_results),
      complete: answer.complete ?? false,
      syncedFabs: wait.length > 0 ? await arrived(runs, answer.run_id ?? '', wait) : [],
    };
  } finally {
    runs.close();
  }
}

/** Waits, at a node, until these fabs have all that it knows of a run; answers all that have it then. */
export async function waitForRun(address: string, runId: string, wait: readonly string[]): Promise<string[]> {
  const runs = makeClient(runService, address);
  try {
    return await arrived(runs, runId, wait);
  } finally {
    runs.close();
  }
}

type Runs = ReturnType<typeof makeClient<typeof runService.methods>>;

async function arrived(runs: Runs, runId: string, wait: readonly string[]): Promise<string[]> {
  for await (const { synced_fabs } of runs.WatchRun({ run_id: runId })) {
    const synced = synced_fabs ?? [];
    if (wait.every((fab) => synced.includes(fab))) return synced;
  }
  throw new Error(`the watch of run ${runId} ended`);
}
