import type { Fab } from '../support/cluster.ts';
import type { Stage } from './stage.ts';

/** A paragraph that is read between commands. */
export interface Says {
  readonly says: string;
}

/** Something that befalls the mesh, shown as a comment of the shell. */
export interface Happens {
  readonly happens: string;
  readonly run: (stage: Stage) => Promise<void>;
}

/** A command, typed on the machine of a fab's node. */
export interface Types {
  readonly at: Fab;
  /** The line. `{name}` stands for what a named group of an earlier `shows` has found. */
  readonly types: string;
  /** What it ends with; 0 where it is left out. */
  readonly code?: number;
  /** All of these are in what it prints. */
  readonly shows: readonly RegExp[];
  /** Shows only these paragraphs or runs of lines of it, and dots for the others. */
  readonly only?: readonly RegExp[];
}

export type Step = Says | Happens | Types;

/** A part of the walkthrough, under a title of its own. */
export interface Chapter {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** What a command printed, as it is shown. */
export interface Printed {
  readonly line: string;
  readonly text: string;
  readonly code: number;
}

/** What named groups have found so far. */
export type Found = Map<string, string>;

/** The line of a command, with what was found put in. @throws Error where something was not found */
export function lineOf({ types }: Types, found: Found): string {
  return types.replaceAll(/\{([a-z]+)\}/g, (_, name: string) => {
    const value = found.get(name);
    if (value === undefined) throw new Error(`nothing before \`${types}\` has shown {${name}}`);
    return value;
  });
}

/** Checks what a command printed, and keeps what named groups find. @throws Error that shows all of it where something lacks */
export function check({ shows, code = 0 }: Types, { line, text, code: ended }: Printed, found: Found): void {
  const whole = `${line}\n${text}`;
  if (ended !== code) throw new Error(`exit code ${ended} instead of ${code}:\n${whole}`);
  for (const pattern of shows) {
    const match = pattern.exec(text);
    if (!match) throw new Error(`${pattern} is not in what was printed:\n${whole}`);
    for (const [name, value] of Object.entries(match.groups ?? {})) found.set(name, value);
  }
}

const GRPCURL = /^grpcurl -plaintext -d ('[^']*') (\S+) (\S+)$/;
const BUF_CURL =
  /^npx buf curl --protocol grpc --http2-prior-knowledge -d ('[^']*') http:\/\/([^/]+)\/(\S+)$/;

/** The same call by `buf curl`; any other line as it is. */
export function asBufCurl(line: string): string {
  return line.replace(GRPCURL, 'npx buf curl --protocol grpc --http2-prior-knowledge -d $1 http://$2/$3');
}

/** The same call by grpcurl; any other line as it is. */
export function asGrpcurl(line: string): string {
  return line.replace(BUF_CURL, 'grpcurl -plaintext -d $1 $2 $3');
}
