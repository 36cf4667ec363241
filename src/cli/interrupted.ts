const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs something that a signal may end before its time: it is told by its own, and clears up. */
export async function untilInterrupted<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const name of SIGNALS) process.once(name, stop);
  try {
    return await run(stopping.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}

/** Settles once a signal is told of that came in a turn before: in the second turn from now at the latest. */
export async function signalsHeard(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
