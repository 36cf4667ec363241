/** The word nearest to a mistyped one, or undefined where none is near. Case, `-` and `_` count for nothing. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  return nearestFew(word, candidates, 1)[0];
}

/**
 * The words near to a mistyped one, the nearest first; of those that are equally near, in their order.
 * @param most how many
 */
export function nearestFew(word: string, candidates: Iterable<string>, most: number): string[] {
  const plain = simplify(word);
  const limit = Math.max(1, Math.floor(plain.length / 3)) + 1;
  const near: { readonly candidate: string; readonly distance: number }[] = [];
  for (const candidate of candidates) {
    const distance = editDistance(plain, simplify(candidate), limit);
    if (distance < limit) near.push({ candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance);
  return near.slice(0, most).map(({ candidate }) => candidate);
}

function simplify(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}

/** Letters added, lost, replaced or swapped between two words; `limit` where it is at least that. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]![column]!;
  for (let row = 1; row <= a.length; row++) {
    rows.push([row]);
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      rows[row]![column] = Math.min(
        at(row - 1, column - 1) + (same ? 0 : 1),
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        swapped ? at(row - 2, column - 2) + 1 : limit,
      );
    }
  }
  return Math.min(at(a.length, b.length), limit);
}
