import protobuf from 'protobufjs/minimal.js';
import { wafersync } from '../../src/gen/wafersync.js';
import type { VirtualTime } from '../support/mesh-time.ts';
import type { Dice } from './dice.ts';

/** What is done to a message on its way. */
export type Tamper = 'duplicate' | 'reorder' | 'replay' | 'corrupt';

/** One direction between two fabs. */
export interface Road {
  /** One way, least and most. */
  latencyMs: readonly [number, number];
  /** Bytes a second; Infinity without a cap. */
  bandwidth: number;
  /** Until when what was sent before is under way. */
  busyUntilMs: number;
  /** Nothing passes, nothing is lost. */
  stalled: boolean;
  /** Nothing passes; streams die of it. */
  cut: boolean;
  /** Updates to be tampered with. */
  readonly due: Tamper[];
  /** Told when a tampering has happened. */
  happened: (what: Tamper) => void;
}

/** Tag of the header in a `WaferUpdate`: field 5, of bytes. */
const HEADER_TAG = (5 << 3) | 2;

/** Kept for replays, a stream. */
const MAX_PASSED = 8;

/** All roads between the fabs, and what is wrong with them. */
export class Roads {
  /** Fabs whose node reads nothing and takes no calls. */
  readonly frozen = new Set<string>();
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #roads = new Map<string, Road>();
  readonly #latencyMs: () => readonly [number, number];

  /** @param latencyMs of a road that is used for the first time */
  constructor(time: VirtualTime, dice: Dice, latencyMs: () => readonly [number, number]) {
    this.#time = time;
    this.#dice = dice;
    this.#latencyMs = latencyMs;
  }

  road(from: string, to: string): Road {
    const key = `${from}>${to}`;
    const known = this.#roads.get(key);
    if (known) return known;
    const road: Road = {
      latencyMs: this.#latencyMs(),
      bandwidth: Number.POSITIVE_INFINITY,
      busyUntilMs: 0,
      stalled: false,
      cut: false,
      due: [],
      happened: () => {},
    };
    this.#roads.set(key, road);
    return road;
  }

  /** From sending to arrival of a message. */
  delayMs(from: string, to: string, bytes: number): number {
    const road = this.road(from, to);
    const { nowMs } = this.#time;
    road.busyUntilMs = Math.max(nowMs, road.busyUntilMs) + (bytes / road.bandwidth) * 1000;
    return road.busyUntilMs - nowMs + this.#dice.between(...road.latencyMs);
  }

  /** Whether one can dial the other: packets have to pass both ways. */
  joined(a: string, b: string): boolean {
    return !this.road(a, b).cut && !this.road(b, a).cut && !this.frozen.has(b);
  }

  stalled(from: string, to: string): boolean {
    const { stalled, cut } = this.road(from, to);
    return stalled || cut || this.frozen.has(to);
  }

  /** Everything passes again, as fast as before. */
  heal(): void {
    for (const road of this.#roads.values()) {
      road.stalled = false;
      road.cut = false;
      road.bandwidth = Number.POSITIVE_INFINITY;
      road.busyUntilMs = 0;
      road.due.length = 0;
    }
  }
}

/** What one stream's road remembers. */
export interface Tampering {
  /** A message that is to arrive behind the next one. */
  held: Buffer | null;
  /** Updates that passed, for replays; bounded. */
  readonly passed: Buffer[];
}

/** The messages that arrive in place of one. Only updates are tampered with: a stream's own messages are guarded below gRPC. */
export function tamper(road: Road, bytes: Buffer, memory: Tampering, dice: Dice): Buffer[] {
  const { held } = memory;
  memory.held = null;
  const behind = held ? [held] : [];
  if (!isUpdate(bytes)) return [bytes, ...behind];
  const { passed } = memory;
  const before = passed.length > 0 ? dice.pick(passed) : bytes;
  if (passed.length >= MAX_PASSED) passed.shift();
  passed.push(bytes);
  const what = road.due.shift();
  if (what === undefined) return [bytes, ...behind];
  road.happened(what);
  if (what === 'duplicate') return [bytes, bytes, ...behind];
  if (what === 'replay') return [before, bytes, ...behind];
  if (what === 'corrupt') return [flipBit(bytes, dice), ...behind];
  memory.held = bytes;
  return behind;
}

/** Whether it has a header, seen without reading what else it holds: every message of a seed passes here. */
function isUpdate(bytes: Buffer): boolean {
  try {
    const reader = protobuf.Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === HEADER_TAG) return reader.uint32() > 0;
      reader.skipType(tag & 7);
    }
    return false;
  } catch {
    // A message of another type, whose fields happen not to fit.
    return false;
  }
}

/** One bit of header, payload or digest is another. */
function flipBit(bytes: Buffer, dice: Dice): Buffer {
  const message = wafersync.v1.WaferUpdate.decode(bytes);
  const parts = [message.header, message.delta_data, message.digest].filter((part) => part.length > 0);
  const part = Buffer.from(dice.pick(parts));
  const at = dice.int(part.length);
  const flipped = Buffer.from(part);
  flipped[at]! ^= 1 << dice.int(8);
  const same = (own: Uint8Array) => (part.equals(own) ? flipped : own);
  return Buffer.from(
    wafersync.v1.WaferUpdate.encode({
      ...message,
      header: same(message.header),
      delta_data: same(message.delta_data),
      digest: same(message.digest),
    }).finish(),
  );
}
