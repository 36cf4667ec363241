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

/** What is true of a wafer that one fab tested and another tested again. Rules are first, latest, best and worst. */
export interface TwoFabTruth {
  readonly wafer: string;
  readonly lot: string;
  readonly dies: number;
  /** Dies that pass, by rule. */
  readonly good: Readonly<Record<string, number>>;
  readonly yield: Readonly<Record<string, number>>;
  /** Dies in each hard bin, by rule. */
  readonly hard_bins: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Dies that both tested. */
  readonly both: readonly {
    readonly x: number;
    readonly y: number;
    readonly fabA: TwoFabPart;
    readonly fabB: TwoFabPart;
    /** Hard bins by rule; by `first` it is that of fab A. */
    readonly latest: number;
    readonly best: number;
    readonly worst: number;
  }[];
}

/** A part at one of two fabs. */
export interface TwoFabPart {
  readonly hbin: number;
  readonly sbin: number;
  readonly passed: boolean;
}

/** A wafer of two fabs: a file of each, and its truth. @param name such as lot2 */
export function twoFabSample(name: string): { fabA: Sample; fabB: Sample; truth: TwoFabTruth } {
  const find = (part: string) => samples().find((sample) => sample.name.startsWith(`${name}_${part}`))!;
  const truth = JSON.parse(readFileSync(join(folder, 'truth', `twofab_${name}.json`), 'utf8'));
  return { fabA: find('fabA'), fabB: find('fabB'), truth };
}
