import { randomBytes } from 'node:crypto';
import { WafersyncError } from '../errors.ts';
import { HLC_EPOCH_MS, timestampAt, timestampMs } from './hlc.ts';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** Short name of a fab, such as `tw`: 1 to 16 of a–z, 0–9 and `-`, beginning with a letter. */
export type FabId = Branded<string, 'FabId'>;

/** Life of one database of a fab: a counter × 2^40 + 40 bits that set it apart. A JS-safe integer; later lives are greater. */
export type Epoch = Branded<number, 'Epoch'>;

/** Position in an origin's log, from 1, without holes. */
export type Sequence = Branded<number, 'Sequence'>;

/** Where updates are born: one life of one fab's database. */
export interface Origin {
  readonly fab: FabId;
  readonly epoch: Epoch;
}

/** Identity of one update. */
export interface Dot extends Origin {
  readonly sequence: Sequence;
}

/** Text form of an origin, usable as a map key: `tw.1-8f3a5c2e90`. */
export type OriginKey = Branded<string, 'OriginKey'>;

const FAB_ID = /^[a-z][a-z0-9-]{0,15}$/;
const EPOCH_RANDOM = 2 ** 40;
const EPOCH_COUNTER_MAX = 2 ** 13 - 1;

/** Whether a text is a fab id. */
export function isFabId(text: string): text is FabId {
  return FAB_ID.test(text);
}

/** Checks a fab id. @throws WafersyncError `invalid` */
export function fabId(text: string): FabId {
  if (!isFabId(text)) {
    throw new WafersyncError('invalid', `fab id ${JSON.stringify(text)} is not valid`, {
      hint: 'Use 1 to 16 of a-z, 0-9 and "-", beginning with a letter, such as "tw".',
    });
  }
  return text;
}

/** Checks an epoch. @throws WafersyncError `invalid` */
export function epoch(value: number): Epoch {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new WafersyncError('invalid', `epoch ${value} is not valid`);
  return value as Epoch;
}

/** Checks a sequence. @throws WafersyncError `invalid` */
export function sequence(value: number): Sequence {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new WafersyncError('invalid', `sequence ${value} is not valid`);
  }
  return value as Sequence;
}

/** Mints an epoch: `counter` (1 to 8191) says which life of the fab it is, `random` sets it apart from clones. */
export function mintEpoch(counter: number, random: (bytes: number) => Uint8Array = randomBytes): Epoch {
  if (!Number.isInteger(counter) || counter < 1 || counter > EPOCH_COUNTER_MAX) {
    throw new WafersyncError('invalid', `epoch counter ${counter} is not within 1 to ${EPOCH_COUNTER_MAX}`);
  }
  const tail = random(5).reduce((value, byte) => value * 256 + byte, 0);
  return (counter * EPOCH_RANDOM + tail) as Epoch;
}

/**
 * Mints the epoch of a database that is created now. Nothing need be known of the fab's lives before, of which a lost
 * disk tells nothing: the counter is the day since 2020-01-01, and of the 40 bits the first 17 are the second of that
 * day, so that a later life is greater; the other 23 are random, and set clones apart.
 * @throws WafersyncError `precondition` where the clock is not set
 */
export function mintEpochAt(nowMs: number, random: (bytes: number) => Uint8Array = randomBytes): Epoch {
  const seconds = Math.floor((timestampMs(timestampAt(nowMs)) - HLC_EPOCH_MS) / 1000);
  const day = Math.floor(seconds / 86_400);
  const tail =
    (seconds - day * 86_400) * 2 ** 23 + (random(3).reduce((value, byte) => value * 256 + byte, 0) % 2 ** 23);
  const bytes = Array.from({ length: 5 }, (_, i) => Math.floor(tail / 256 ** (4 - i)) % 256);
  return mintEpoch(day, () => Uint8Array.from(bytes));
}

/** Mints the epoch of a database that goes on as another life: greater than any that is known of its fab. */
export function mintEpochAbove(
  known: Epoch,
  nowMs: number,
  random: (bytes: number) => Uint8Array = randomBytes,
): Epoch {
  const minted = mintEpochAt(nowMs, random);
  return minted > known ? minted : mintEpoch(Math.floor(known / EPOCH_RANDOM) + 1, random);
}

/** `1-8f3a5c2e90`: counter and random part in hex. */
export function formatEpoch(value: Epoch): string {
  const counter = Math.floor(value / EPOCH_RANDOM);
  return `${counter}-${(value - counter * EPOCH_RANDOM).toString(16).padStart(10, '0')}`;
}

/** Map key of an origin. */
export function originKey(origin: Origin): OriginKey {
  return `${origin.fab}.${formatEpoch(origin.epoch)}` as OriginKey;
}

/** Origin of a map key made by {@link originKey}. @throws WafersyncError `invalid` */
export function parseOriginKey(key: string): Origin {
  const match = /^([a-z][a-z0-9-]*)\.(0|[1-9]\d*)-([0-9a-f]{10})$/.exec(key);
  if (!match)
    throw new WafersyncError(
      'invalid',
      `origin ${JSON.stringify(key)} is not of the form fab.counter-random`,
    );
  const [, fab, counter, random] = match;
  return { fab: fabId(fab!), epoch: epoch(Number(counter) * EPOCH_RANDOM + Number.parseInt(random!, 16)) };
}

/** `tw.1-8f3a5c2e90:57`. */
export function formatDot(dot: Dot): string {
  return `${originKey(dot)}:${dot.sequence}`;
}

/** Dot of a text made by {@link formatDot}. @throws WafersyncError `invalid` */
export function parseDot(text: string): Dot {
  const match = /^(.*):([1-9]\d{0,15})$/.exec(text);
  if (match) return { ...parseOriginKey(match[1]!), sequence: sequence(Number(match[2])) };
  throw new WafersyncError('invalid', `${JSON.stringify(text)} is no dot`, {
    hint: 'It is of the form tw.1-8f3a5c2e90:57: fab, epoch and sequence.',
  });
}

/** Total order of origins: fab, epoch. It is not the order of their keys as texts. */
export function compareOrigins(a: Origin, b: Origin): number {
  if (a.fab !== b.fab) return a.fab < b.fab ? -1 : 1;
  return a.epoch - b.epoch;
}

/** Total order of dots: fab, epoch, sequence. */
export function compareDots(a: Dot, b: Dot): number {
  return compareOrigins(a, b) || a.sequence - b.sequence;
}

/** Whether two dots name the same update. */
export function sameDot(a: Dot, b: Dot): boolean {
  return a.fab === b.fab && a.epoch === b.epoch && a.sequence === b.sequence;
}
