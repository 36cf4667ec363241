import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type DemoLot, demoLot } from '../../src/generator/demo-lot.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A lot and the file that it stands in. */
export interface LotFile {
  readonly lot: DemoLot;
  readonly path: string;
}

/** Writes a small lot of one wafer to a file that lives as long as the test. */
export function lotFile(t: TestContext, number: number): LotFile {
  const lot = demoLot({ number, wafers: 1 });
  const path = join(temporaryFolder(t), lot.fileName);
  writeFileSync(path, lot.stdf);
  return { lot, path };
}

/** Writes bytes to a file of a name that lives as long as the test; answers its path. */
export function fileWith(t: TestContext, name: string, bytes: Uint8Array | string): string {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, bytes);
  return path;
}

/** The same lot in gzip. */
export function gzipped(t: TestContext, { lot }: LotFile): string {
  return fileWith(t, `${lot.fileName}.gz`, gzipSync(lot.stdf));
}
