import { makeClient } from '../../src/api/client.ts';
import { lotFiles } from '../../src/generator/lot-files.ts';
import { makeLot } from '../../src/generator/model.ts';
import { ModelDigest } from '../../src/generator/model-digest.ts';
import { lotParameters } from '../../src/generator/parameters.ts';
import { writeStdf } from '../../src/generator/stdf-writer.ts';
import { openTester } from '../../src/tester/index.ts';
import { toNumber } from '../../src/wire/long.ts';
import { runService } from '../../src/wire/services.ts';

/** Testers among which wafers are shared out. */
const TESTERS = 40;
/** Tests of a die of the large wafer, and the bytes that STDF takes for each, about. */
const TESTS = 1_000;
const BYTES_OF_A_RESULT = 28;

/** Streams so many wafers of one die with one result; settles once all are durable. */
export async function tinyWafers(
  node: string,
  count: number,
  tell: (durable: number) => void = () => {},
): Promise<void> {
  const tests = [{ name: 'test', number: 1 }];
  let durable = 0;
  await Promise.all(
    Array.from({ length: TESTERS }, async (_, k) => {
      let through = 0;
      const tester = openTester({
        ...{ node, equipmentId: `tiny-${k}`, bounds: { bufferedResults: 200 } },
        on: (event) => {
          if (event.type !== 'durable') return;
          durable += event.through - through;
          through = event.through;
          tell(durable);
        },
      });
      for (let wafer = k; wafer < count; wafer += TESTERS) {
        const place = { lot: `TINY-${wafer % 1_000}`, waferId: `W${wafer}`, x: 0, y: 0 };
        await tester.addDie({ ...place, tests, values: [wafer], passed: [true] });
      }
      await tester.finish();
    }),
  );
}

/** A wafer that was handed in as one file. */
export interface LargeWafer {
  readonly runId: string;
  readonly bytes: number;
  readonly results: number;
  /** Digest of its attempts by the model, as `inspect` says it. */
  readonly attemptsSha256: string;
}

/** Hands in one wafer in a file of about so many bytes, which is made while it is sent. */
export async function largeWafer(node: string, megabytes: number): Promise<LargeWafer> {
  const dies = Math.max(1, Math.round((megabytes * 1e6) / (TESTS * BYTES_OF_A_RESULT)));
  const parameters = { seed: megabytes, lot: `LARGE-${megabytes}`, dies, tests: TESTS, stopOnFail: false };
  const lot = makeLot(lotParameters(parameters));
  const [file] = lotFiles(lot, 'lot');
  const digest = new ModelDigest();
  const runs = makeClient(runService, node);
  let bytes = 0;
  try {
    const call = runs.ImportRun();
    await call.write({ file_name: file!.name });
    for (const piece of writeStdf(lot, file!, { observer: digest })) {
      bytes += piece.length;
      await call.write({ data: piece });
    }
    const { run_id, results } = await call.finish();
    const { attempts_sha256: attemptsSha256 } = digest.truth().digests;
    return { runId: run_id ?? '', bytes, results: toNumber(results), attemptsSha256 };
  } finally {
    runs.close();
  }
}
