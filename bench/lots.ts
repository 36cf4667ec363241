import { demoLot } from '../src/generator/demo-lot.ts';

/** A file of one lot; every number makes another lot. */
export function stdfFile(
  number: number,
  wafers: number,
): { readonly bytes: Uint8Array; readonly results: number } {
  const lot = demoLot({ number, wafers });
  return { bytes: lot.stdf, results: lot.results };
}
