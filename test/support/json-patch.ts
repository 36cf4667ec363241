import { isObject, type Json } from '../../src/wafer/document/json.ts';

/** An operation of RFC 6902 on objects; arrays are values. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly path: string; readonly from: string };

type Members = Record<string, Json>;

/** The document after an operation, by the letter of RFC 6902; null where the operation does not apply. */
export function patched(document: Json, operation: PatchOperation): Json | null {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
      return put(document, path, operation.value);
    case 'replace':
      return at(document, path) === undefined ? null : put(document, path, operation.value);
    case 'remove':
      return without(document, path);
    case 'copy':
    case 'move': {
      const value = at(document, operation.from);
      if (value === undefined) return null;
      if (operation.op === 'copy') return put(document, path, value);
      if (path.startsWith(`${operation.from}/`)) return null;
      const rest = without(document, operation.from);
      return rest === null ? null : put(rest, path, value);
    }
  }
}

/** Paths of a document and of everything in it. */
export function pathsOf(document: Json, path = ''): string[] {
  if (!isObject(document)) return [path];
  return [
    path,
    ...Object.entries(document).flatMap(([name, member]) => pathsOf(member, `${path}/${escaped(name)}`)),
  ];
}

/** A name as it stands in a path. */
export function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function split(path: string): { parent: string; name: string } {
  const slash = path.lastIndexOf('/');
  const name = path
    .slice(slash + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
  return { parent: path.slice(0, slash), name };
}

function at(document: Json, path: string): Json | undefined {
  if (path === '') return document;
  const { parent, name } = split(path);
  const above = at(document, parent);
  return isObject(above) && Object.hasOwn(above, name) ? above[name] : undefined;
}

function put(document: Json, path: string, value: Json): Json | null {
  if (path === '') return value;
  const { parent, name } = split(path);
  const above = at(document, parent);
  return isObject(above) ? put(document, parent, { ...above, [name]: value }) : null;
}

function without(document: Json, path: string): Json | null {
  if (path === '' || at(document, path) === undefined) return null;
  const { parent, name } = split(path);
  const { [name]: _gone, ...rest } = at(document, parent) as Members;
  return put(document, parent, rest);
}
