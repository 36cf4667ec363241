import type { Shapes } from './shapes.ts';

/** Results of one test, of all attempts whose values are float64 (wide) or of all others. */
export interface Column {
  readonly test: number;
  readonly wide: boolean;
  /** Results in it: attempt by attempt, within one in execution order. */
  readonly rows: number;
  /** Results in the columns before it. */
  readonly firstRow: number;
}

/** How results in execution order become columns. Columns are in the order in which the shapes first name them. */
export interface Grid {
  readonly columns: readonly Column[];
  /** Column of each place in each shape. */
  readonly placeColumns: readonly Uint32Array[];
  /** Results in all columns. */
  readonly rows: number;
}

/** Arranges results in columns. `resultCounts`: results of each attempt, at most as many as its shape has tests. */
export function arrange(shapes: Shapes, resultCounts: ArrayLike<number>): Grid {
  const { keys, placeColumns } = nameColumns(shapes);
  const executions = countExecutions(shapes, resultCounts);
  const rows = new Uint32Array(keys.length);
  placeColumns.forEach((columns, shape) => {
    const ofShape = executions[shape]!;
    for (let place = 0; place < columns.length; place++) rows[columns[place]!]! += ofShape[place]!;
  });
  let firstRow = 0;
  const columns = keys.map((key, i) => {
    const column = { test: key >>> 1, wide: (key & 1) === 1, rows: rows[i]!, firstRow };
    firstRow += column.rows;
    return column;
  });
  return { columns, placeColumns, rows: firstRow };
}

/** Numbers the columns; a key is twice the test, and one more where wide. */
function nameColumns({ shapes }: Shapes): { keys: number[]; placeColumns: Uint32Array[] } {
  const keys: number[] = [];
  const numbers = new Map<number, number>();
  const placeColumns = shapes.map(({ wide, tests }) =>
    tests.map((test) => {
      const key = test * 2 + (wide ? 1 : 0);
      let column = numbers.get(key);
      if (column === undefined) {
        column = keys.push(key) - 1;
        numbers.set(key, column);
      }
      return column;
    }),
  );
  return { keys, placeColumns };
}

/** How many attempts of each shape got as far as each of its places. */
function countExecutions({ shapes, shapeOf }: Shapes, resultCounts: ArrayLike<number>): Uint32Array[] {
  const executions = shapes.map(({ tests }) => new Uint32Array(tests.length + 1));
  for (let i = 0; i < shapeOf.length; i++) executions[shapeOf[i]!]![resultCounts[i]!]!++;
  for (const ended of executions) {
    // Place n holds the attempts of n results; from behind, it becomes those of more than n.
    let further = 0;
    for (let place = ended.length - 1; place >= 0; place--) {
      const here = ended[place]!;
      ended[place] = further;
      further += here;
    }
  }
  return executions;
}
