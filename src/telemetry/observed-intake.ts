import { WafersyncError } from '../errors.ts';
import type { Intake, IntakeReceipt, ResultsBatch } from '../wafer/intake.ts';
import type { World } from '../world.ts';

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
  written(batch: WrittenBatch): void;
  refused(source: IntakeSource, error: WafersyncError): void;
}

/** An intake of which others are told. They must not throw. */
export function observedIntake(
  intake: Intake,
  source: IntakeSource,
  observers: readonly IntakeObserver[],
  world: Pick<World, 'nowMs' | 'steadyMs'>,
): Intake {
  return {
    async write(batch) {
      const askedMs = world.nowMs();
      const began = world.steadyMs();
      try {
        const receipt = await intake.write(batch);
        const written = { source, batch, receipt, askedMs, tookMs: world.steadyMs() - began };
        for (const observer of observers) observer.written(written);
        return receipt;
      } catch (thrown) {
        const error = WafersyncError.from(thrown);
        for (const observer of observers) observer.refused(source, error);
        throw thrown;
      }
    },
    recordRun: (run, record) => intake.recordRun(run, record),
    runStart: (run) => intake.runStart(run),
  };
}
