// Brings node_modules to what package-lock.json says.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundledNode, isSupported, REMEDY } from '../bin/runtime.mjs';
import { root } from './support.mjs';

const NETWORK = /\b(EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b/;

/** Installs what is missing or other than locked; then makes sure that a Node serves. */
export function ensureInstalled() {
  if (isInstalled()) return requireNode();
  // Elsewhere no Node comes along, and a quarter of a gigabyte would be fetched in vain.
  if (!isSupported(process.version) && `${process.platform}-${process.arch}` !== 'linux-x64') requireNode();
  refuseLink();
  process.stderr.write('setup: installing packages; this happens once and takes about a minute\n');
  npmCi();
  dropBrokenNode();
  requireNode();
}

/** `npm ci` empties node_modules first. Through a link it would empty a folder that others use. */
function refuseLink() {
  const modules = join(root, 'node_modules');
  if (!lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const target = existsSync(modules) ? realpathSync(modules) : readlinkSync(modules);
  throw new Error(
    `packages are missing or other than locked, and ${modules} is a link to ${target}, which \`npm ci\` would empty. Remove the link (rm ${modules}), then run this again; or bring the folder behind it to this package-lock.json`,
  );
}

/** Whether node_modules holds just what the lock says. npm writes its own lock there last. */
function isInstalled() {
  const installedLock = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedLock)) return false;
  const locked = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(installedLock);
  const asLocked = Object.entries(installed).every(
    ([path, { version }]) => locked[path]?.version === version && existsSync(join(root, path)),
  );
  // Packages of other platforms are in the lock and rightly not installed.
  const complete = Object.entries(locked).every(
    ([path, { optional, devOptional }]) => path === '' || optional || devOptional || installed[path],
  );
  return asLocked && complete;
}

/**
 * @param {string} lock
 * @returns {Record<string, { version: string, optional?: boolean, devOptional?: boolean }>}
 */
function packagesOf(lock) {
  return JSON.parse(readFileSync(lock, 'utf8')).packages;
}

function npmCi() {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--include=dev', '--include=optional'];
  const npm = process.env.npm_execpath ?? '';
  const [program, ...first] = npm.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm'];
  const { status, error, stdout, stderr } = spawnSync(program, [...first, 'ci', ...options], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (error) throw new Error(`npm cannot be run (${error.message}). ${REMEDY}; npm comes with it`);
  if (status !== 0) throw new Error(explain(`${stdout}\n${stderr}`));
}

/** @param {string} output of an npm that failed */
function explain(output) {
  const code = NETWORK.exec(output)?.[1] ?? /npm error code (\S+)/.exec(output)?.[1] ?? 'no code given';
  const said = /npm error (?!code |errno |syscall |path |A complete log)(.+?)\.?\n/.exec(output)?.[1] ?? '';
  const log = /complete log of this run can be found in: *(\S+)/.exec(output)?.[1];
  return `npm ci failed (${code}${said ? `: ${said}` : ''}). ${remedyFor(code)}${log ? `. npm's log: ${log}` : ''}`;
}

/** @param {string} code */
function remedyFor(code) {
  if (NETWORK.test(code))
    return 'The npm registry cannot be reached: check the network and `npm config get registry proxy https-proxy`, then run this again';
  if (code === 'EUSAGE') return 'package.json and package-lock.json disagree: run `npm install`';
  if (code === 'ENOSPC') return 'The disk is full: make room for 500 MB, then run this again';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `This user may not write ${join(root, 'node_modules')}: change its owner, then run this again`;
  return 'Put right what it names, then run this again';
}

/** The Node that came along needs glibc. Where it does not run, it must not stand before the user's own. */
function dropBrokenNode() {
  const node = bundledNode(import.meta.url);
  if (node === null || spawnSync(node, ['--version']).status === 0) return;
  rmSync(join(root, 'node_modules', '.bin', 'node'), { force: true });
}

function requireNode() {
  if (isSupported(process.version)) return;
  const node = bundledNode(import.meta.url);
  if (node !== null && existsSync(join(root, 'node_modules', '.bin', 'node'))) return;
  throw new Error(
    `Node ${process.version} is too old; 22.15 or newer is needed, and none comes along for this system. ${REMEDY}`,
  );
}
