import { Command } from 'commander';

/**
 * A command that names an option which it does not have before one that is missing, which is often the one that was mistyped:
 * commander itself looks for missing ones first.
 */
export class StrictCommand extends Command {
  override createCommand(name?: string): Command {
    return new StrictCommand(name);
  }

  override parseOptions(argv: string[]): ReturnType<Command['parseOptions']> {
    const parsed = super.parseOptions(argv);
    // What a command with others below it does not know may be known to one of these.
    const isRefused = this.commands.length === 0 && parsed.unknown.length > 0;
    if (isRefused) for (const option of this.options) option.makeOptionMandatory(false);
    return parsed;
  }
}
