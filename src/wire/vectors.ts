import type { Chain } from '../clocks/chain.ts';
import { type Dot, epoch, fabId, type Origin, sequence } from '../clocks/dot.ts';
import { type Interval, IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { VersionVector } from '../clocks/version-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import { fromNumber, toNumber } from './long.ts';

type DotMessage = wafersync.v1.Dot.$Properties;
type ChainMessage = wafersync.v1.OriginChain.$Properties;
type IntervalsMessage = wafersync.v1.OriginIntervals.$Properties;

/** Intervals of one origin that a message may carry. */
const MAX_INTERVALS = 100_000;

/** Origins and their intervals. */
export function toOriginIntervals(vector: TransportVector): IntervalsMessage[] {
  return vector.entries().map(([origin, set]) => ({
    fab_id: origin.fab,
    epoch: fromNumber(origin.epoch),
    intervals: set.intervals.flatMap(({ from, to }) => [fromNumber(from), fromNumber(to)]),
  }));
}

/** Vector of a message. @throws WafersyncError `invalid` */
export function fromOriginIntervals(
  messages: readonly IntervalsMessage[] | null | undefined,
): TransportVector {
  return TransportVector.of(
    (messages ?? []).map((message): [Origin, IntervalSet] => {
      const numbers = (message.intervals ?? []).map((value) => toNumber(value, 'intervals'));
      if (numbers.length % 2 !== 0 || numbers.length > 2 * MAX_INTERVALS) {
        throw new WafersyncError('invalid', `intervals of ${message.fab_id} hold ${numbers.length} numbers`);
      }
      const intervals: Interval[] = [];
      for (let i = 0; i < numbers.length; i += 2) intervals.push({ from: numbers[i]!, to: numbers[i + 1]! });
      const origin = { fab: fabId(message.fab_id ?? ''), epoch: epoch(toNumber(message.epoch)) };
      return [origin, IntervalSet.of(intervals)];
    }),
  );
}

/** Messages of chains. */
export function toChains(chains: readonly Chain[]): ChainMessage[] {
  return chains.map(({ origin, height, hash }) => ({
    fab_id: origin.fab,
    epoch: fromNumber(origin.epoch),
    height: fromNumber(height),
    hash: Buffer.from(hash, 'hex'),
  }));
}

/** Chains of messages. @throws WafersyncError `invalid` */
export function fromChains(messages: readonly ChainMessage[] | null | undefined): Chain[] {
  return (messages ?? []).map((message) => ({
    origin: { fab: fabId(message.fab_id ?? ''), epoch: epoch(toNumber(message.epoch)) },
    height: sequence(toNumber(message.height)),
    hash: Buffer.from(message.hash ?? []).toString('hex'),
  }));
}

/** Message of a dot. */
export function toDot({ fab, epoch: life, sequence: position }: Dot): DotMessage {
  return { fab_id: fab, epoch: fromNumber(life), sequence: fromNumber(position) };
}

/** Dot of a message. @throws WafersyncError `invalid` */
export function fromDot(message: DotMessage): Dot {
  return {
    fab: fabId(message.fab_id ?? ''),
    epoch: epoch(toNumber(message.epoch)),
    sequence: sequence(toNumber(message.sequence)),
  };
}

/** Messages of a causal context: the greatest sequence of each origin. */
export function toContext(context: VersionVector): DotMessage[] {
  return context.entries().map(([origin, head]) => toDot({ ...origin, sequence: sequence(head) }));
}

/** Causal context of messages. @throws WafersyncError `invalid` */
export function fromContext(messages: readonly DotMessage[] | null | undefined): VersionVector {
  return VersionVector.of((messages ?? []).map(fromDot));
}
