import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Job } from './jobs.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

type Answer = { readonly numbers: number[] } | { readonly error: string };

/** A process that loads nodes; one job at a time. */
export class LoadProcess {
  readonly #child: ChildProcess = fork(MAIN, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

  /** Does a job. @throws Error what went wrong there */
  run(job: Job): Promise<number[]> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`the load process ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (answer: Answer) => {
        this.#child.off('exit', ended);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.numbers);
      });
      this.#child.send(job);
    });
  }

  stop(): void {
    this.#child.disconnect();
  }
}
