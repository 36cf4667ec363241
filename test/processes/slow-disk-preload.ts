// Loaded into a node before the program, by tests alone: each commit takes as long as on a disk whose fsync is slow.
// SQLite's calls are synchronous, so that the node waits as it would there.
import Database from 'better-sqlite3';

/** Variable with the milliseconds that a commit takes longer. */
const delayMs = Number(process.env.WAFERSYNC_TEST_COMMIT_MS ?? 0);
const never = new Int32Array(new SharedArrayBuffer(4));
const { prepare } = Database.prototype;

Database.prototype.prepare = function (this: Database.Database, sql: string) {
  const statement = prepare.call(this, sql) as Database.Statement;
  if (sql !== 'COMMIT' || delayMs === 0) return statement;
  const run = statement.run.bind(statement);
  statement.run = () => {
    Atomics.wait(never, 0, 0, delayMs);
    return run();
  };
  return statement;
} as typeof prepare;
