import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the repository. */
export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** What is made and not written. */
const MADE = ['src/gen', 'docs/images'];

/** Every written file below these folders, sorted. A folder or file that does not exist has none. */
export function filesBelow(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap(pathsBelow).map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Every written file of TypeScript in src. */
export function sources(): SourceFile[] {
  return filesBelow('src').filter(({ path }) => path.endsWith('.ts'));
}

/** Paths of everything that a file imports, for its types too. */
export function importsOf(text: string): string[] {
  const statements = /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm;
  const bare = /^\s*import\s*['"]([^'"]+)['"]/gm;
  const dynamic = /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g;
  return [statements, bare, dynamic].flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => match[1]!),
  );
}

/** Names of exported declarations that stand under no docstring. A later overload of one that does is fine. */
export function undocumented(text: string): string[] {
  const declaration =
    /^export (?:default )?(?:declare |abstract |async )*(?:function\*?|class|interface|type|const|let|enum) (\w+)/;
  const documented = new Set<string>();
  const missing: string[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const name = declaration.exec(line)?.[1];
    if (name === undefined) continue;
    if (endsDocstring(lines, index - 1)) documented.add(name);
    else if (!documented.has(name)) missing.push(name);
  }
  return missing;
}

function endsDocstring(lines: readonly string[], index: number): boolean {
  const line = lines[index]?.trim() ?? '';
  if (line.startsWith('// biome-ignore')) return endsDocstring(lines, index - 1);
  if (!line.endsWith('*/')) return false;
  let start = index;
  while (start > 0 && !lines[start]!.includes('/*')) start--;
  return lines[start]!.trim().startsWith('/**');
}

function pathsBelow(path: string): string[] {
  const full = join(ROOT, path);
  if (MADE.includes(path) || !existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return readdirSync(full)
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .sort()
    .flatMap((name) => pathsBelow(`${path}/${name}`));
}
