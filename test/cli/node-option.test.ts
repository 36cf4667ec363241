import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Command } from 'commander';
import { noAnswer } from '../../src/api/node-failure.ts';
import { commandFailure } from '../../src/cli/command-failure.ts';
import { DEFAULT_NODE, NODE_VARIABLE, nodeOption } from '../../src/cli/options.ts';
import { WafersyncError } from '../../src/errors.ts';
import { command } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { startNodes } from '../support/local-nodes.ts';
import { lotFile } from '../support/lot-files.ts';

function setVariable(t: TestContext, value: string | undefined) {
  const before = process.env[NODE_VARIABLE];
  const set = (to: string | undefined) => {
    if (to === undefined) delete process.env[NODE_VARIABLE];
    else process.env[NODE_VARIABLE] = to;
  };
  t.after(() => set(before));
  set(value);
}

/** A command that was run as it was typed. */
function ran(...typed: string[]): Command {
  const made = new Command('x').argument('[wafer]').addOption(nodeOption('where it listens'));
  made.option('--at <fabs>').option('--timeout <time>');
  return made.action(() => {}).parse(typed, { from: 'user' });
}

test('every command that asks a node takes its address from one option, and tells where else it comes from', async () => {
  const below = async (...above: string[]): Promise<(readonly [string, string])[]> => {
    const { stdout } = await command(...above, '--help');
    const commands = stdout.split('\nCommands:\n')[1];
    if (commands === undefined) return [[above.join(' '), stdout]];
    const names = [...commands.matchAll(/^ {2}([a-z]+) ?/gm)].map(([, name]) => name!);
    return (
      await Promise.all(names.filter((name) => name !== 'help').map((name) => below(...above, name)))
    ).flat();
  };
  const asking = (await below()).filter(
    ([name, help]) => name !== 'generate' && help.includes('--node <host:port>'),
  );
  assert.ok(asking.length > 30, `${asking.length}`);
  for (const [name, help] of asking) {
    const told = help.replace(/\s+/g, ' ');
    assert.ok(told.includes(`(default: "${DEFAULT_NODE}", env: ${NODE_VARIABLE})`), name);
  }
});

test('the node is the one that is typed, else that of the environment', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const [free] = await freePorts(1);
  setVariable(t, tw!.address);
  assert.equal((await command('fab', 'list')).code, 0);
  const typed = await command('fab', 'list', '--node', `127.0.0.1:${free}`);
  assert.match(
    typed.stderr,
    new RegExp(
      `^wafersync: no node answers at 127\\.0\\.0\\.1:${free} \\(connection refused\\)\\. Start .* address\\.\\n$`,
    ),
  );
  setVariable(t, '');
  const empty = await command('fab', 'list');
  assert.doesNotMatch(empty.stderr, /invalid/, 'one that is set to nothing names none');
  setVariable(t, 'nowhere');
  assert.match(
    (await command('fab', 'list')).stderr,
    /'nowhere' from env 'WAFERSYNC_NODE' is invalid.*HOST:PORT/s,
  );
});

test('files are inspected as files, whatever node the environment names', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  setVariable(t, tw!.address);
  const { path } = lotFile(t, 1);
  assert.equal((await command('inspect', path)).code, 0);
  assert.match((await command('inspect', path, '--node', tw!.address)).stderr, /either files, or --run/);
  assert.match((await command('inspect', '--run', 'ab'.repeat(16))).stderr, /run (ab){16} is not known here/);
});

test('where nobody named the node, and none answers there, the failure says how to name one', (t) => {
  setVariable(t, undefined);
  const silent = noAnswer(DEFAULT_NODE, 10_000);
  assert.match(commandFailure(silent, ran()).line, / --node or WAFERSYNC_NODE names another\.$/);
  assert.equal(commandFailure(silent, ran('--node', DEFAULT_NODE)), silent);
  assert.equal(commandFailure(silent, null), silent);
  const refused = new WafersyncError('unavailable', 'this node is being drained');
  assert.equal(commandFailure(refused, ran()), refused, 'it did answer');
});

test('what a node says of a field is said of what was typed, where the command takes it', () => {
  const said = (message: string) => commandFailure(new WafersyncError('invalid', message), ran()).message;
  assert.equal(said('fab_ids names ax, which is not a member'), '--at names ax, which is not a member');
  assert.equal(said('timeout_ms is 0'), '--timeout is 0');
  assert.equal(said('wafer_id is empty'), '<wafer> is empty');
  assert.equal(said('missing_at names ax'), 'missing_at names ax', 'it takes no such option');
  assert.equal(said('lot is empty'), 'lot is empty');
});
