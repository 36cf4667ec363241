import { type Command, InvalidArgumentError } from 'commander';
import { jsonText, whole } from './options.ts';
import type { Operation } from './patch.ts';

/** Adds the options that say what a patch does. What --set and --remove ask for is put into `operations`, in order. */
export function addPatchOptions(command: Command, operations: Operation[], example: string): Command {
  return command
    .option('--patch <json>', 'the patch: a JSON Patch (RFC 6902)', jsonText)
    .option('--file <file>', 'file with the patch; - is stdin')
    .option('--set <path=json>', `set what stands at a path, as in --set '${example}'`, (text: string) => {
      operations.push(setting(text));
    })
    .option('--remove <path>', 'remove what stands at a path', (path: string) => {
      operations.push({ op: 'remove', path });
    });
}

/** Adds the options that say what an edit expects, who makes it and why. */
export function addEditOptions(command: Command): Command {
  return command
    .option('--expect-version <number>', 'write only where the document has this version', whole)
    .option('--expect-etag <etag>', 'write only where the document has this etag')
    .option('--author <name>', 'who writes; not said: the user at this machine')
    .option('--reason <text>', 'why; shown beside what is written')
    .option('--json', 'print JSON');
}

function setting(text: string): Operation {
  const at = text.indexOf('=');
  if (at < 0) throw new InvalidArgumentError(`It must be PATH=JSON, as in '/disposition="hold"'.`);
  return { op: 'add', path: text.slice(0, at), value: JSON.parse(jsonText(text.slice(at + 1))) as unknown };
}
