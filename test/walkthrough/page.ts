import { fileURLToPath } from 'node:url';

/** The page that shows the walkthrough. */
export const PAGE = fileURLToPath(new URL('../../docs/OPERATIONS.md', import.meta.url));

const BEGIN = '<!-- walkthrough: written by `npm run walkthrough` -->\n\n';
const END = '\n\n<!-- end of the walkthrough -->\n';

/** The transcript in a page. @throws Error where it has no place for one */
export function transcriptIn(page: string): string {
  const [begin, end] = placeIn(page);
  return page.slice(begin, end);
}

/** The page with another transcript. @throws Error where it has no place for one */
export function withTranscript(page: string, text: string): string {
  const [begin, end] = placeIn(page);
  return `${page.slice(0, begin)}${text}${page.slice(end)}`;
}

function placeIn(page: string): [number, number] {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`${PAGE} has no place for the walkthrough`);
  return [begin + BEGIN.length, end];
}
