import { createHash } from 'node:crypto';
import { WafersyncError } from '../../errors.ts';
import { makeLots } from '../../generator/lots.ts';
import type { LotModel } from '../../generator/model.ts';
import { type ContentDigests, ModelDigest } from '../../generator/model-digest.ts';
import type { YieldRules } from '../../generator/model-yield.ts';
import { hasFailed, streamedTouchdowns } from '../../generator/streamed-touchdowns.ts';
import type { TimedResult } from '../../generator/timed-touchdowns.ts';
import type { WaferModel } from '../../generator/wafer-model.ts';
import { openTester, type TesterClient, type TesterReceipt, type TesterTest } from '../../tester/index.ts';
import { realWorld } from '../../world.ts';
import { checkReachable } from '../node-client.ts';
import { grouped, type Terminal, table } from '../output.ts';
import { Pace } from '../send/pace.ts';
import { SendProgress } from '../send/send-progress.ts';
import { type GenerateOptions, parametersOf } from './options.ts';
import { percent } from './percent.ts';

/** Options of a generator that streams. */
export type StreamLotsOptions = GenerateOptions & {
  /** host:port of a node. */
  readonly node: string;
};

/** What became of a lot, and what is true of it by the model. Keys of `--json`. */
interface StreamedLot {
  readonly lot: string;
  readonly insertion: string;
  readonly wafers: readonly string[];
  readonly equipment_id: string;
  readonly stream_id: string;
  readonly run_id: string;
  readonly attempts: number;
  readonly results: number;
  readonly durable_before: number;
  readonly lost_calls: number;
  readonly digests: Pick<ContentDigests, 'attempts_sha256' | 'parts_sha256'>;
  readonly yield: YieldRules;
}

/**
 * Streams lots to a node as their testers would, one after the other, and prints what is true of them. The same options
 * name the same streams: what the node has is not sent again. Resolves to the exit code.
 * @throws WafersyncError where the node cannot be reached, or refuses a stream
 */
export async function streamLots(options: StreamLotsOptions, terminal: Terminal): Promise<number> {
  await checkReachable(options.node);
  const { seed, lots, lot: name } = options;
  // A stream has no results of several values.
  const parameters = { ...parametersOf(options), mprShare: 0 };
  const pace = new Pace(realWorld, options.rate ?? Number.POSITIVE_INFINITY);
  const streamed: StreamedLot[] = [];
  for (const lot of makeLots({ seed, lots, name, parameters })) {
    streamed.push(await streamLot(lot, options.node, pace, terminal));
  }
  if (options.json) terminal.out(JSON.stringify(streamed));
  else terminal.out(tableOf(streamed));
  return 0;
}

async function streamLot(lot: LotModel, node: string, pace: Pace, terminal: Terminal): Promise<StreamedLot> {
  const { names, lot: lotId } = lot.parameters;
  let note = '';
  const tester = openTester({
    ...{ node, equipmentId: names.equipment, streamId: streamIdOf(lot) },
    on: (event) => {
      note = event.type === 'lost' ? event.error.message : '';
    },
  });
  const progress = new SendProgress(terminal);
  progress.start(lotId, () => ({ ...tester.progress, note }));
  const digest = new ModelDigest();
  try {
    const durable = await tester.opened();
    const handIn = new HandIn(tester, lot, durable, pace);
    for (const wafer of lot.wafers) {
      digest.wafer(wafer);
      for (const touchdown of streamedTouchdowns(lot, wafer)) {
        digest.touchdown(touchdown);
        for (const result of touchdown.results) await handIn.add(wafer, result);
      }
    }
    return toStreamedLot(lot, await tester.finish(), digest);
  } catch (thrown) {
    tester.close();
    throw WafersyncError.from(thrown);
  } finally {
    progress.stop();
  }
}

/** Hands the results of a lot to a tester's client, at a pace. What the node has already takes no time. */
class HandIn {
  readonly #tester: TesterClient;
  readonly #lot: LotModel;
  readonly #tests: readonly TesterTest[];
  readonly #durable: number;
  readonly #pace: Pace;
  #position = 0;

  constructor(tester: TesterClient, lot: LotModel, durable: number, pace: Pace) {
    this.#tester = tester;
    this.#lot = lot;
    this.#durable = durable;
    this.#pace = pace;
    this.#tests = lot.tests.map(({ name, number, units, limits }) => ({
      ...{ name, number, units },
      ...{ lowLimit: limits.low, highLimit: limits.high },
    }));
  }

  async add(wafer: WaferModel, { attempt, result, atMs, isLast }: TimedResult): Promise<void> {
    if (++this.#position > this.#durable) await this.#pace.pass(1);
    const { parameters } = this.#lot;
    const { die, head, site, partId, hardBin, softBin } = attempt;
    await this.#tester.add({
      ...{ waferId: wafer.id, lot: parameters.lot, insertion: parameters.names.insertion },
      ...{ x: die.x, y: die.y, head, site, partId, hardBin, softBin },
      test: this.#tests[result.test.index]!,
      value: result.values[0] ?? null,
      passed: !hasFailed(result),
      testFlags: result.flags,
      timestampUs: (parameters.startedAt * 1000 + atMs) * 1000,
      lastOfDie: isLast,
    });
  }
}

/** The same lot has the same stream, so that it goes on where it was cut. */
function streamIdOf({ parameters }: LotModel): string {
  const digest = createHash('sha256').update(JSON.stringify(parameters)).digest('hex');
  return `${parameters.lot}-${digest.slice(0, 16)}`;
}

function toStreamedLot(
  { parameters, wafers }: LotModel,
  receipt: TesterReceipt,
  digest: ModelDigest,
): StreamedLot {
  const { attempts, results, digests, yield: yields } = digest.truth();
  return {
    lot: parameters.lot,
    insertion: parameters.names.insertion,
    wafers: wafers.map(({ id }) => id),
    equipment_id: parameters.names.equipment,
    stream_id: receipt.streamId,
    run_id: receipt.runId,
    attempts,
    results,
    durable_before: receipt.durableBefore,
    lost_calls: receipt.lostCalls,
    digests: { attempts_sha256: digests.attempts_sha256, parts_sha256: digests.parts_sha256 },
    yield: yields,
  };
}

function tableOf(streamed: readonly StreamedLot[]): string {
  return table(
    ['LOT', 'TESTER', 'RUN', 'ATTEMPTS', 'RESULTS', 'DURABLE BEFORE', 'YIELD (LAST)', 'ATTEMPTS SHA-256'],
    streamed.map((one) => [
      ...[one.lot, one.equipment_id, one.run_id, grouped(one.attempts), grouped(one.results)],
      ...[grouped(one.durable_before), percent(one.yield.last_per_xy.yield), one.digests.attempts_sha256],
    ]),
  );
}
