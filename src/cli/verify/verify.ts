import { toNumber } from '../../wire/long.ts';
import { verifyService } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import type { WaitFor } from '../options.ts';
import { type Terminal, utc } from '../output.ts';
import { findingOf, lastOf, resultOf, type ToldFinding, type ToldResult } from './verify-json.ts';
import { VerifyProgress } from './verify-progress.ts';
import { findingLine, lastText, resultsText } from './verify-text.ts';

/** Options of `wafersync verify`. */
export interface VerifyOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly with: WaitFor;
  readonly repair: boolean;
  readonly json?: boolean;
}

/** Exit code where something was wrong, all of which is repaired. */
export const EXIT_REPAIRED = 3;

/** Exit code where something is wrong still. */
export const EXIT_WRONG = 4;

/** Compares a node with others. Resolves to the exit code. */
export async function verify(options: VerifyOptions, terminal: Terminal): Promise<number> {
  const findings: ToldFinding[] = [];
  const results: ToldResult[] = [];
  const request = { fab_ids: options.with === 'all' ? [] : [...options.with], no_repair: !options.repair };
  const shown = new VerifyProgress({
    stream: terminal.interactive && !options.json ? process.stderr : null,
    steadyMs: () => performance.now(),
  });
  try {
    await withNode(verifyService, options.node, async (service) => {
      for await (const { progress, finding, result } of service.Verify(request)) {
        if (progress) shown.read(progress.fab_id ?? '', toNumber(progress.subjects));
        if (finding) {
          findings.push(findingOf(finding));
          shown.clear();
          if (!options.json) terminal.out(findingLine(findings.at(-1)!));
        }
        if (result) results.push(resultOf(result));
      }
    });
  } finally {
    shown.clear();
  }
  if (options.json) terminal.out(JSON.stringify({ findings, results }));
  else terminal.out(resultsText(results));
  return exitCode(findings, results);
}

/** Tells when a node was last compared with each of the others. Resolves to the exit code. */
export async function lastVerification(
  { node, json }: Pick<VerifyOptions, 'node' | 'json'>,
  terminal: Terminal,
): Promise<number> {
  const answer = await withNode(verifyService, node, (service) => service.GetVerification({}));
  const told = lastOf(answer);
  terminal.out(json ? JSON.stringify(told) : lastText(told, utc));
  return 0;
}

/** What is wrong still counts most, then what could not be looked at. */
function exitCode(findings: readonly ToldFinding[], results: readonly ToldResult[]): number {
  if (findings.some(({ outcome }) => outcome !== 'REPAIRED')) return EXIT_WRONG;
  if (results.some(({ error }) => error !== '')) return 1;
  return findings.length > 0 || results.some(({ different }) => different > 0) ? EXIT_REPAIRED : 0;
}
