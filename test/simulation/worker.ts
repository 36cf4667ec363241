import { runSeed } from './simulation.ts';

// Runs the seeds that its parent sends, one after the other, and answers each with what it came to.
process.on('message', (message: { readonly seed: number; readonly faults?: readonly string[] }) => {
  runSeed(message.seed, { faults: message.faults }).then(
    (result) => process.send!(result),
    (error: unknown) => {
      throw error;
    },
  );
});

// Nobody waits for the answer any more.
process.on('disconnect', () => process.exit());
