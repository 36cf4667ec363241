import { WafersyncError } from '../errors.ts';
import { openTester, type TesterClient, type TesterReceipt } from '../tester/index.ts';
import { realWorld } from '../world.ts';
import { checkReachable } from './node-client.ts';
import { failureLine, grouped, type Terminal, table } from './output.ts';
import type { JsonResult } from './send/json-result.ts';
import { Pace } from './send/pace.ts';
import { SendProgress } from './send/send-progress.ts';
import { openSource, type Source } from './send/source.ts';

/** Options of `wafersync send`. */
export interface SendOptions {
  /** host:port of a node. */
  readonly node: string;
  /** Tester, where the results do not say it. */
  readonly equipment?: string;
  /** Stream id instead of the one made of the file. */
  readonly stream?: string;
  /** Most results a second; absent: as fast as may be. */
  readonly rate?: number;
  /** Marks the verdicts final. */
  readonly final?: boolean;
  readonly json?: boolean;
}

/** What came of one file. Keys of `--json`. */
interface Sent {
  readonly file: string;
  readonly equipment_id: string;
  readonly stream_id: string;
  readonly run_id: string;
  readonly results: number;
  readonly durable_before: number;
  readonly lost_calls: number;
}

/**
 * Streams files to a node as a tester would, one after the other. Resolves to the exit code: 0, or 1 where a file failed.
 * @throws WafersyncError where the node cannot be reached, or one stream id is given for several files
 */
export async function send(
  files: readonly string[],
  options: SendOptions,
  terminal: Terminal,
): Promise<number> {
  if (options.stream && files.length > 1) {
    throw new WafersyncError('invalid', `--stream ${options.stream} is given for ${files.length} files`, {
      hint: 'Leave it out, or send the files one by one: each is a stream of its own.',
    });
  }
  await checkReachable(options.node);
  const sent: Sent[] = [];
  for (const file of files) {
    try {
      sent.push(await sendFile(await openSource(file), options, terminal));
    } catch (thrown) {
      terminal.err(failureLine(thrown));
    }
  }
  if (options.json) terminal.out(JSON.stringify(sent));
  else if (sent.length > 0) terminal.out(sentTable(sent));
  return sent.length < files.length ? 1 : 0;
}

async function sendFile(source: Source, options: SendOptions, terminal: Terminal): Promise<Sent> {
  const results = source.results()[Symbol.asyncIterator]();
  const first = await results.next();
  if (first.done) throw new WafersyncError('invalid', `${source.name} holds no results`);
  const equipmentId = options.equipment ?? first.value.equipmentId;
  if (equipmentId === '') {
    throw new WafersyncError('invalid', `${source.name} does not say which tester it is of`, {
      hint: 'Give --equipment, or equipment_id in each line.',
    });
  }
  const streamId = options.stream ?? (first.value.streamId || source.streamId);
  let note = '';
  const tester = openTester({
    ...{ node: options.node, equipmentId, streamId },
    final: options.final ?? first.value.final,
    on: (event) => {
      note = event.type === 'lost' ? event.error.message : '';
      if (event.type === 'lost' && !terminal.interactive)
        terminal.err(`wafersync: ${note}; it is tried again.`);
    },
  });
  const progress = new SendProgress(terminal);
  progress.start(source.name, () => ({ ...tester.progress, note }));
  try {
    await handIn(tester, first.value, results, new Pace(realWorld, options.rate ?? Number.POSITIVE_INFINITY));
    return toSent(source.name, equipmentId, await tester.finish());
  } catch (thrown) {
    tester.close();
    throw thrown;
  } finally {
    progress.stop();
  }
}

/** What the node has already is counted, and takes no time. */
async function handIn(
  tester: TesterClient,
  first: JsonResult,
  rest: AsyncIterator<JsonResult>,
  pace: Pace,
): Promise<void> {
  const durable = await tester.opened();
  let position = 0;
  for (
    let next: IteratorResult<JsonResult> = { done: false, value: first };
    !next.done;
    next = await rest.next()
  ) {
    const { result, equipmentId, streamId } = next.value;
    if (equipmentId !== first.equipmentId || streamId !== first.streamId)
      throw anotherStream(next.value, first);
    if (++position > durable) await pace.pass(1);
    await tester.add(result);
  }
}

function anotherStream(other: JsonResult, first: JsonResult): WafersyncError {
  const [now, before] = [other, first].map((one) => `tester "${one.equipmentId}", stream "${one.streamId}"`);
  return new WafersyncError('invalid', `the results change from ${before} to ${now}`, {
    hint: 'Put each stream into a file of its own.',
  });
}

function toSent(file: string, equipmentId: string, receipt: TesterReceipt): Sent {
  return {
    file,
    equipment_id: equipmentId,
    stream_id: receipt.streamId,
    run_id: receipt.runId,
    results: receipt.results,
    durable_before: receipt.durableBefore,
    lost_calls: receipt.lostCalls,
  };
}

function sentTable(sent: readonly Sent[]): string {
  return table(
    ['FILE', 'TESTER', 'STREAM', 'RUN', 'RESULTS', 'DURABLE BEFORE', 'CALLS LOST'],
    sent.map((one) => [
      one.file,
      one.equipment_id,
      one.stream_id,
      one.run_id,
      grouped(one.results),
      grouped(one.durable_before),
      one.lost_calls,
    ]),
  );
}
