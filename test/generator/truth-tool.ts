import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const FOLDER = process.env.WAFERSYNC_STDF_SAMPLES ?? resolve(REPOSITORY, '../shared/stdf');
const TOOL = join(FOLDER, 'tools/truth.py');

/** What the independent reader says of a file; the keys used here. */
export interface Truth {
  readonly records: Readonly<Record<string, number>>;
  readonly unknown_records: Readonly<Record<string, number>>;
  readonly decode_errors: Readonly<Record<string, number>>;
  readonly records_with_trailing_bytes: Readonly<Record<string, number>>;
  readonly truncated: { readonly at: number } | null;
  readonly far: { readonly endian: string; readonly endian_matches_cpu: boolean };
  readonly mir: Readonly<Record<string, unknown>>;
  readonly wafers: readonly { readonly wafer_id: string | null; readonly wrr: object | null }[];
  readonly parts: Readonly<Record<string, unknown>>;
  readonly yield: object;
  readonly digests: object;
  readonly tests: readonly TruthOfTest[];
  readonly tests_with_limit_overrides: number;
}

/** What the independent reader says of one test. */
export interface TruthOfTest {
  readonly rec: string;
  readonly num: number;
  readonly name: string;
  readonly units?: string | null;
  readonly lo_limit?: number | null;
  readonly hi_limit?: number | null;
  readonly lo_spec?: number | null;
  readonly res_scal?: number | null;
}

/** Why the independent reader cannot be run here; false if it can. */
export function whyNoTruth(): string | false {
  if (!existsSync(TOOL))
    return `no ${TOOL}; set WAFERSYNC_STDF_SAMPLES to the folder that holds tools/truth.py`;
  return spawnSync('python3', ['--version']).status === 0 ? false : 'python3 does not run here';
}

/** Reads STDF bytes with the independent reader, all in one run of it. */
export function truthOf(files: readonly Uint8Array[]): readonly Truth[] {
  const folder = mkdtempSync(join(tmpdir(), 'wafersync-truth-'));
  try {
    const paths = files.map((_, i) => join(folder, `${i}.stdf`));
    for (const [i, file] of files.entries()) writeFileSync(paths[i]!, file);
    const run = spawnSync('python3', [TOOL, ...paths], {
      env: { ...process.env, TRUTH_OUT: folder, PYTHONDONTWRITEBYTECODE: '1' },
      encoding: 'utf8',
    });
    if (run.status !== 0) throw new Error(`truth.py failed: ${run.stderr}`);
    return paths.map((path) => JSON.parse(readFileSync(`${path}.json`, 'utf8')) as Truth);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
