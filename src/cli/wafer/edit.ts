import type { ClientOf } from '../../api/client.ts';
import { WafersyncError } from '../../errors.ts';
import { fromNumber, toNumber } from '../../wire/long.ts';
import { waferService } from '../../wire/services.ts';
import { dotJson } from '../conflicts/conflict-json.ts';
import { shortDot } from '../conflicts/conflict-text.ts';
import { changeLines } from '../document-text.ts';
import { withNode } from '../node-client.ts';
import { userName } from '../options.ts';
import type { Terminal } from '../output.ts';
import { type Operation, type PatchOptions, patchText, pathsOf } from '../patch.ts';
import { type WaferOptions, waferNames } from './show.ts';

/** Options of `wafersync wafer patch`. */
export interface PatchWaferOptions extends WaferOptions, PatchOptions {
  /** Whether a wafer that nothing names yet may be written of. */
  readonly create?: boolean;
}

/** Options of `wafersync wafer retire`. */
export type RetireOptions = WaferOptions & Omit<PatchOptions, 'patch' | 'file'>;

/** What an edit expects, who makes it and why, as requests have it. */
export function editOf({ expectVersion, expectEtag, author, reason }: PatchOptions) {
  return {
    expected_version: expectVersion === undefined ? null : fromNumber(expectVersion),
    expected_etag: expectEtag ?? '',
    author: author ?? userName(),
    reason: reason ?? '',
  };
}

/** Changes the document of a wafer. Resolves to the exit code. */
export async function patchWafer(
  wafer: string,
  options: PatchWaferOptions,
  operations: readonly Operation[],
  terminal: Terminal,
): Promise<number> {
  const patch_json = await patchText({ ...options, operations });
  const names = waferNames(wafer, options);
  const create = options.create ?? false;
  const [before, answer] = await withNode(waferService, options.node, async (wafers) => {
    const before = await documentOf(wafers, names, create);
    return [before, await wafers.PatchWafer({ ...names, ...editOf(options), patch_json, create })] as const;
  });
  const edit = answer.edit ? dotJson(answer.edit) : null;
  const [version, etag] = [toNumber(answer.version), answer.etag ?? ''];
  const document_json = answer.document_json ?? '';
  if (options.json) {
    terminal.out(JSON.stringify({ version, etag, document_json, edit }));
    return 0;
  }
  const changes = changeLines(before, document_json, pathsOf(patch_json));
  terminal.out([...changes, writtenLine(edit, version, etag)].join('\n'));
  return 0;
}

/** The document of a wafer; that of a wafer which is not known, and may be created, is empty. */
async function documentOf(
  wafers: ClientOf<typeof waferService.methods>,
  names: ReturnType<typeof waferNames>,
  create: boolean,
): Promise<string> {
  try {
    return (await wafers.GetWafer(names)).document_json ?? '';
  } catch (thrown) {
    const { code, message, hint, cause } = WafersyncError.from(thrown);
    if (code !== 'not-found') throw thrown;
    if (create) return '';
    throw new WafersyncError(code, message, { hint: `${hint} --create writes of it all the same.`, cause });
  }
}

/** Withdraws a wafer. Resolves to the exit code. */
export async function retireWafer(
  wafer: string,
  options: RetireOptions,
  terminal: Terminal,
): Promise<number> {
  const answer = await withNode(waferService, options.node, (wafers) =>
    wafers.RetireWafer({ ...waferNames(wafer, options), ...editOf(options) }),
  );
  const edit = answer.edit ? dotJson(answer.edit) : null;
  const [version, etag] = [toNumber(answer.version), answer.etag ?? ''];
  if (options.json) terminal.out(JSON.stringify({ version, etag, edit }));
  else terminal.out(`retired\n${writtenLine(edit, version, etag)}`);
  return 0;
}

function writtenLine(edit: ReturnType<typeof dotJson> | null, version: number, etag: string): string {
  const what = edit ? `written as ${shortDot(edit)}` : 'there was nothing to write';
  return `${what}: version ${version}, etag ${etag}`;
}
