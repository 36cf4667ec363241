import { WafersyncError } from '../../errors.ts';
import type { WirRecord, WrrRecord } from './records.ts';

/** Most wafers of a file. */
export const MAX_WAFERS = 65_536;

/** A wafer of a file: one for each WIR, and for each WRR that no WIR began. */
export interface StdfWafer {
  /** WAFER_ID; the WRR's wins; empty if neither has one. */
  readonly waferId: string;
  /** HEAD_NUM; −1 if absent. */
  readonly head: number;
  /** START_T of the WIR, seconds of local time; null without one. */
  readonly startSeconds: number | null;
  /** Parts between its WIR and its WRR. */
  readonly parts: number;
}

/** A WRR. One without a WIR claims the parts of its head before part `to`, back to the WRR before it. */
interface Claim {
  /** Null where a WIR had begun the wafer. */
  readonly wafer: number | null;
  readonly to: number;
}

interface OpenWafer {
  waferId: string;
  readonly head: number;
  readonly startSeconds: number | null;
  parts: number;
  ended: boolean;
}

/** Pairs WIR and WRR by head, and tells which wafer a part is of. Wafers are numbered from 0 in order of appearance. */
export class WaferTable {
  readonly #wafers: OpenWafer[] = [];
  readonly #current = new Map<number, number>();
  /** The wafer begun last, for heads without a WIR of their own; null once any wafer has ended. */
  #latest: number | null = null;
  /** Every WRR by head, `to` growing. */
  readonly #claims = new Map<number, Claim[]>();

  get wafers(): readonly StdfWafer[] {
    return this.#wafers;
  }

  begin(record: WirRecord): void {
    const startSeconds = record.startSeconds < 0 ? null : record.startSeconds;
    const wafer = this.#add(record.waferId, record.head, startSeconds);
    this.#current.set(record.head, wafer);
    this.#latest = wafer;
  }

  /** `partCount`: parts of the file so far. */
  end(record: WrrRecord, partCount: number): void {
    const { head, waferId } = record;
    const begun = this.#of(head);
    const paired = begun !== null && !this.#wafers[begun]!.ended;
    const ordinal = paired ? begun : this.#add('', head, null);
    const wafer = this.#wafers[ordinal]!;
    wafer.ended = true;
    if (waferId) wafer.waferId = waferId;
    this.#current.delete(head);
    this.#latest = null;
    this.#claim(head, { wafer: paired ? null : ordinal, to: partCount });
  }

  /** Counts a part; its wafer, or null if none is open for its head. */
  countPart(head: number): number | null {
    const wafer = this.#of(head);
    if (wafer !== null) this.#wafers[wafer]!.parts++;
    return wafer;
  }

  /**
   * Wafer that a part outside of any wafer is of, once all has been read: that of the next WRR of its head, if the file
   * lacks its WIR; else null.
   */
  claimed(part: number, head: number): number | null {
    const claims = this.#claims.get(head) ?? [];
    let low = 0;
    let high = claims.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (claims[middle]!.to <= part) low = middle + 1;
      else high = middle;
    }
    return claims[low]?.wafer ?? null;
  }

  #claim(head: number, claim: Claim): void {
    const claims = this.#claims.get(head);
    if (claims) claims.push(claim);
    else this.#claims.set(head, [claim]);
  }

  #of(head: number): number | null {
    return this.#current.get(head) ?? this.#latest;
  }

  #add(waferId: string, head: number, startSeconds: number | null): number {
    if (this.#wafers.length === MAX_WAFERS) {
      throw new WafersyncError('invalid', `the file has more than ${MAX_WAFERS} wafers`, {
        hint: 'Split the file.',
      });
    }
    return this.#wafers.push({ waferId, head, startSeconds, parts: 0, ended: false }) - 1;
  }
}
