import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Dot, type FabId, fabId } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import {
  byteRate,
  daySpans,
  dotOption,
  nodeOption,
  pauseSpan,
  positive,
  timeLimit,
  waitFor,
} from '../options.ts';
import type { Terminal } from '../output.ts';
import { type ActsOptions, listActs } from './acts.ts';
import { type DrainOptions, drain } from './drain.ts';
import {
  dropHeld,
  type HeldOptions,
  HOLD_REASONS,
  listHeld,
  releaseHeld,
  type SettleOptions,
} from './held.ts';
import { type LimitOptions, limitPeer } from './limit.ts';
import { LANES, type PauseOptions, pausePeer, type ResumeOptions, resumePeer } from './peer.ts';

type Exit = (code: number) => void;

/** Adds `held`, `peer`, `drain` and `acts` to the commands. */
export function addSteeringCommands(program: Command, terminal: Terminal, exit: Exit): void {
  addHeldCommands(program, terminal, exit);
  addPeerCommands(program, terminal, exit);
  withAuthor(
    onNode(
      program.command('drain').description('let a node run empty before maintenance; it takes nothing in'),
    )
      .option('--reason <text>', 'why; testers and uploads are told')
      .option(
        '--at <fabs>',
        'fabs that must have what was born there: all, or some such as az,de',
        waitFor,
        'all',
      )
      .option('--wait', 'wait until it is drained')
      .option(
        '--timeout <time>',
        'wait no longer than that, such as 10min; without a unit seconds',
        timeLimit,
      )
      .option('--cancel', 'take everything in again'),
  ).action(async (options: DrainOptions) => exit(await drain(options, terminal)));
  onNode(program.command('acts').description('tell what people did at a node, the latest first'))
    .option('--limit <number>', 'most acts that are told', positive, 100)
    .action(async (options: ActsOptions) => exit(await listActs(options, terminal)));
}

function addHeldCommands(program: Command, terminal: Terminal, exit: Exit): void {
  const held = program.command('held').description('tell and settle what a node holds back');
  onNode(held.command('list').description('tell what is held, why, and what releases it'))
    .addOption(new Option('--reason <reason>', 'only what is held for it').choices(Object.keys(HOLD_REASONS)))
    .option('--fab <fab>', 'only what was born there', fabOption)
    .option('--lot <lot>', 'only what is about its wafers')
    .option('--limit <number>', 'most updates that are told', positive, 100)
    .action(async (options: HeldOptions) => exit(await listHeld(options, terminal)));
  settling(
    held.command('release').description('try a held update again, now, whatever the clock says'),
  ).action(async (dot: Dot, options: SettleOptions) => exit(await releaseHeld(dot, options, terminal)));
  settling(held.command('drop').description('say that a held update is not to be waited for')).action(
    async (dot: Dot, options: SettleOptions) => exit(await dropHeld(dot, options, terminal)),
  );
}

function addPeerCommands(program: Command, terminal: Terminal, exit: Exit): void {
  const peer = program.command('peer').description('steer how a node syncs with one of its peers');
  withAuthor(
    onNode(peer.command('pause').description('let the lanes of a peer rest'))
      .argument('<fab>', 'the peer', fabOption)
      .requiredOption('--reason <text>', 'why')
      .addOption(new Option('--lanes <lanes>', 'which').choices(Object.keys(LANES)).default('all'))
      .option('--for <time>', 'it ends by itself after that, such as 2h; at most 30d', pauseSpan),
  ).action(async (fab: FabId, options: PauseOptions) => exit(await pausePeer(fab, options, terminal)));
  withAuthor(
    onNode(peer.command('limit').description('limit what is exchanged with a peer, in each direction'))
      .argument('<fab>', 'the peer', fabOption)
      .requiredOption('--reason <text>', 'why')
      .option('--rate <rate>', 'bytes a second, such as 2MB/s', byteRate)
      .option(
        '--between <times>',
        "only then, such as 08:00-18:00 in the node's time zone; may be given again, for more times",
        daySpans,
      )
      .option(
        '--otherwise <rate>',
        'with --between: bytes a second at other times; not said: no limit',
        byteRate,
      )
      .option('--none', 'end the limit'),
  ).action(async (fab: FabId, options: LimitOptions) => exit(await limitPeer(fab, options, terminal)));
  withAuthor(
    onNode(peer.command('resume').description('sync with a paused peer again'))
      .argument('<fab>', 'the peer', fabOption)
      .option('--reason <text>', 'why'),
  ).action(async (fab: FabId, options: ResumeOptions) => exit(await resumePeer(fab, options, terminal)));
}

function settling(command: Command): Command {
  return withAuthor(
    onNode(command)
      .argument('<dot>', 'the update, as `wafersync held list` tells it', dotOption)
      .requiredOption('--reason <text>', 'why'),
  );
}

function onNode(command: Command): Command {
  return command.addOption(nodeOption('where the node listens')).option('--json', 'print JSON');
}

function withAuthor(command: Command): Command {
  return command.option('--author <name>', 'who says so; not said: the user at this machine');
}

function fabOption(text: string): FabId {
  try {
    return fabId(text);
  } catch (thrown) {
    throw new InvalidArgumentError(WafersyncError.from(thrown).line);
  }
}
