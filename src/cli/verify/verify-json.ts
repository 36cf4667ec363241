import { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';

const { VerifyProblem, VerifyOutcome } = wafersync.v1;

/** A finding with the keys of the proto, numbers as numbers, enums without their prefix. */
export type ToldFinding = ReturnType<typeof findingOf>;

/** A result with the keys of the proto. */
export type ToldResult = ReturnType<typeof resultOf>;

/** When it was last verified, with the keys of the proto. */
export type ToldLast = ReturnType<typeof lastOf>;

/** A finding as `--json` has it. */
export function findingOf(finding: Message<'VerifyFinding'>) {
  const { wafer, run_id, purge } = finding.subject ?? {};
  const { lot, wafer_id, insertion } = wafer ?? {};
  return {
    fab_id: finding.fab_id ?? '',
    subject: {
      wafer: wafer ? { lot: lot ?? '', wafer_id: wafer_id ?? '', insertion: insertion ?? '' } : null,
      run_id: run_id ?? '',
      purge: purge ?? '',
    },
    problem: (VerifyProblem[finding.problem ?? 0] ?? 'UNSPECIFIED').replace('VERIFY_PROBLEM_', ''),
    details: finding.details ?? [],
    outcome: (VerifyOutcome[finding.outcome ?? 0] ?? 'UNSPECIFIED').replace('VERIFY_OUTCOME_', ''),
    reason: finding.reason ?? '',
    peer_fab_id: finding.peer_fab_id ?? '',
  };
}

/** A result as `--json` has it. */
export function resultOf(result: Message<'VerifyResult'>) {
  return {
    fab_id: result.fab_id ?? '',
    wafers: toNumber(result.wafers),
    subjects: toNumber(result.subjects),
    equal: toNumber(result.equal),
    on_the_way: toNumber(result.on_the_way),
    different: toNumber(result.different),
    repaired: toNumber(result.repaired),
    not_repaired: toNumber(result.not_repaired),
    bytes_exchanged: toNumber(result.bytes_exchanged),
    error: result.error ?? '',
    more: result.more ?? false,
  };
}

/** What `--last --json` has. */
export function lastOf(answer: Message<'GetVerificationResponse'>) {
  return {
    interval_h: answer.interval_h ?? 0,
    all_equal_us: toNumber(answer.all_equal_us),
    peers: (answer.peers ?? []).map((peer) => ({
      fab_id: peer.fab_id ?? '',
      looked_us: toNumber(peer.looked_us),
      equal_us: toNumber(peer.equal_us),
      thorough: peer.thorough ?? false,
      last: peer.last ? resultOf(peer.last) : null,
    })),
  };
}
