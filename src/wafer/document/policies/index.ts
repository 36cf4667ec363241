import { homeFabFirst } from './home-fab-first.ts';
import { keepAll } from './keep-all.ts';
import { lastWriterWins } from './last-writer-wins.ts';
import { manual } from './manual.ts';
import { mostRestrictive } from './most-restrictive.ts';
import type { Policy } from './policy.ts';
import { worstBin } from './worst-bin.ts';

export type { Choice, Policy, PolicyFacts } from './policy.ts';

/** The policies by name. */
export const POLICIES = {
  'last-writer-wins': lastWriterWins,
  'most-restrictive': mostRestrictive,
  'worst-bin': worstBin,
  'home-fab-first': homeFabFirst,
  'keep-all': keepAll,
  manual,
} as const satisfies Readonly<Record<string, Policy>>;

/** Name of a policy. */
export type PolicyName = keyof typeof POLICIES;

/** Whether a text names a policy. */
export function isPolicyName(text: string): text is PolicyName {
  return Object.hasOwn(POLICIES, text);
}
