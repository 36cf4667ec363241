import type { Shape } from './distribution.ts';

/** Tests of one sort, as programs have them in dozens. */
export interface TestFamily {
  /** Names are this and a number. */
  readonly name: string;
  readonly units: string;
  /** Display exponent (RES_SCAL): 3 shows milli. */
  readonly scale: number;
  /** Middle of the values of a typical test. */
  readonly middle: number;
  /** Spread, in the sense of its shape. */
  readonly spread: number;
  /** Hard bin of dies that fail here. */
  readonly hardBin: number;
}

type Row = readonly [name: string, units: string, scale: number, middle: number, spread: number, bin: number];

const family = ([name, units, scale, middle, spread, hardBin]: Row): TestFamily => {
  return { name, units, scale, middle, spread, hardBin };
};

/** Families by the shape of their values, in the order in which a program runs them. */
export const FAMILIES: Readonly<Record<Shape, readonly TestFamily[]>> = {
  normal: [
    family(['CONT_IO', 'V', 0, -0.62, 0.015, 2]),
    family(['VREF_BG', 'V', 0, 1.2, 0.004, 5]),
    family(['IDD_ACT', 'A', 3, 35e-3, 0.8e-3, 4]),
    family(['VOH', 'V', 0, 2.9, 0.03, 5]),
    family(['VOL', 'V', 3, 0.21, 0.02, 5]),
    family(['RON', 'Ohm', 0, 3.3, 0.1, 5]),
    family(['FOSC', 'Hz', -6, 12e6, 6e4, 6]),
    family(['TPD', 's', 9, 4.2e-9, 0.12e-9, 6]),
    family(['GAIN', 'dB', 0, 40, 0.5, 6]),
    family(['T_JUNCTION_°C', '°C', 0, 31, 0.8, 5]),
  ],
  lognormal: [
    family(['IIL', 'A', 9, 2e-9, 0.35, 3]),
    family(['IIH', 'A', 9, 3e-9, 0.35, 3]),
    family(['IDD_STBY', 'A', 6, 1.5e-6, 0.3, 4]),
    family(['NOISE', 'V', 6, 3e-5, 0.25, 6]),
  ],
  quantised: [
    family(['TRIM_CODE', '', 0, 40, 1, 8]),
    family(['ADC_INL', 'LSB', 0, 0, 0.25, 8]),
    family(['VTUNE', 'V', 0, 1.5, 0.0125, 8]),
  ],
  constant: [
    family(['REV_ID', '', 0, 3, 0, 7]),
    family(['FUSE_ROW', '', 0, 0, 0, 7]),
    family(['SCAN_SIG', '', 0, 165, 0, 7]),
  ],
};

/** Families of functional tests, which have no value. */
export const FUNCTIONAL_FAMILIES: readonly TestFamily[] = [
  family(['BIST_RAM', '', 0, 0, 0, 7]),
  family(['SCAN_CHAIN', '', 0, 0, 0, 7]),
];
