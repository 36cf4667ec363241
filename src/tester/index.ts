// The library entry `wafersync/tester`: what a tester's program needs to stream its results, and nothing else.
export { type ErrorCode, WafersyncError } from '../errors.ts';
export { realWorld, type World } from '../world.ts';
export { openTester, type TesterOptions } from './open-tester.ts';
export { TesterClient, type TesterEvent, type TesterReceipt } from './tester-client.ts';
export type { TesterDie, TesterPlace, TesterResult, TesterTest } from './tester-result.ts';
