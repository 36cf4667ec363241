import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What bash offers behind these words, the last of which is being written. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout: script } = await command('completion', 'bash');
  const line = ['wafersync', ...words].map((word) => `'${word}'`).join(' ');
  const complete = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _wafersync; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${complete}`], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.trim().split('\n').filter(Boolean);
}

test('bash completes commands, those below them, and their options, wherever an option stands', async () => {
  const all = await offered('');
  for (const name of ['serve', 'status', 'lot', 'doctor', 'completion']) assert.ok(all.includes(name), name);
  assert.deepEqual(await offered('sta'), ['status']);
  assert.deepEqual((await offered('lot', '')).slice(0, 2), ['status', 'wait']);
  assert.deepEqual(await offered('lot', 'wait', '--ti'), ['--timeout']);
  assert.deepEqual(await offered('lot', 'wait', 'L1', '--at', 'all', '--no'), ['--node']);
});

test('behind an option that takes a value its choices are offered, and no options', async () => {
  assert.deepEqual(await offered('conflicts', 'list', '--state', ''), ['open', 'ruled', 'settled']);
  assert.deepEqual(await offered('conflicts', 'list', '--state', 'se'), ['settled']);
  assert.deepEqual(await offered('conflicts', 'list', '--state', '='), ['open', 'ruled', 'settled']);
  assert.deepEqual(await offered('conflicts', 'list', '--state', '=', 'o'), ['open']);
  assert.deepEqual(await offered('status', '--node', ''), []);
  assert.deepEqual(await offered('serve', '--config', ''), [], 'the shell offers files');
  assert.ok((await offered('status', '--watch', '')).includes('--json'), '--watch takes none');
});

test('a bash in which somebody types offers files for options that take them, and nothing for a node', async (t) => {
  if (spawnSync('script', ['--version']).status !== 0) return t.skip('script of util-linux is not here');
  const folder = temporaryFolder(t);
  const { stdout: script } = await command('completion', 'bash');
  const shown = 'wafersync() { printf "GOT"; printf "<%s>" "$@"; printf "\\n"; }';
  writeFileSync(join(folder, 'only.yaml'), '');
  const rc = join(temporaryFolder(t), 'rc');
  writeFileSync(rc, `${script}\n${shown}\nPS1='READY> '\n`);
  const child = spawn('script', ['-qec', `bash --noprofile --rcfile '${rc}' -i`, '/dev/null'], {
    cwd: folder,
  });
  t.after(() => child.kill('SIGKILL'));
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const isFirst = !screen.includes('READY> ');
    screen += chunk;
    if (!isFirst || !screen.includes('READY> ')) return;
    child.stdin.write('wafersync status --node \tEND\r');
    child.stdin.write('wafersync serve --config \t\r');
    child.stdin.write('wafersync import --lot \tL1 on\t\r');
    child.stdin.write('wafersync conflicts list --state=se\t\r');
    child.stdin.write('exit\r');
  });
  await once(child, 'close');
  assert.deepEqual(screen.match(/^GOT.*>/gm), [
    'GOT<status><--node><END>',
    'GOT<serve><--config><only.yaml>',
    'GOT<import><--lot><L1><only.yaml>',
    'GOT<conflicts><list><--state=settled>',
  ]);
});

test('zsh is given the same script behind its own beginning; another shell is refused', async () => {
  const [bash, zsh] = [await command('completion', 'bash'), await command('completion', 'zsh')];
  assert.equal(zsh.stdout, `autoload -U +X bashcompinit && bashcompinit\n${bash.stdout}`);
  const { code, stderr } = await command('completion', 'tcsh');
  assert.equal(code, 1);
  assert.match(stderr, /Allowed choices are bash, zsh/);
});
