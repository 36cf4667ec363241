import type { Stage } from './stage.ts';
import {
  asGrpcurl,
  type Chapter,
  check,
  type Found,
  lineOf,
  type Printed,
  type Step,
  type Types,
} from './steps.ts';

/**
 * Runs all chapters, checks what is printed, and gives the text of them as it is in the documentation.
 * @param tell called before each step
 */
export async function perform(
  stage: Stage,
  chapters: readonly Chapter[],
  tell: (step: Step) => void = () => {},
): Promise<string> {
  const found: Found = new Map();
  const parts: string[] = [];
  for (const { title, steps } of chapters) {
    const text: string[] = [];
    for (const step of steps) {
      tell(step);
      text.push(await performStep(stage, step, found));
    }
    parts.push(`### ${title}\n\n${joined(text)}`);
  }
  return parts.join('\n\n');
}

/** Checks that a text is the one of a run of these chapters: the same lines, whose answers are what they must be. @throws Error */
export function checkTranscript(text: string, chapters: readonly Chapter[]): void {
  const titles = [...text.matchAll(/^### (.*)$/gm)].map(([, title]) => title);
  const wanted = chapters.map(({ title }) => title);
  if (titles.join('\n') !== wanted.join('\n'))
    throw new Error(`chapters are ${titles.join(', ')} instead of ${wanted.join(', ')}`);
  const found: Found = new Map();
  const bodies = text.split(/^### .*$/m).slice(1);
  for (const [i, { title, steps }] of chapters.entries()) {
    const pieces = piecesOf(bodies[i]!);
    if (pieces.length !== steps.length)
      throw new Error(`"${title}" has ${pieces.length} steps, not ${steps.length}`);
    for (const [j, step] of steps.entries()) checkPiece(step, pieces[j]!, found);
  }
}

const PROMPT = /^([a-z]+)\$ (.*)$/;
const ENDED = /^\(exit code (\d+)\)$/;
const COMMENT = /^# (.*)$/;

async function performStep(stage: Stage, step: Step, found: Found): Promise<string> {
  if ('says' in step) return step.says;
  if ('happens' in step) {
    await step.run(stage);
    return `\`\`\`console\n# ${step.happens}\n\`\`\``;
  }
  const printed = await stage.type(step.at, lineOf(step, found));
  check(step, printed, found);
  return `\`\`\`console\n${shown(step, printed)}\n\`\`\``;
}

/** Blocks behind each other become one, with a blank line between. */
function joined(parts: readonly string[]): string {
  return parts.join('\n\n').replaceAll('\n```\n\n```console\n', '\n\n');
}

function shown({ at, only, code = 0 }: Types, { line, text }: Printed): string {
  const lines = [`${at}$ ${line}`];
  if (text !== '') lines.push(only ? excerpt(text, only) : text);
  if (code !== 0) lines.push(`(exit code ${code})`);
  return lines.join('\n');
}

/** What the patterns find, in order, with dots for what is between. @throws Error where one finds nothing */
function excerpt(text: string, only: readonly RegExp[]): string {
  let kept = '';
  let from = 0;
  for (const pattern of only) {
    const rest = text.slice(from);
    const match = pattern.exec(rest);
    if (!match) throw new Error(`${pattern} finds nothing to show in:\n${rest}`);
    if (rest.slice(0, match.index).trim() !== '') kept += '...\n';
    kept += `${match[0].trimEnd()}\n`;
    from += match.index + match[0].length;
  }
  if (text.slice(from).trim() !== '') kept += '...\n';
  return kept.trimEnd();
}

/** A step as it is written: a paragraph, a comment, or a command with what it printed. */
type Piece =
  | { readonly says: string }
  | { readonly happens: string }
  | { readonly at: string; readonly printed: Printed };

function piecesOf(body: string): Piece[] {
  return body.split(/^(```console\n[\s\S]*?\n```)$/m).flatMap((part) => {
    const block = /^```console\n([\s\S]*)\n```$/.exec(part);
    if (block) return blockPieces(block[1]!);
    const paragraph = part.trim();
    return paragraph === '' ? [] : [{ says: paragraph }];
  });
}

function blockPieces(block: string): Piece[] {
  const pieces: Piece[] = [];
  for (const entry of block.split(/^(?=[a-z]+\$ |# )/m)) {
    const [first, ...rest] = entry.trimEnd().split('\n');
    const happens = COMMENT.exec(first!)?.[1];
    if (happens !== undefined) pieces.push({ happens });
    else pieces.push(commandPiece(first!, rest));
  }
  return pieces;
}

function commandPiece(first: string, rest: string[]): Piece {
  const prompt = PROMPT.exec(first);
  if (!prompt) throw new Error(`"${first}" is neither a command nor a comment`);
  const code = ENDED.exec(rest.at(-1) ?? '')?.[1];
  const text = (code === undefined ? rest : rest.slice(0, -1)).join('\n');
  return { at: prompt[1]!, printed: { line: prompt[2]!, text, code: Number(code ?? 0) } };
}

function checkPiece(step: Step, piece: Piece, found: Found): void {
  if ('says' in step) same(step.says, 'says' in piece ? piece.says : undefined);
  else if ('happens' in step) same(step.happens, 'happens' in piece ? piece.happens : undefined);
  else {
    if (!('printed' in piece))
      throw new Error(`instead of \`${step.types}\` there is ${JSON.stringify(piece)}`);
    same(`${step.at}$ ${lineOf(step, found)}`, `${piece.at}$ ${asGrpcurl(piece.printed.line)}`);
    check(step, piece.printed, found);
  }
}

function same(wanted: string, written: string | undefined): void {
  if (wanted !== written) throw new Error(`instead of "${wanted}" there is "${written ?? 'something else'}"`);
}
