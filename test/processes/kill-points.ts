/** Variable with what is armed from the start, JSON. */
export const KILL_VARIABLE = 'WAFERSYNC_TEST_KILL';
/** Variable with the pages at which the write-ahead log is moved back, instead of the program's own. */
export const CHECKPOINT_PAGES_VARIABLE = 'WAFERSYNC_TEST_CHECKPOINT_PAGES';

/** Where a node is to end itself. */
export interface Armed {
  /** `start`: at a statement prepared, a pragma, or before and after statements run at once; `in-…`: inside SQLite's own call. */
  readonly moment:
    | 'start'
    | 'before-commit'
    | 'in-commit'
    | 'in-checkpoint'
    | 'after-commit'
    | 'before-close'
    | 'in-close'
    | 'after-close';
  /** How many such moments are let pass first. */
  readonly after: number;
  /** For `in-…`: how long to be inside before the end, microseconds. If the call is over by then, the next one counts. */
  readonly insideUs?: number;
  /** For `in-checkpoint`: the -shm file beside the node's database. */
  readonly shm?: string;
}
