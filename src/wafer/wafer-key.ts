/** Identity of a wafer. It never changes; a corrected id is an alias. */
export interface WaferKey {
  /** Lot; may be empty. */
  readonly lot: string;
  /** Wafer within the lot; for a run without wafers an id made of the run id. */
  readonly waferId: string;
  /** Insertion: the test step, STDF MIR TEST_COD, else FLOW_ID; may be empty. */
  readonly insertion: string;
}

/** Whether two keys name the same wafer. */
export function sameWafer(a: WaferKey, b: WaferKey): boolean {
  return a.lot === b.lot && a.waferId === b.waferId && a.insertion === b.insertion;
}

/** A wafer as somebody asked for it: its id alone where nothing narrows it, else as {@link formatWafer}. */
export function askedWafer(key: WaferKey): string {
  return key.lot === '' && key.insertion === '' ? key.waferId : formatWafer(key);
}

/** `lot/wafer/insertion` for people and logs; empty parts are `-`. */
export function formatWafer(key: WaferKey): string {
  return [key.lot, key.waferId, key.insertion].map((part) => part || '-').join('/');
}
