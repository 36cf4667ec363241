import { filesBelow, type SourceFile } from '../house/source-files.ts';

/** Every document of the repository that is in Markdown. */
export function documents(): SourceFile[] {
  return filesBelow('README.md', 'CHANGELOG.md', 'docs').filter(({ path }) => path.endsWith('.md'));
}

/** One document, by its path. */
export function documentOf(path: string): SourceFile {
  const found = documents().find((document) => document.path === path);
  if (!found) throw new Error(`there is no ${path}`);
  return found;
}

/** A fenced block of code: what stands behind its opening fence, and its text. */
export interface CodeBlock {
  readonly info: string;
  readonly text: string;
}

/** The fenced blocks of a document, in order. */
export function codeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info, body]) => ({
    info: info!.trim(),
    text: body!,
  }));
}

/** The text of the one block with this info. */
export function blockOf(document: SourceFile, info: string): string {
  const blocks = codeBlocks(document.text).filter((block) => block.info === info);
  if (blocks.length !== 1) throw new Error(`${document.path} has ${blocks.length} blocks of "${info}"`);
  return blocks[0]!.text;
}

/** The text without its fenced blocks. */
export function prose(text: string): string {
  return text.replace(/^```.*\n[\s\S]*?^```$/gm, '');
}

/** Bytes of a block of hex: pairs of digits at the beginning of each line; what follows two blanks says what they are. */
export function hexBytes(block: string): Uint8Array {
  const pairs = block
    .split('\n')
    .map((line) => /^ *((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2}|$)/.exec(line)?.[1] ?? '');
  return Uint8Array.from(Buffer.from(pairs.join('').replaceAll(' ', ''), 'hex'));
}
