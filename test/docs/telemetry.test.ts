import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricFacts } from '../support/metric-facts.ts';
import { documentOf } from './documents.ts';

const PAGE = documentOf('docs/TELEMETRY.md').text;

function rowOf({ name, type, labels, help }: ReturnType<typeof metricFacts>[number]): string {
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
}

test('the table of metrics has just those that there are, as they are', () => {
  const table = PAGE.split('| metric | type | labels | what it tells |\n|---|---|---|---|\n')[1]!.split(
    '\n\n',
  )[0]!;
  assert.deepEqual(table.split('\n'), metricFacts().map(rowOf));
  assert.ok(metricFacts().length > 50);
});

test('no metric has a label of which there are as many as wafers', () => {
  const labels = new Set(metricFacts().flatMap((facts) => facts.labels));
  assert.deepEqual([...labels].sort(), [
    ...[
      'code',
      'direction',
      'epoch',
      'fab',
      'kind',
      'lane',
      'lanes',
      'method',
      'metric',
      'outcome',
      'peer',
      'reason',
    ],
    ...['source', 'state', 'status', 'version'],
  ]);
});

test('the README leads to the page', () => {
  assert.ok(documentOf('README.md').text.includes('](docs/TELEMETRY.md)'));
});
