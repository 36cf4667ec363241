import { Command } from 'commander';
import { nearest } from '../config/suggest.ts';

/** Asks for the help of a command, whatever else stands there. */
const HELP: ReadonlySet<string> = new Set(['-h', '--help']);

/**
 * A command that names an option which it does not have before anything else that is wrong: commander tells first that one is
 * missing, which is then often the one that was mistyped.
 */
export class StrictCommand extends Command {
  override createCommand(name?: string): Command {
    return new StrictCommand(name);
  }

  override parseOptions(argv: string[]): ReturnType<Command['parseOptions']> {
    const parsed = super.parseOptions(argv);
    // What a command with others below it does not know may be known to one of these.
    if (this.commands.length > 0 || parsed.unknown.some((word) => HELP.has(word))) return parsed;
    const [word] = parsed.unknown;
    if (word?.startsWith('-')) this.#refuse(word.split('=')[0]!);
    return parsed;
  }

  #refuse(flag: string): never {
    const known = this.options.flatMap(({ long }) => (long ? [long] : []));
    const meant = flag.startsWith('--') ? nearest(flag, [...known, '--help']) : undefined;
    const suggestion = meant ? `\n(Did you mean ${meant}?)` : '';
    this.error(`error: unknown option '${flag}'${suggestion}`, { code: 'commander.unknownOption' });
  }
}
