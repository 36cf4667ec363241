import { runCommand } from './cli/program.ts';

process.exitCode = await runCommand(process.argv);

/** How long what is left may keep the process, milliseconds. */
const LEAVE_MS = 1_000;

// The gRPC library does not end a connection on which the other side never says anything.
setTimeout(() => process.exit(), LEAVE_MS).unref();
