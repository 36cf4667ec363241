import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian's Python, whose gRPC comes as packages. */
export const PYTHON = '/usr/bin/python3';

const PROTO = fileURLToPath(new URL('../../proto', import.meta.url));
const PLUGIN = '/usr/bin/grpc_python_plugin';
// Not python3-grpc-tools: in Debian 12 its compiler is from 2018 and knows no `optional` in proto3.
const PACKAGES = ['python3-grpcio', 'python3-protobuf', 'protobuf-compiler', 'protobuf-compiler-grpc'];

/** Why Python has no gRPC here; null where it has, if need be because it was installed: by root, in CI. */
export function pythonLacks(): string | null {
  if (hasGrpc()) return null;
  const why = `${PYTHON} lacks gRPC: install Debian's ${PACKAGES.join(', ')}`;
  if (process.getuid?.() !== 0 || process.env.CI !== 'true') return why;
  const quiet = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  execFileSync('apt-get', ['update'], quiet);
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...PACKAGES], quiet);
  return hasGrpc() ? null : why;
}

function hasGrpc(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import grpc, google.protobuf'], { stdio: 'ignore' });
    execFileSync('protoc', ['--version'], { stdio: 'ignore' });
    return existsSync(PLUGIN);
  } catch {
    return false;
  }
}

/** Makes Python stubs of our contract in a folder. */
export async function makeStubs(folder: string): Promise<void> {
  const files = readdirSync(`${PROTO}/wafersync/v1`).map((name) => `wafersync/v1/${name}`);
  const plugin = `--plugin=protoc-gen-grpc_python=${PLUGIN}`;
  const out = [`--python_out=${folder}`, `--grpc_python_out=${folder}`];
  await run('protoc', ['-I', PROTO, plugin, ...out, ...files]);
}
