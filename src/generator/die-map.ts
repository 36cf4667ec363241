/** A place on the wafer. */
export interface Die {
  /** Position in the die map, from 0. */
  readonly index: number;
  /** Column, as the prober reports it; 0 in the middle, so half of them are negative. */
  readonly x: number;
  /** Row, as the prober reports it. */
  readonly y: number;
  /** Horizontal distance from the centre, −1 to 1 at the edge; the axes are the wafer's, not the prober's. */
  readonly u: number;
  /** Vertical distance from the centre, −1 to 1 at the edge. */
  readonly v: number;
  /** u² + v². */
  readonly r2: number;
}

/** A die and the site that it is tested at. */
export interface SitedDie {
  readonly die: Die;
  /** Test site, from 1. */
  readonly site: number;
}

/** Quarter turns, counter-clockwise, of a prober's axes against the wafer's. */
export type QuarterTurns = 0 | 1 | 2 | 3;

/** Height of a die over its width. */
const ASPECT = 1.25;

/** The `count` places nearest to the wafer's centre, row by row, from the lowest row up, each from left to right. */
export function roundDieMap(count: number, quarterTurns: QuarterTurns = 0): readonly Die[] {
  const reach = Math.ceil(Math.sqrt((count * ASPECT) / 3)) + 2;
  const places: { column: number; row: number; r2: number }[] = [];
  for (let row = -reach; row <= reach; row++) {
    for (let column = -reach; column <= reach; column++) {
      places.push({ column, row, r2: column * column + row * ASPECT * (row * ASPECT) });
    }
  }
  const nearest = places.sort((a, b) => a.r2 - b.r2 || a.row - b.row || a.column - b.column).slice(0, count);
  const edge2 = Math.max(1, nearest.at(-1)?.r2 ?? 1);
  const edge = Math.sqrt(edge2);
  return nearest
    .sort((a, b) => a.row - b.row || a.column - b.column)
    .map(({ column, row, r2 }, index) => {
      const [x, y] = turned(column, row, quarterTurns);
      return { index, x, y, u: column / edge, v: (row * ASPECT) / edge, r2: r2 / edge2 };
    });
}

/**
 * The prober's way over the wafer: row by row, there and back, up to `sites` neighbours at a touchdown. Sites count
 * from the left.
 */
export function proberPath(dies: readonly Die[], sites: number): readonly (readonly SitedDie[])[] {
  const rows = new Map<number, Die[]>();
  for (const die of dies) {
    const row = rows.get(die.v);
    if (row) row.push(die);
    else rows.set(die.v, [die]);
  }
  return [...rows.values()].flatMap((row, number) => {
    const touchdowns = inGroups(row, sites);
    return number % 2 === 0 ? touchdowns : touchdowns.reverse();
  });
}

/** Dies in groups of at most `sites`, given sites in order. */
export function inGroups(dies: readonly Die[], sites: number): SitedDie[][] {
  const groups: SitedDie[][] = [];
  for (let start = 0; start < dies.length; start += sites) {
    groups.push(dies.slice(start, start + sites).map((die, i) => ({ die, site: i + 1 })));
  }
  return groups;
}

function turned(column: number, row: number, quarterTurns: QuarterTurns): [x: number, y: number] {
  // 0 − n rather than −n: there is no negative zero in a coordinate.
  if (quarterTurns === 1) return [0 - row, column];
  if (quarterTurns === 2) return [0 - column, 0 - row];
  if (quarterTurns === 3) return [row, 0 - column];
  return [column, row];
}
