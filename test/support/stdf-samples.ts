import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of real STDF files with their truth: WAFERSYNC_STDF_SAMPLES, else beside the repository. */
const folder =
  process.env.WAFERSYNC_STDF_SAMPLES ?? fileURLToPath(new URL('../../../shared/stdf', import.meta.url));

/** Says why tests on real files are skipped; false where the folder is there. */
export const samplesMissing: string | false =
  existsSync(join(folder, 'samples')) && existsSync(join(folder, 'truth'))
    ? false
    : `no real STDF files at ${folder}; set WAFERSYNC_STDF_SAMPLES to a folder that holds samples/ and truth/`;

/** What is known to be true of a sample, as far as tests look at it. */
export interface SampleTruth {
  readonly file: string;
  readonly compression: string;
  readonly fatal: string | null;
  readonly uncompressed_bytes: number;
  readonly records: Record<string, number>;
  readonly unknown_records: Record<string, number>;
  readonly records_after_mrr: number;
  readonly truncated: object | null;
  readonly mir: Record<string, number | string> | null;
  readonly wafers: readonly { readonly wafer_id: string | null; readonly parts: number }[];
  readonly parts: { readonly prr: number; readonly results_without_part: number } & Record<string, unknown>;
  readonly yield: Record<string, unknown>;
  readonly results: { readonly records: number };
  readonly digests: {
    readonly parts_sha256: string;
    readonly results_sha256: string;
    readonly attempts_sha256: string;
  };
  readonly tests: readonly SampleTest[];
}

/** A test of a sample. */
export interface SampleTest {
  readonly rec: 'PTR' | 'MPR' | 'FTR';
  readonly num: number;
  readonly name: string | null;
  readonly units?: string | null;
  readonly lo_limit_f32?: string | null;
  readonly hi_limit_f32?: string | null;
  readonly res_scal?: number | null;
}

/** A real file and its truth; `truth` is null where none is told. */
export interface Sample {
  readonly name: string;
  readonly path: string;
  readonly truth: SampleTruth | null;
}

/** All samples; none where the folder is absent. */
export function samples(): Sample[] {
  if (samplesMissing) return [];
  return readdirSync(join(folder, 'samples')).map((name) => {
    const truth = join(folder, 'truth', `${name}.json`);
    return {
      name,
      path: join(folder, 'samples', name),
      truth: existsSync(truth) ? (JSON.parse(readFileSync(truth, 'utf8')) as SampleTruth) : null,
    };
  });
}

/** Samples that are STDF, plain or compressed. */
export function readableSamples(): (Sample & { readonly truth: SampleTruth })[] {
  return samples().filter(
    (sample): sample is Sample & { truth: SampleTruth } =>
      sample.truth !== null && sample.truth.fatal === null,
  );
}
