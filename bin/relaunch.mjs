// Runs wafersync again under another Node, as if it had been that one from the start.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Tells the inner process what it is; removed from its environment before anything else reads it. */
const LAUNCHED = 'WAFERSYNC_LAUNCHED';

/** How long the inner process may take to stop once its launcher is gone. */
const STOP_LIMIT_MS = 10_000;

/** Sent on to the inner process. */
const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR2'];

/** A terminal sends these to both processes by itself; sent on only where there is none. */
const PASSED_ON_WITHOUT_TERMINAL = ['SIGINT', 'SIGQUIT'];

/**
 * Runs `script` under the Node at `node`, with this process's arguments, streams and signals, and ends as it ends.
 * @param {string} node
 * @param {string} script
 * @param {(error: Error) => void} failed called when the Node cannot be started
 */
export function relaunch(node, script, failed) {
  const inner = spawn(node, [...process.execArgv, script, ...process.argv.slice(2)], {
    // The channel closes when this process dies, by SIGKILL too.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [LAUNCHED]: '1' },
  });
  const release = passSignalsTo(inner);
  joinParent(inner);
  inner.once('error', failed);
  inner.once('exit', (code, signal) => {
    release();
    if (signal === null) process.exit(code ?? 1);
    // The same death, so that a shell or supervisor is told the truth.
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  });
}

/**
 * Where this process has a channel to a parent of its own, joins the two.
 * @param {import('node:child_process').ChildProcess} inner
 */
function joinParent(inner) {
  if (!process.channel) return;
  inner.on('message', (message) => process.send?.(message));
  process.on('message', (message) => inner.connected && inner.send(message));
  process.once('disconnect', () => inner.connected && inner.disconnect());
}

/** In the inner process: stops it when the launcher has gone. Nothing happens in any other process. */
export function followLauncher() {
  const launched = process.env[LAUNCHED] !== undefined;
  delete process.env[LAUNCHED];
  if (!launched || !process.channel) return;
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_LIMIT_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  // The listener must not keep a finished command alive.
  process.channel.unref();
}

/** @param {import('node:child_process').ChildProcess} inner */
function passSignalsTo(inner) {
  const attended = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const handlers = new Map();
  for (const signal of PASSED_ON) handlers.set(signal, () => inner.kill(signal));
  for (const signal of PASSED_ON_WITHOUT_TERMINAL) {
    handlers.set(signal, attended ? () => {} : () => inner.kill(signal));
  }
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
