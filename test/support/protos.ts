import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of the buf executable. */
export const BUF = fileURLToPath(new URL('../../node_modules/.bin/buf', import.meta.url));

/** The serialized FileDescriptorSet of proto files, given as text by name. */
export function compileProtos(files: Readonly<Record<string, string>>): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'wafersync-protos-'));
  try {
    writeFileSync(join(folder, 'buf.yaml'), 'version: v2\n');
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const out = join(folder, 'set.binpb');
    execFileSync(BUF, ['build', folder, '--as-file-descriptor-set', '-o', out]);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
