import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Streams a wafer of the generator's lots to a node: `wafersync generate --node --rate`. Resolves once it is durable. */
export async function streamLot(
  node: string,
  { rate, seed }: { readonly rate: number; readonly seed: number },
): Promise<{ readonly runId: string; readonly results: number }> {
  const options = ['--node', node, '--rate', String(rate), '--seed', String(seed), '--wafers', '1', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'generate', ...options]);
  const [lot] = JSON.parse(stdout) as [{ readonly run_id: string; readonly results: number }];
  return { runId: lot.run_id, results: lot.results };
}
