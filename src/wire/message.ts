import type { wafersync } from '../gen/wafersync.js';

type V1 = typeof wafersync.v1;

/** Loose properties of a message of the contract, by its name: what it is made of. */
export type Message<Name extends keyof V1> = V1[Name] extends {
  encode(message: infer P, ...rest: never): unknown;
}
  ? P
  : never;
