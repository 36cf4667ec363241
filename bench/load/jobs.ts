import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { makeClient } from '../../src/api/client.ts';
import { openTester, type TesterClient, type TesterDie } from '../../src/tester/index.ts';
import { testEquipment } from '../../src/wire/services.ts';
import { toMessage } from '../../test/support/tester.ts';
import { Dies, RESULTS_PER_DIE } from './dies.ts';

/** What a load process can be asked for. */
export type Job =
  /** Results one message each through StreamTestResults; answers seconds until all are durable. */
  | { readonly kind: 'single'; readonly address: string; readonly dies: number; readonly lot: string }
  /** Results in batches through SyncTestData; answers seconds until all are durable. */
  | { readonly kind: 'batched'; readonly address: string; readonly dies: number; readonly lot: string }
  /** A die after the other, each once the last is acknowledged; answers milliseconds of each. */
  | { readonly kind: 'acknowledged'; readonly address: string; readonly dies: number; readonly lot: string }
  /** The same at a rate at each of several nodes; answers seconds until all of it is durable. */
  | {
      readonly kind: 'paced';
      readonly addresses: readonly string[];
      readonly diesPerSecond: number;
      readonly seconds: number;
      readonly lot: string;
    }
  /** A die at a time at one node, watched at another; answers milliseconds from acknowledgement to sight of each. */
  | {
      readonly kind: 'watched';
      readonly address: string;
      readonly watchAt: string;
      readonly dies: number;
      readonly gapMs: number;
      readonly lot: string;
    };

/** Does a job; what the numbers are stands at its kind. */
export async function work(job: Job): Promise<number[]> {
  switch (job.kind) {
    case 'single':
      return [await single(job.address, dies(job.lot, job.dies))];
    case 'batched':
      return [await batched(job.address, dies(job.lot, job.dies))];
    case 'acknowledged':
      return acknowledged(job.address, dies(job.lot, job.dies));
    case 'paced':
      return [await paced(job.addresses, job.diesPerSecond, job.seconds, job.lot)];
    case 'watched':
      return watched(job.address, job.watchAt, dies(job.lot, job.dies), job.gapMs);
  }
}

/** Made beforehand, so that no making is measured. */
function dies(lot: string, count: number): TesterDie[] {
  const source = new Dies(lot, count);
  return Array.from({ length: count }, () => source.next());
}

async function single(address: string, all: readonly TesterDie[]): Promise<number> {
  const client = makeClient(testEquipment, address);
  const messages = all.flatMap(messagesOf);
  const began = performance.now();
  const call = client.StreamTestResults();
  for (const message of messages) await call.write(message);
  await call.finish();
  const seconds = (performance.now() - began) / 1000;
  client.close();
  return seconds;
}

function messagesOf(die: TesterDie) {
  return Array.from(die.values, (value, i) =>
    toMessage({
      equipment_id: 'bench',
      wafer_id: die.waferId ?? '',
      lot: die.lot ?? '',
      die_x: die.x ?? 0,
      die_y: die.y ?? 0,
      test_name: die.tests[i]!.name,
      test_value: value ?? 0,
      pass_fail: die.passed?.[i] ?? true,
      timestamp_us: typeof die.timestampUs === 'number' ? die.timestampUs : 0,
      last_of_die: i === die.values.length - 1,
    }),
  );
}

async function batched(address: string, all: readonly TesterDie[]): Promise<number> {
  const tester = openTester({ node: address, equipmentId: 'bench' });
  await tester.opened();
  const began = performance.now();
  for (const die of all) await tester.addDie(die);
  await tester.finish();
  return (performance.now() - began) / 1000;
}

async function acknowledged(address: string, all: readonly TesterDie[]): Promise<number[]> {
  const progress = new Progress();
  const tester = openTester({ node: address, equipmentId: 'bench', on: progress.on });
  await tester.opened();
  const latencies: number[] = [];
  for (const [i, die] of all.entries()) {
    const began = performance.now();
    await tester.addDie(die);
    latencies.push((await progress.durable((i + 1) * RESULTS_PER_DIE)) - began);
  }
  await tester.finish();
  return latencies;
}

async function paced(
  addresses: readonly string[],
  diesPerSecond: number,
  seconds: number,
  lot: string,
): Promise<number> {
  const testers = addresses.map((node) => openTester({ node, equipmentId: 'bench' }));
  const sources = addresses.map((_, i) => new Dies(`${lot}-${i}`, i));
  await Promise.all(testers.map((tester) => tester.opened()));
  const began = performance.now();
  for (let sent = 0; sent < diesPerSecond * seconds; sent++) {
    const early = (sent / diesPerSecond) * 1000 - (performance.now() - began);
    if (early > 1) await setTimeout(early);
    await Promise.all(testers.map((tester, i) => tester.addDie(sources[i]!.next())));
  }
  await Promise.all(testers.map((tester) => tester.finish()));
  return (performance.now() - began) / 1000;
}

async function watched(
  address: string,
  watchAt: string,
  all: readonly TesterDie[],
  gapMs: number,
): Promise<number[]> {
  const progress = new Progress();
  const tester: TesterClient = openTester({ node: address, equipmentId: 'bench', on: progress.on });
  const client = makeClient(testEquipment, watchAt);
  const watch = client.WatchResults({ lot: all[0]?.lot ?? '', summary: true });
  await tester.opened();
  const seen = sightings(watch, all.length);
  const durable: number[] = [];
  for (const [i, die] of all.entries()) {
    await tester.addDie(die);
    durable.push(await progress.durable((i + 1) * RESULTS_PER_DIE));
    await setTimeout(gapMs);
  }
  const at = await seen;
  await tester.finish();
  client.close();
  return durable.map((time, i) => Math.max(0, at[i]! - time));
}

/** When each attempt was told of. */
async function sightings(
  watch: AsyncIterable<{ readonly attempts?: { toNumber(): number } | null }>,
  count: number,
): Promise<number[]> {
  const at: number[] = [];
  for await (const { attempts } of watch) {
    const now = performance.now();
    for (let i = attempts?.toNumber() ?? 0; i > 0; i--) at.push(now);
    if (at.length >= count) break;
  }
  return at;
}

/** Waits for a tester's acknowledgements. */
class Progress {
  #through = 0;
  #waiting: { readonly through: number; readonly resolve: (at: number) => void } | null = null;

  readonly on: NonNullable<Parameters<typeof openTester>[0]['on']> = (event) => {
    if (event.type !== 'durable') return;
    this.#through = event.through;
    if (this.#waiting === null || event.through < this.#waiting.through) return;
    this.#waiting.resolve(performance.now());
    this.#waiting = null;
  };

  /** Settles with the time at which everything up to a position is durable. */
  durable(through: number): Promise<number> {
    if (this.#through >= through) return Promise.resolve(performance.now());
    return new Promise((resolve) => {
      this.#waiting = { through, resolve };
    });
  }
}
