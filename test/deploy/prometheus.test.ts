import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FABS } from '../../src/config/fabs.ts';
import { loadConfig } from '../../src/config/load.ts';
import { metricFacts } from '../support/metric-facts.ts';
import { promtool, promtoolLacks } from '../support/promtool.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));
const RULES = join(FOLDER, 'wafersync-rules.yml');
const CONFIG = join(FOLDER, 'prometheus.yml');
const ALERTS = fileURLToPath(new URL('alerts.yml', import.meta.url));

let lacks: string | null = null;
before(() => {
  lacks = promtoolLacks();
});

test('promtool takes the configuration and the rules', (t) => {
  if (lacks !== null) return t.skip(lacks);
  for (const args of [
    ['check', 'config', CONFIG],
    ['check', 'rules', RULES],
  ]) {
    const { code, said } = promtool(args);
    assert.equal(code, 0, said);
    assert.doesNotMatch(said, /FAILED|warning/i);
  }
});

test('alerts fire where they should, and nowhere else', (t) => {
  if (lacks !== null) return t.skip(lacks);
  const folder = temporaryFolder(t);
  cpSync(RULES, join(folder, 'wafersync-rules.yml'));
  cpSync(ALERTS, join(folder, 'alerts.yml'));
  const { code, said } = promtool(['test', 'rules', join(folder, 'alerts.yml')]);
  assert.equal(code, 0, said);
});

test('the rules name metrics and labels that there are', () => {
  const known = new Map(metricFacts().map((facts) => [facts.name, facts]));
  const rules = readFileSync(RULES, 'utf8').replace(/^#.*$/gm, '');
  const named = [...rules.matchAll(/\b(wafersync_[a-z_]+)\b/g)].map(([, name]) =>
    name!.replace(/_bucket$/, ''),
  );
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((name) => !known.has(name)),
    [],
  );
  assert.ok([...rules.matchAll(/^ {6}- alert:/gm)].length === [...rules.matchAll(/^ +remedy:/gm)].length);
});

test('every fab is scraped, the first at the port of its configuration', () => {
  const config = readFileSync(CONFIG, 'utf8');
  for (const { fab } of FABS) assert.match(config, new RegExp(`labels: \\{ node: ${fab} \\}`));
  const { metrics } = loadConfig(fileURLToPath(new URL('../../deploy/tw.yaml', import.meta.url)), {});
  assert.ok(config.includes(`- targets: ['${metrics.host}:${metrics.port}']\n        labels: { node: tw }`));
});
