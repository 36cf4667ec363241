#!/usr/bin/env node
// The command. Sees to it that a Node that can run wafersync runs it, before any native module is loaded.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { followLauncher, relaunch } from './relaunch.mjs';
import { bundledNode, isSupported, REMEDY } from './runtime.mjs';

const script = fileURLToPath(import.meta.url);
const root = dirname(dirname(script));

/** @param {string} line */
function giveUp(line) {
  process.stderr.write(`wafersync: ${line}\n`);
  process.exit(1);
}

async function main() {
  followLauncher();
  if (!isSupported(process.version)) return useBundledNode();
  const entry = join(root, 'dist', 'main.js');
  if (!existsSync(entry)) return giveUp(`it is not built. Run \`npm run build\` in ${root}`);
  await import(pathToFileURL(entry).href);
}

function useBundledNode() {
  const tooOld = `Node ${process.version} is too old; 22.15 or newer is needed`;
  const node = bundledNode(script);
  if (node === null || node === process.execPath) return giveUp(`${tooOld}. ${REMEDY}`);
  relaunch(node, script, (error) =>
    giveUp(`${tooOld}, and the one at ${node} does not run (${error.message}). ${REMEDY}`),
  );
}

main();
