/** How often files are as they should not be. Each is a share from 0 to 1. */
export interface DirtRates {
  /** Of the files: cut within a record. */
  readonly cutFiles: number;
  /** Of the wafers: no WRR. */
  readonly missingWrr: number;
  /** Of the wafers: empty wafer id. */
  readonly emptyWaferId: number;
  /** Of the tests with two limits: the limits change somewhere in the lot. */
  readonly limitChanges: number;
  /** Of the attempts: testing broke off, and no bin was given. */
  readonly abortedParts: number;
  /** Of the attempts: tested, but without results in the file. */
  readonly unloggedParts: number;
  /** Of the files: handed in once more under another name. */
  readonly repeatedDrops: number;
  /** Of the lots: tested on a prober that turns the axes by one to three quarters. */
  readonly turnedAxes: number;
  /** Of the lots: tested by a tester whose clock is off, by up to five minutes. */
  readonly clocksOff: number;
}

/** No dirt at all. */
export const CLEAN: DirtRates = {
  cutFiles: 0,
  missingWrr: 0,
  emptyWaferId: 0,
  limitChanges: 0,
  abortedParts: 0,
  unloggedParts: 0,
  repeatedDrops: 0,
  turnedAxes: 0,
  clocksOff: 0,
};

/** As often as in the field. */
export const AS_IN_THE_FIELD: DirtRates = {
  cutFiles: 0.01,
  missingWrr: 0.02,
  emptyWaferId: 0.05,
  limitChanges: 0.01,
  abortedParts: 0.0005,
  unloggedParts: 0.01,
  repeatedDrops: 0.02,
  turnedAxes: 0.2,
  clocksOff: 0.1,
};
