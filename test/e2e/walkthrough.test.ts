import { test } from 'node:test';
import { CHAPTERS } from '../walkthrough/chapters.ts';
import { Stage } from '../walkthrough/stage.ts';
import { checkTranscript, perform } from '../walkthrough/transcript.ts';

test('what docs/OPERATIONS.md walks through can be done at five fabs, and answers what it must', {
  timeout: 290_000,
}, async (t) => {
  const stage = await Stage.start();
  t.after(() => stage.end());
  checkTranscript(await perform(stage, CHAPTERS), CHAPTERS);
});
