import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { WafersyncError } from '../errors.ts';
import { unreadable } from './import.ts';

/** Where the operations of a patch come from: one of three. */
export interface PatchSource {
  /** JSON Patch as text. */
  readonly patch?: string;
  /** File with a JSON Patch; `-` is the standard input. */
  readonly file?: string;
  /** Operations of --set and --remove, in order. */
  readonly operations: readonly Operation[];
}

/** An operation of a JSON Patch that the command line makes. */
export type Operation =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** Options that say what a patch expects and who makes it. */
export interface PatchOptions {
  readonly patch?: string;
  readonly file?: string;
  readonly expectVersion?: number;
  readonly expectEtag?: string;
  readonly author?: string;
  readonly reason?: string;
}

/** Text of the patch. @throws WafersyncError `invalid` without one, with several, and where it is not JSON */
export async function patchText({ patch, file, operations }: PatchSource): Promise<string> {
  const given = [patch !== undefined, file !== undefined, operations.length > 0].filter(Boolean).length;
  if (given !== 1) {
    throw new WafersyncError('invalid', given === 0 ? 'there is no patch' : 'there are several patches', {
      hint: 'Give --patch, or --file, or some of --set and --remove.',
    });
  }
  if (patch !== undefined) return patch;
  if (file === undefined) return JSON.stringify(operations);
  const name = file === '-' ? 'the standard input' : file;
  const text = await textOf(file);
  try {
    JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WafersyncError('invalid', `${name} is not JSON: ${reason}`, {
      hint: 'It must hold one JSON Patch (RFC 6902), an array of operations.',
      cause: error,
    });
  }
  return text;
}

async function textOf(file: string): Promise<string> {
  if (file === '-') return (await buffer(process.stdin)).toString();
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => unreadable(file, error));
}

/** Paths that a patch names; none of one that is no array of operations, which the node refuses. */
export function pathsOf(patch: string): string[] {
  const operations: unknown = JSON.parse(patch);
  if (!Array.isArray(operations)) return [];
  return operations.flatMap((operation: { readonly path?: unknown; readonly from?: unknown } | null) =>
    [operation?.path, operation?.from].filter((path) => typeof path === 'string'),
  );
}
