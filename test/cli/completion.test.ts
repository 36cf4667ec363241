import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { command } from '../support/command.ts';

/** What bash offers behind these words, the last of which is being written. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout: script } = await command('completion', 'bash');
  const line = ['wafersync', ...words].map((word) => `'${word}'`).join(' ');
  const complete = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _wafersync; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${complete}`], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.trim().split('\n');
}

test('bash completes commands, those below them, and their options, wherever an option stands', async () => {
  const all = await offered('');
  for (const name of ['serve', 'status', 'lot', 'doctor', 'completion']) assert.ok(all.includes(name), name);
  assert.deepEqual(await offered('sta'), ['status']);
  assert.deepEqual((await offered('lot', '')).slice(0, 2), ['status', 'wait']);
  assert.deepEqual(await offered('lot', 'wait', '--ti'), ['--timeout']);
  assert.deepEqual(await offered('lot', 'wait', 'L1', '--at', 'all', '--no'), ['--node']);
});

test('zsh is given the same script behind its own beginning; another shell is refused', async () => {
  const [bash, zsh] = [await command('completion', 'bash'), await command('completion', 'zsh')];
  assert.equal(zsh.stdout, `autoload -U +X bashcompinit && bashcompinit\n${bash.stdout}`);
  const { code, stderr } = await command('completion', 'tcsh');
  assert.equal(code, 1);
  assert.match(stderr, /Allowed choices are bash, zsh/);
});
