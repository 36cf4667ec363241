import assert from 'node:assert/strict';
import { runCommand } from '../../src/cli/program.ts';
import { codeBlocks, prose } from './documents.ts';

/** A command line of wafersync in a document. */
export interface CommandLine {
  readonly command: string;
  /** The word behind the command: a command below it, or what it is about; empty for none. */
  readonly next: string;
  readonly options: readonly string[];
}

/** What a command prints for `--help`; the whole program's for no command. */
export async function helpOf(...command: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const out = (text: string) => void lines.push(text);
  await runCommand(['node', 'wafersync', ...command, '--help'], { out, err: out, interactive: false });
  return lines.join('\n');
}

/** Every command line of wafersync in a document: the command, and the options behind it. */
export function commandLines(document: string): CommandLine[] {
  const blocks = codeBlocks(document).map(({ text }) => text);
  const quoted = [...prose(document).matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!);
  return [...blocks, ...quoted].flatMap((text) =>
    [
      ...text.matchAll(/(?<!\/)\b(?:npx wafersync|wafersync|npm start --) (?=[a-z]|--[a-z])([^\n]*)/g),
    ].flatMap(([line, rest]) => {
      const words = rest!.split(/[#`]/)[0]!.split(' ');
      const command = line.startsWith('npm') ? 'demo' : /^[a-z]+$/.exec(words[0]!)?.[0];
      const next = line.startsWith('npm') ? '' : (/^[a-z]+$/.exec(words[1] ?? '')?.[0] ?? '');
      return command ? [{ command, next, options: words.filter((word) => /^--[a-z]/.test(word)) }] : [];
    }),
  );
}

/** Checks that the help names every command and its options. */
export async function assertKnown(lines: readonly CommandLine[]): Promise<void> {
  const program = await helpOf();
  for (const { command, next, options } of lines) {
    assert.match(program, new RegExp(`^ +${command}\\b`, 'm'), `wafersync ${command}`);
    const own = await helpOf(command);
    const [, below] = own.split('\nCommands:\n');
    const isBelow = below !== undefined && next !== '';
    if (isBelow) assert.match(below, new RegExp(`^  ${next}\\b`, 'm'), `wafersync ${command} ${next}`);
    const help = isBelow ? await helpOf(command, next) : own;
    for (const option of options)
      assert.ok(help.includes(`${option} `) || help.includes(`${option}\n`), `${command} ${next} ${option}`);
  }
}
