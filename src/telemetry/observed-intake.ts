import { WafersyncError } from '../errors.ts';
import type { Intake, IntakeReceipt, ResultsBatch } from '../wafer/intake.ts';
import type { World } from '../world.ts';
import type { Guard } from './guard.ts';

/** Where results come from. */
export type IntakeSource = 'stream' | 'file';

/** A batch that is durable. */
export interface WrittenBatch {
  readonly source: IntakeSource;
  readonly batch: ResultsBatch;
  readonly receipt: IntakeReceipt;
  /** Wall clock when it was handed in, milliseconds since 1970-01-01T00:00:00Z. */
  readonly askedMs: number;
  /** From there until it was durable, milliseconds. */
  readonly tookMs: number;
}

/** Who is told what became of batches. */
export interface IntakeObserver {
  /** For its failures, which are nothing to those who hand in. */
  readonly guard: Guard;
  written(batch: WrittenBatch): void;
  refused(source: IntakeSource, error: WafersyncError): void;
}

/** An intake of which others are told. What becomes of a batch does not hang on them. */
export function observedIntake(
  intake: Intake,
  source: IntakeSource,
  observers: readonly IntakeObserver[],
  world: Pick<World, 'nowMs' | 'steadyMs'>,
): Intake {
  const told = observers.map((observer) => ({
    written: observer.guard((batch: WrittenBatch) => observer.written(batch)),
    refused: observer.guard((error: WafersyncError) => observer.refused(source, error)),
  }));
  const written = (batch: WrittenBatch) => {
    for (const observer of told) observer.written(batch);
  };
  const refused = (error: WafersyncError) => {
    for (const observer of told) observer.refused(error);
  };
  return {
    async write(batch) {
      const askedMs = world.nowMs();
      const began = world.steadyMs();
      let receipt: IntakeReceipt;
      try {
        receipt = await intake.write(batch);
      } catch (thrown) {
        refused(WafersyncError.from(thrown));
        throw thrown;
      }
      written({ source, batch, receipt, askedMs, tookMs: world.steadyMs() - began });
      return receipt;
    },
    recordRun: (run, record) => intake.recordRun(run, record),
    runStart: (run) => intake.runStart(run),
  };
}
