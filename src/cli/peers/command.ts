import type { Command } from 'commander';
import { nodeOption } from '../options.ts';
import type { Terminal } from '../output.ts';
import { listPeers, type PeersOptions } from './peers.ts';

/** Adds `peers` to the commands. */
export function addPeersCommand(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command('peers')
    .description('tell how a node stands with each peer: connected, behind, lag, clock, throughput, lanes')
    .addOption(nodeOption('where the node listens'))
    .option('--json', 'print JSON: a list with one object a peer')
    .action(async (options: PeersOptions) => exit(await listPeers(options, terminal)));
}
