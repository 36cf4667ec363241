import { readFileSync, writeFileSync } from 'node:fs';
import { CHAPTERS } from './chapters.ts';
import { PAGE, withTranscript } from './page.ts';
import { Stage } from './stage.ts';
import type { Step } from './steps.ts';
import { perform } from './transcript.ts';

/** `npm run walkthrough`: performs the walkthrough on five fabs and writes what was printed into docs/OPERATIONS.md. */
const stage = await Stage.start();
try {
  const text = await perform(stage, CHAPTERS, tell);
  writeFileSync(PAGE, withTranscript(readFileSync(PAGE, 'utf8'), text));
} finally {
  await stage.end();
}

function tell(step: Step): void {
  if ('types' in step) process.stderr.write(`${step.at}$ ${step.types}\n`);
  if ('happens' in step) process.stderr.write(`# ${step.happens}\n`);
}
