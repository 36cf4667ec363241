import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command } from '../support/command.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('npm start runs the demo, and its --help tells what can be set', async () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
  assert.equal(scripts.start, 'node bin/wafersync.mjs demo');
  const { code, stdout } = await command('demo', '--help');
  assert.equal(code, 0);
  for (const option of ['--data <folder>', '--port <number>', '--wafers <count>', '--once']) {
    assert.ok(stdout.includes(`  ${option} `), option);
  }
});

test('npm passes what stands behind -- on to the demo', () => {
  // Without the steps before it: what they make is made by the tests of the set-up.
  const { status, stdout, stderr } = spawnSync('npm', ['start', '--ignore-scripts', '--', '--help'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const built = !/it is not built/.test(stderr);
  assert.equal(status, built ? 0 : 1, stderr);
  assert.match(built ? stdout : stderr, built ? /Usage: wafersync demo/ : /npm run build/);
});

test('the command tells all its commands, and each what it takes', async () => {
  const { code, stdout } = await command('--help');
  assert.equal(code, 0);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) \[/gm)].map(([, name]) => name!);
  for (const name of ['demo', 'import', 'inspect', 'rebuild', 'serve', 'status'])
    assert.ok(names.includes(name), name);
  for (const name of names.filter((name) => name !== 'help')) {
    const help = await command(name, '--help');
    assert.equal(help.code, 0);
    assert.match(help.stdout, new RegExp(`^Usage: wafersync ${name} \\[options\\]`));
  }
});

/** What prints nothing that a program would read. */
const FOR_PEOPLE = ['completion', 'demo', 'help', 'serve'];

/** Every command that has none below it, but for those of {@link FOR_PEOPLE}. */
async function commandsBelow(...above: string[]): Promise<string[][]> {
  const { stdout } = await command(...above, '--help');
  const [, commands] = stdout.split('\nCommands:\n');
  if (commands === undefined) return [above];
  const names = [...commands.matchAll(/^ {2}([a-z]+) ?/gm)].map(([, name]) => name!);
  const found = names
    .filter((name) => !FOR_PEOPLE.includes(name))
    .map((name) => commandsBelow(...above, name));
  return (await Promise.all(found)).flat();
}

test('an option that a command does not have is named before anything that is missing', async () => {
  for (const words of [...(await commandsBelow()), ['demo'], ['serve'], ['completion']]) {
    const where = `\`wafersync ${words.join(' ')} --help\` tells what it takes.\n`;
    assert.deepEqual(
      await command(...words, '--quuuux', 'x'),
      { code: 1, stdout: '', stderr: `wafersync: unknown option '--quuuux'\n${where}` },
      words.join(' '),
    );
  }
  const { stderr } = await command('status', '--nod', '127.0.0.1:50051');
  assert.match(stderr, /^wafersync: unknown option '--nod'\n\(Did you mean --node\?\)\n/);
  assert.match(
    (await command('lot', 'wait', 'L1', '--tmeout=3')).stderr,
    /option '--tmeout=3'\n\(Did you mean --timeout\?\)/,
  );
  assert.equal((await command('status', '--nod', 'x', '--help')).code, 0);
});

test('every command that tells something tells it as JSON as well', async () => {
  const all = await commandsBelow();
  assert.ok(all.length > 30, `${all.length}`);
  for (const words of all) {
    const { stdout } = await command(...words, '--help');
    assert.match(stdout, /^ {2}--json /m, words.join(' '));
  }
});

test('no command, and an unknown one, exit with 1 and say where help is', async () => {
  const none = await command();
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /^Usage: wafersync \[options\] \[command\]/);
  assert.deepEqual(await command('imprt'), {
    code: 1,
    stdout: '',
    stderr:
      "wafersync: unknown command 'imprt'\n(Did you mean import?)\n`wafersync --help` tells the commands.\n",
  });
});
