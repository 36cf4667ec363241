import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../support/command.ts';
import { startNodes } from '../support/local-nodes.ts';

test('mesh show tells the rules and where they come from, mesh patch changes them', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const mesh = (...args: string[]) => command('mesh', ...args, '--node', tw!.address);
  const before = await mesh('show');
  assert.equal(before.code, 0);
  assert.match(
    before.stdout,
    /^version 0 of the rules, etag [0-9a-f]{16}\n\nPRODUCT +PATTERN +POLICY +BUILT IN\n/,
  );
  assert.match(before.stdout, /^any +\/\*\* +last-writer-wins +yes$/m);
  assert.match(before.stdout, /\nthe document says nothing yet\n$/);

  const patched = await mesh(
    ...['patch', '--set', '/policies/*/~1disposition="manual"', '--set', '/views/P7="first"'],
    ...['--author', 'max', '--reason', 'a person looks at it', '--expect-version', '0'],
  );
  const [policy, view, version] = patched.stdout.trimEnd().split('\n');
  assert.deepEqual([policy, view], ['/policies/*/~1disposition: "manual"', '/views/P7: "first"']);
  assert.match(version!, /^version 1 of the rules, etag [0-9a-f]{16}$/);

  const json = JSON.parse((await mesh('show', '--json')).stdout);
  assert.deepEqual(json.rules[0], {
    product: '*',
    pattern: '/disposition',
    policy: 'manual',
    built_in: false,
  });
  assert.deepEqual([json.version, JSON.parse(json.document_json).views], [1, { P7: 'first' }]);
  const after = await mesh('show');
  assert.match(after.stdout, /^any +\/disposition +manual +no$/m);
  assert.match(after.stdout, /^\/views\/P7 +"first"$/m);

  const explained = await command(...['conflicts', 'explain', '/views/P7', '--mesh', '--node', tw!.address]);
  assert.match(explained.stdout, /: max wrote "first" \(a person looks at it\)/);
  const wafer = ['W1', '--create', '--set', '/product="P7"', '--node', tw!.address];
  await command('wafer', 'patch', ...wafer);
  const shown = await command('wafer', 'show', 'W1', '--json', '--node', tw!.address);
  assert.equal(JSON.parse(shown.stdout).map.view, 'first', 'the view that the mesh names for the product');

  const removed = JSON.parse((await mesh('patch', '--remove', '/views/P7', '--json')).stdout);
  assert.deepEqual([removed.version, JSON.parse(removed.document_json).views], [2, {}]);
});

test('a patch of the mesh that does not fit is refused with the remedy', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const patch = (...args: string[]) => command('mesh', 'patch', ...args, '--node', tw!.address);
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [[], /^wafersync: there is no patch\. Give --patch, or /],
    [['--set', '/policies/*/~1x="none"'], /^wafersync: \/policies\/\*\/~1x cannot be "none"\. It is one of /],
    [['--set', '/disposition="hold"'], /has no meaning in the mesh document\. Rules stand under /],
    [
      ['--set', '/views/P7="first"', '--expect-version', '3'],
      /^wafersync: expected version 3, but the document is at version 0, /,
    ],
  ];
  for (const [args, says] of cases) {
    const { code, stdout, stderr } = await patch(...args);
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.match(stderr, says);
  }
});
