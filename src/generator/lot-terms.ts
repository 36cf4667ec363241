import type { Random } from './random.ts';

/** What moves a test's values in the whole lot, in standard deviations; one number a test. */
export interface LotTerms {
  readonly shift: Float64Array;
  /** From the centre to the edge. */
  readonly radial: Float64Array;
  /** From left to right. */
  readonly tiltU: Float64Array;
  /** From bottom to top. */
  readonly tiltV: Float64Array;
  /** Site after site, each with one number a test. */
  readonly siteOffsets: Float64Array;
}

const SHIFT_SIGMA = 0.3;
const RADIAL_SIGMA = 0.25;
const TILT_SIGMA = 0.12;
const SITE_SIGMA = 0.1;

/** Draws the terms of a lot. */
export function makeTerms(tests: number, sites: number, random: Random): LotTerms {
  return {
    shift: normals(tests, SHIFT_SIGMA, random.fork('shift')),
    radial: normals(tests, RADIAL_SIGMA, random.fork('radial')),
    tiltU: normals(tests, TILT_SIGMA, random.fork('tilt u')),
    tiltV: normals(tests, TILT_SIGMA, random.fork('tilt v')),
    siteOffsets: normals(tests * sites, SITE_SIGMA, random.fork('sites')),
  };
}

function normals(count: number, sigma: number, random: Random): Float64Array {
  return Float64Array.from({ length: count }, () => sigma * random.normal());
}
