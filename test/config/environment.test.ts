import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE_VARIABLE } from '../../src/cli/options.ts';
import { variableOf } from '../../src/config/environment.ts';
import { configKeys } from '../../src/config/keys.ts';
import { load, problemsOf, RIGHT } from './config-support.ts';

test('a variable overrides the file and the default', (t) => {
  const config = load(t, `${RIGHT}listen: { port: 50052 }\n`, {
    WAFERSYNC_LISTEN_PORT: '50061',
    WAFERSYNC_LOG_LEVEL: 'debug',
    WAFERSYNC_TIME_ZONE: 'Asia/Seoul',
    WAFERSYNC_SYNC_CATCH_UP_WINDOW_BYTES: '65536',
    PATH: '/bin',
  });
  assert.equal(config.listen.port, 50061);
  assert.equal(config.listen.host, '127.0.0.1');
  assert.equal(config.log.level, 'debug');
  assert.equal(config.timeZone, 'Asia/Seoul');
  assert.equal(config.sync.catchUpWindowBytes, 65536);
});

test('the node that commands ask is no key, and no mistake either', (t) => {
  assert.equal(load(t, RIGHT, { [NODE_VARIABLE]: '127.0.0.1:50055' }).listen.port, 50051);
});

test('required keys may come from the environment alone', (t) => {
  const config = load(t, '', { WAFERSYNC_FAB: 'kr', WAFERSYNC_DATA_DIR: '/data' });
  assert.equal(config.fab, 'kr');
  assert.equal(config.dataDir, '/data');
});

test('a wrong value is told under the name of its variable, beside what is wrong in the file', (t) => {
  const problems = problemsOf(t, `${RIGHT}time_zone: Nowhere\n`, {
    WAFERSYNC_LISTEN_PORT: '5005x',
    WAFERSYNC_STORE_GROUP_COMMIT_MS: '',
  });
  assert.equal(problems.length, 3);
  assert.match(problems[0] ?? '', /^tw\.yaml:3: time_zone/);
  assert.match(problems[1] ?? '', /^WAFERSYNC_LISTEN_PORT: listen\.port = "5005x" is not a whole number/);
  assert.match(
    problems[2] ?? '',
    /^WAFERSYNC_STORE_GROUP_COMMIT_MS: store\.group_commit_ms = "" is not a whole/,
  );
});

test('a variable that is no key is refused, with the one that was meant', (t) => {
  const problems = problemsOf(t, RIGHT, {
    WAFERSYNC_LOG_LEVLE: 'info',
    WAFERSYNC_MESH_PEERS: '[]',
    WAFERSYNC_SECRET: 'x',
  });
  assert.deepEqual(problems, [
    'WAFERSYNC_LOG_LEVLE = "info" is not the name of a key. Did you mean WAFERSYNC_LOG_LEVEL?',
    'WAFERSYNC_MESH_PEERS = "[]" cannot be set by a variable. Set mesh.peers in the file.',
    'WAFERSYNC_SECRET = "x" is not the name of a key. Unset it.',
  ]);
});

test('variables that are documented as no keys are left alone', (t) => {
  load(t, RIGHT, { WAFERSYNC_STDF_SAMPLES: '/samples', WAFERSYNC_TEST_SEED: '7' });
});

test('every single value has a variable, no two the same, and lists have none', () => {
  const variables = configKeys.flatMap((key) => variableOf(key) ?? []);
  assert.equal(new Set(variables).size, variables.length);
  for (const key of configKeys) {
    const single = (key.kind === 'number' || key.kind === 'text') && !key.name.includes('[]');
    assert.equal(variableOf(key) !== undefined, single, key.name);
  }
});

test('every key can be set by its variable', (t) => {
  for (const key of configKeys) {
    const variable = variableOf(key);
    if (variable === undefined || key.required) continue;
    const value = String(key.maximum ?? key.choices?.at(-1) ?? key.default);
    const config = load(t, `${RIGHT}sync: { reconnect_max_ms: 600000 }\n`, { [variable]: value });
    const set = key.path.reduce<unknown>((at, part) => {
      const name = String(part).replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
      return (at as Record<string, unknown>)[name];
    }, config);
    assert.equal(String(set), value, key.name);
  }
});
