/** Bounds of what should take milliseconds and may take seconds. */
export const LATENCY_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Bounds of the way from fab to fab, which takes a second or, after an outage, days. */
export const PROPAGATION_SECONDS: readonly number[] = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3_600, 86_400,
];

/** Bounds of a verification, which takes a second or, slowly and unasked, hours. */
export const VERIFY_SECONDS: readonly number[] = [0.1, 1, 10, 60, 600, 3_600, 14_400, 43_200];

/** Bounds of how many share something. */
export const COUNTS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
