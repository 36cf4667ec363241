import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { configFile, load, problemsOf, RIGHT } from './config-support.ts';

test('a file with the required keys alone is a whole configuration', (t) => {
  const config = load(t, RIGHT);
  assert.equal(config.fab, 'tw');
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 50051 });
  assert.deepEqual(config.mesh, { members: ['tw'], peers: [] });
  assert.equal(config.sync.catchUpWindowBytes, 4 * 1024 * 1024);
  assert.equal(config.store.groupCommitMs, 5);
  assert.equal(config.log.level, 'info');
});

test('what a file says is what the node gets, names in camelCase', (t) => {
  const config = load(
    t,
    `${RIGHT}time_zone: Asia/Taipei
listen: { host: "::1", port: 0 }
mesh:
  members: [tw, az, no]
  peers: [{ fab: az, address: "[::1]:50052" }, { fab: no, address: node.example:50055 }]
sync: { max_clock_drift_ms: 2000 }
`,
  );
  assert.equal(config.timeZone, 'Asia/Taipei');
  assert.deepEqual(config.listen, { host: '::1', port: 0 });
  assert.deepEqual(config.mesh.members, ['tw', 'az', 'no']);
  assert.deepEqual(config.mesh.peers[1], { fab: 'no', address: 'node.example:50055' });
  assert.equal(config.sync.maxClockDriftMs, 2000);
  assert.equal(config.sync.heartbeatMs, 5000);
});

test('the configuration is frozen all the way down', (t) => {
  const config = load(t, RIGHT);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.mesh) && Object.isFrozen(config.mesh.members));
});

test('a relative data folder begins at the folder of the file, an absolute one stays', (t) => {
  const file = configFile(t, RIGHT);
  assert.equal(loadConfig(file, {}).dataDir, join(dirname(file), 'data'));
  assert.equal(load(t, 'fab: tw\ndata_dir: /var/lib/wafersync\n').dataDir, '/var/lib/wafersync');
});

test('all problems of a file are told at once, each with line, key, value and remedy', (t) => {
  const problems = problemsOf(
    t,
    `fab: TW
time_zone: Asia/Taipeh
listen:
  host: 0.0.0.0
  port: 70000
mesh:
  members: [az, az]
store: 3
sync:
  window_bytes: 8.5
log: { level: loud }
`,
  );
  assert.deepEqual(
    problems.map((line) => line.slice(0, line.indexOf('. '))),
    [
      'tw.yaml:1: fab = "TW" is not a fab id',
      'tw.yaml:1: data_dir is missing',
      'tw.yaml:2: time_zone = "Asia/Taipeh" is not a time zone',
      'tw.yaml:4: listen.host = "0.0.0.0" is not a loopback address, and connections are not encrypted yet',
      'tw.yaml:5: listen.port = 70000 is not a whole number from 0 to 65535',
      'tw.yaml:7: mesh.members[1] = "az" is listed twice',
      'tw.yaml:7: mesh.members = ["az","az"] does not hold this fab, TW',
      'tw.yaml:8: store = 3 is not a group of keys',
      'tw.yaml:10: sync.window_bytes = 8.5 is not a whole number from 65536 to 268435456',
      'tw.yaml:11: log.level = "loud" is not one of debug, info, warn, error, silent',
    ],
  );
  for (const line of problems) assert.match(line, /\. [A-Z].*[.?]$/, `a remedy ends ${line}`);
});

test('an unknown key is refused, with the one that was meant', (t) => {
  const problems = problemsOf(
    t,
    `${RIGHT}level: info
listen: { prot: 50051, Host: 127.0.0.1 }
sync: { CatchUpWindowBytes: 5, wholly_unlike: 1 }
mesh: { members: [tw, az], peers: [{ fab: az, adress: x }] }
`,
  );
  assert.deepEqual(problems, [
    'tw.yaml:3: level = "info" is not a key. Did you mean log.level?',
    'tw.yaml:4: listen.prot = 50051 is not a key. Did you mean listen.port?',
    'tw.yaml:4: listen.Host = "127.0.0.1" is not a key. Did you mean listen.host?',
    'tw.yaml:5: sync.CatchUpWindowBytes = 5 is not a key. Did you mean sync.catch_up_window_bytes?',
    'tw.yaml:5: sync.wholly_unlike = 1 is not a key. Take it out.',
    'tw.yaml:6: mesh.peers[0].address is missing. Add it: Where it listens, as host:port; an IPv6 address stands in brackets.',
    'tw.yaml:6: mesh.peers[0].adress = "x" is not a key. Did you mean mesh.peers[0].address?',
  ]);
});

test('peers must be other members, each once', (t) => {
  const problems = problemsOf(
    t,
    `${RIGHT}mesh:
  members: [tw, az]
  peers:
    - { fab: tw, address: "127.0.0.1:1" }
    - { fab: az, address: "127.0.0.1:2" }
    - { fab: az, address: "127.0.0.1:3" }
    - { fab: kr, address: "127.0.0.1:4" }
    - kr
`,
  );
  assert.deepEqual(problems, [
    'tw.yaml:6: mesh.peers[0].fab = "tw" is this fab itself. Take it out: a node does not dial itself.',
    'tw.yaml:8: mesh.peers[2].fab = "az" is a peer already. Take one of them out.',
    'tw.yaml:9: mesh.peers[3].fab = "kr" is not in mesh.members. Add kr to mesh.members.',
    'tw.yaml:10: mesh.peers[4] = "kr" is not a group of keys. Change it or take it out.',
  ]);
});

test('an address must be host:port', (t) => {
  const wrong = [
    'localhost',
    ':1',
    'a:',
    'a:0',
    'a:65536',
    '999.1.1.1:1',
    '::1:50051',
    '[x]:1',
    'a b:1',
    'a..b:1',
  ];
  for (const address of wrong) {
    const text = `${RIGHT}mesh: { members: [tw, az], peers: [{ fab: az, address: "${address}" }] }\n`;
    assert.match(
      problemsOf(t, text).join(),
      /mesh\.peers\[0\]\.address = .* is not of the form host:port/,
      address,
    );
  }
});

test('only loopback is listened on, with the reason', (t) => {
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'fab.example', '127.0.0.1.example', '127.1']) {
    const [problem = ''] = problemsOf(t, `${RIGHT}listen: { host: "${host}" }\n`);
    assert.match(problem, /not a loopback address, and connections are not encrypted yet/, host);
  }
  for (const host of ['localhost', '127.0.0.2', '::1']) load(t, `${RIGHT}listen: { host: "${host}" }\n`);
});

test('the first wait for a lost peer is not above the longest, whichever of them is set', (t) => {
  const [both = ''] = problemsOf(t, `${RIGHT}sync:\n  reconnect_min_ms: 300\n  reconnect_max_ms: 200\n`);
  assert.equal(
    both,
    'tw.yaml:4: sync.reconnect_min_ms = 300 is above sync.reconnect_max_ms, 200. Lower it or raise the other.',
  );
  assert.match(
    problemsOf(t, `${RIGHT}sync: { reconnect_min_ms: 60000 }\n`).join(),
    /above sync.reconnect_max_ms, 15000/,
  );
});

test('mistakes of the YAML are told with line and column, all of them', (t) => {
  assert.match(
    problemsOf(t, 'fab: tw\nfab: az\n').join(),
    /^tw\.yaml:2:1: this is not YAML: Map keys must be unique/,
  );
  assert.equal(problemsOf(t, 'fab: [a\nx: "b\n').length, 2);
  assert.deepEqual(problemsOf(t, `${RIGHT}---\nfab: az\n`), [
    'tw.yaml:3: a second document begins here. Take it out.',
  ]);
  assert.deepEqual(problemsOf(t, '- tw\n'), [
    'tw.yaml:1: the file = ["tw"] is not a group of keys. Change it or take it out.',
  ]);
});

test('an empty file lacks the required keys, and an empty group is told as such', (t) => {
  assert.deepEqual(
    problemsOf(t, '').map((line) => line.split('.')[1]?.split(':')[1]),
    problemsOf(t, '# nothing\n').map((line) => line.split('.')[1]?.split(':')[1]),
  );
  assert.equal(problemsOf(t, '').length, 2);
  assert.deepEqual(problemsOf(t, `${RIGHT}listen:\n`), [
    'tw.yaml:3: listen = null is not a group of keys. Write its keys below it, indented, or take it out.',
  ]);
});

test('aliases that would grow without bound are refused', (t) => {
  const levels = ['a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
  for (const [name, inner] of ['ba', 'cb', 'dc', 'ed'])
    levels.push(`${name}: &${name} [${`*${inner}, `.repeat(10)}]`);
  assert.match(problemsOf(t, `${levels.join('\n')}\n`).join(), /Excessive alias count/);
});

test('a file that is missing, a folder, or too large is refused with its name', (t) => {
  const folder = temporaryFolder(t);
  for (const file of [join(folder, 'none.yaml'), folder]) {
    assert.throws(() => loadConfig(file, {}), {
      code: 'invalid',
      message: new RegExp(`cannot read .*${file}`),
    });
  }
  assert.throws(() => load(t, `# ${'x'.repeat(1024 * 1024)}\n`), {
    code: 'invalid',
    message: /more than 1048576 bytes/,
  });
});

test('a value that is quoted back is cut', (t) => {
  const [problem = ''] = problemsOf(t, `${RIGHT}time_zone: ${'x'.repeat(10_000)}\n`);
  assert.ok(problem.length < 300, `${problem.length} characters`);
});

test('metrics have a port of their own', (t) => {
  assert.deepEqual(load(t, RIGHT).metrics, { host: '127.0.0.1', port: 0 });
  assert.equal(load(t, `${RIGHT}metrics: { port: 9464 }\n`).metrics.port, 9464);
  const [problem] = problemsOf(t, `${RIGHT}metrics: { port: 50051 }\n`);
  assert.match(
    problem!,
    /: metrics\.port = 50051 is listen\.port as well\. Choose another port, or 0 for none\.$/,
  );
  assert.match(problemsOf(t, `${RIGHT}metrics: { host: 0.0.0.0 }\n`)[0]!, /is not a loopback address/);
});

test('spans go over http to loopback alone, over https anywhere, and take no password', (t) => {
  const endpointOf = (url: string) => load(t, `${RIGHT}tracing: { endpoint: "${url}" }\n`).tracing.endpoint;
  for (const url of [
    '',
    'http://127.0.0.1:4318/v1/traces',
    'http://[::1]:4318/v1/traces',
    'https://spans.example/v1/traces',
  ])
    assert.equal(endpointOf(url), url);
  for (const url of ['127.0.0.1:4318', 'http://tw:secret@127.0.0.1/v1/traces', 'ftp://127.0.0.1/'])
    assert.match(
      problemsOf(t, `${RIGHT}tracing: { endpoint: "${url}" }\n`)[0]!,
      /is not the URL of a collector\. Write it like http:\/\/127\.0\.0\.1:4318\/v1\/traces/,
    );
  assert.match(
    problemsOf(t, `${RIGHT}tracing: { endpoint: "http://spans.example/v1/traces" }\n`)[0]!,
    /is not a loopback address/,
  );
});

test('a part of all is a number from 0 to 1, in the file and in its variable', (t) => {
  assert.equal(load(t, `${RIGHT}tracing: { ratio: 0.25 }\n`).tracing.ratio, 0.25);
  assert.equal(load(t, RIGHT, { WAFERSYNC_TRACING_RATIO: '0.001' }).tracing.ratio, 0.001);
  assert.match(problemsOf(t, `${RIGHT}tracing: { ratio: 1.5 }\n`)[0]!, /tracing\.ratio = 1\.5/);
  assert.match(problemsOf(t, RIGHT, { WAFERSYNC_TRACING_RATIO: '2' })[0]!, /WAFERSYNC_TRACING_RATIO/);
});
