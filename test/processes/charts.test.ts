import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparkline, svgCharts, textChart } from './charts.ts';

test('a sparkline shows the largest of each stretch, and where there is nothing', () => {
  assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8, 8), '▁▂▃▄▅▆▇█');
  assert.equal(sparkline([0, 7, 0, 0, null, null], 3, 7), '█▁ ');
  assert.equal(sparkline([0, 0], 60, 0), '▁▁');
  assert.equal(sparkline([], 60, 1), '');
});

test('a chart as text has a line for each, on one scale, with its largest value', () => {
  const chart = { title: 'Memory', unit: 'MiB', lines: { tw: [1, 8], az: [4, 4] } };
  assert.equal(textChart(chart), 'Memory\n  tw  ▂█  up to 8 MiB\n  az  ▅▅  up to 4 MiB');
});

test('the SVG breaks a line where there is nothing, and shades what is told', () => {
  const chart = { title: 'a < b', unit: 's', lines: { tw: [1, null, 2] } };
  const svg = svgCharts([chart], [{ label: 'cut', from: 0, to: 1 }], 3);
  assert.match(svg, /^<svg [^>]*viewBox="0 0 1000 150"/);
  assert.match(svg, /d="M60\.0 [\d.]+M990\.0 [\d.]+"/);
  assert.match(svg, /a &lt; b, s/);
  assert.match(svg, /<title>cut<\/title>/);
});
