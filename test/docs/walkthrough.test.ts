import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHAPTERS } from '../walkthrough/chapters.ts';
import { transcriptIn } from '../walkthrough/page.ts';
import { checkTranscript } from '../walkthrough/transcript.ts';
import { documentOf } from './documents.ts';

const TRANSCRIPT = transcriptIn(documentOf('docs/OPERATIONS.md').text);

test('docs/OPERATIONS.md shows the walkthrough as `npm run walkthrough` performs it', () => {
  checkTranscript(TRANSCRIPT, CHAPTERS);
});

test('a walkthrough with another command, answer, exit code or word is found out', () => {
  const changes: [string, string][] = [
    ['tw$ wafersync peers --node', 'tw$ wafersync peers --json --node'],
    ['5 fabs, nobody is known to be behind', '5 fabs, all are behind'],
    ['(exit code 2)\n', ''],
    ['A lot goes to all five', 'A lot goes to most'],
    ["# kr's uplink is mended.", '# The sun shines.'],
    ['### Settle a conflict', '### Leave a conflict'],
  ];
  for (const [from, to] of changes) {
    assert.ok(TRANSCRIPT.includes(from), from);
    assert.throws(() => checkTranscript(TRANSCRIPT.replace(from, to), CHAPTERS), Error, from);
  }
});
