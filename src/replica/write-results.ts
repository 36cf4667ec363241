import type { Dot } from '../clocks/dot.ts';
import type { Store } from '../store/store.ts';
import { countResults } from '../wafer/attempt.ts';
import type { IntakeReceipt, ResultsBatch } from '../wafer/intake.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { UpdateHeader } from '../wafer/update.ts';
import { fittingParts } from './fitting-parts.ts';

/** Rough size of an attempt in the queue, and of each of its results there: its columns. */
const BYTES_PER_ATTEMPT = 200;
const BYTES_PER_RESULT = 20;

/** Rough size of a batch in the queue. */
export function roughBytes({ attempts }: ResultsBatch): number {
  return attempts.reduce(
    (sum, { results }) => sum + BYTES_PER_ATTEMPT + results.length * BYTES_PER_RESULT,
    0,
  );
}

/** How what is written comes to be. */
export interface Births {
  putProgram(digest: ProgramDigest, body: Uint8Array): void;
  /** An update of this payload is born. */
  bear(facts: Omit<UpdateHeader, 'dot' | 'timestamp'>, payload: Uint8Array): Dot;
}

/** Inside a transaction: writes the attempts of a batch that are not known here, in as many updates as they need. */
export function writeResults(
  store: Pick<Store, 'attempts' | 'documents'>,
  { attempts, run, wafer, program }: ResultsBatch,
  { putProgram, bear }: Births,
): IntakeReceipt {
  const dots: Dot[] = [];
  const indexes = attempts.map(({ index }) => index);
  const known = store.attempts.known(run.id, indexes);
  const fresh = known.size === 0 ? attempts : attempts.filter(({ index }) => !known.has(index));
  if (fresh.length > 0) {
    putProgram(program.digest, program.body);
    const seen = store.documents.seenOfOthers(wafer);
    const facts = { wafer, run, version: 0, program: program.digest, ...(seen ? { seen } : {}) };
    for (const part of fittingParts(fresh)) dots.push(bear({ kind: 'results', ...facts }, part));
  }
  return {
    added: fresh.length,
    addedResults: countResults(fresh),
    known: attempts.length - fresh.length,
    dots,
  };
}
