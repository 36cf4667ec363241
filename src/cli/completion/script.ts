import type { Command, Option } from 'commander';

/** Shells that can be completed in. */
export const SHELLS = ['bash', 'zsh'] as const;

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** What options call a value that is a file or a folder. */
const FILES: ReadonlySet<string> = new Set(['file', 'folder']);

/**
 * A script that lets a shell complete the commands and options of a program, and the values of options that have choices; behind
 * those that take files, files. For zsh it needs compinit, as any completion does.
 */
export function completionScript(program: Command, shell: Shell): string {
  const name = program.name();
  const paths = pathsOf(program, []);
  const words = paths.map(({ path, words }) => `    '${path.join(' ')}') offered='${words.join(' ')}' ;;`);
  const commands = paths.slice(1).map(({ path }) => `'${path.join(' ')}'`);
  return [
    ...(shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    `_${name}() {`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
    '  local at= offered= word i current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
    '    word="${COMP_WORDS[i]}"',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
    '    case "${at:+$at }$word" in',
    `      ${commands.join('|')}) at="\${at:+$at }$word" ;;`,
    '    esac',
    '  done',
    '  # bash takes = for a word of its own.',
    `  if [[ "$before" == '=' ]]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi`,
    `  if [[ "$current" == '=' ]]; then current=; fi`,
    '  case "$at" in',
    ...words,
    '  esac',
    '  case "$at $before" in',
    ...paths.flatMap(valueCases),
    '  esac',
    '  COMPREPLY=($(compgen -W "$offered" -- "$current"))',
    '}',
    `complete -o default -F _${name} ${name}`,
  ].join('\n');
}

/** A command, and the words that lead to it. */
interface Place {
  readonly path: readonly string[];
  readonly options: readonly Option[];
  /** What may follow on it: the commands below it, and its options. */
  readonly words: readonly string[];
}

/** The program first. */
function pathsOf(command: Command, path: readonly string[]): Place[] {
  const options = command.options.flatMap(({ long }) => (long ? [long] : []));
  const below = command.commands.map((one) => one.name());
  return [
    { path, options: command.options, words: [...below, ...options, '--help'] },
    ...command.commands.flatMap((one) => pathsOf(one, [...path, one.name()])),
  ];
}

/** What is offered behind each option that takes a value, by what kind of value it is. */
function valueCases({ path, options }: Place): string[] {
  return options
    .filter(({ required, long }) => required && long)
    .map((option) => `    '${[...path, option.long].join(' ')}') ${valueCase(option)} ;;`);
}

function valueCase({ argChoices, flags }: Option): string {
  if (argChoices) return `offered='${argChoices.join(' ')}'`;
  const [, value = ''] = /<([^>]+)>/.exec(flags) ?? [];
  // The shell offers files where nothing else is; zsh has no compopt, and offers them behind any value.
  return FILES.has(value) ? 'offered=' : 'offered=; compopt +o default 2>/dev/null';
}
