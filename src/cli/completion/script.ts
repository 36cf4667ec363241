import type { Command } from 'commander';

/** Shells that can be completed in. */
export const SHELLS = ['bash', 'zsh'] as const;

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** A script that lets a shell complete the commands and options of a program. For zsh it needs compinit, as any completion does. */
export function completionScript(program: Command, shell: Shell): string {
  const name = program.name();
  const paths = pathsOf(program, []);
  const words = paths.map(({ path, words }) => `    '${path.join(' ')}') words='${words.join(' ')}' ;;`);
  const commands = paths.slice(1).map(({ path }) => `'${path.join(' ')}'`);
  return [
    ...(shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    `_${name}() {`,
    '  local path= words= word i',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
    '    word="${COMP_WORDS[i]}"',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
    '    case "${path:+$path }$word" in',
    `      ${commands.join('|')}) path="\${path:+$path }$word" ;;`,
    '    esac',
    '  done',
    '  case "$path" in',
    ...words,
    '  esac',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    `complete -o default -F _${name} ${name}`,
  ].join('\n');
}

/** What may follow on each command, the program first: the commands below it, and its options. */
function pathsOf(command: Command, path: readonly string[]): { path: readonly string[]; words: string[] }[] {
  const options = command.options.flatMap(({ long }) => (long ? [long] : []));
  const below = command.commands.map((one) => one.name());
  return [
    { path, words: [...below, ...options, '--help'] },
    ...command.commands.flatMap((one) => pathsOf(one, [...path, one.name()])),
  ];
}
