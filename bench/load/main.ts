// A process of its own that loads nodes, so that the load takes no time from whoever measures.
import { type Job, work } from './jobs.ts';

process.on('message', async (job: Job) => {
  try {
    process.send?.({ numbers: await work(job) });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
});
