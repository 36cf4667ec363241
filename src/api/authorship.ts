import { WafersyncError } from '../errors.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import { EDIT_BOUNDS } from '../wafer/document/edit.ts';

/** A request that says who asks, and why. */
export interface Authored {
  readonly author?: string | null | undefined;
  readonly reason?: string | null | undefined;
}

/** Who asks, and why, without space around either. @throws WafersyncError `exhausted` where it is said at too great length */
export function authorOf({ author, reason }: Authored): Authorship {
  return { author: bounded('author', author?.trim() ?? ''), reason: bounded('reason', reason?.trim() ?? '') };
}

/** Who asks, and why. @throws WafersyncError `invalid` without a reason; space is none */
export function reasonedBy(
  request: Authored,
  hint = 'Say why: whoever looks for it later reads it.',
): Authorship {
  const author = authorOf(request);
  if (author.reason) return author;
  throw new WafersyncError('invalid', 'reason is empty', { hint });
}

function bounded(name: 'author' | 'reason', text: string): string {
  const most = EDIT_BOUNDS[name];
  if (text.length <= most) return text;
  throw new WafersyncError('exhausted', `${name} has ${text.length} characters`, {
    hint: `Say it in ${most}.`,
  });
}
