import { readFileSync } from 'node:fs';
import type Database from 'better-sqlite3';

/** SQLite application_id of a wafersync database: "WSNC". */
export const APPLICATION_ID = 0x57534e43;

/** Steps from each version to the next, in order; each is a file in schema/. Steps that were released never change. */
const STEPS: readonly string[] = [
  '001-spine.sql',
  '002-documents.sql',
  '003-lives.sql',
  '004-damage.sql',
  '005-retention.sql',
  '006-lots.sql',
  '007-steering.sql',
];

/** Version that this program writes, kept in user_version. */
export const SCHEMA_VERSION = STEPS.length;

/** SQL that leads from version − 1 to each version, from 1. */
export function schemaSteps(): string[] {
  return STEPS.map((name) => readFileSync(new URL(`./schema/${name}`, import.meta.url), 'utf8'));
}

/** Leads a database to the last step, each step in a transaction. Nothing is done where it is there already. */
export function migrate(db: Database.Database, steps: readonly string[] = schemaSteps()): void {
  const from = Number(db.pragma('user_version', { simple: true }));
  if (from >= steps.length) return;
  // A step may widen a CHECK in place, which SQLite lets pass in this mode alone.
  db.unsafeMode(true);
  try {
    climb(db, from, steps);
  } finally {
    db.unsafeMode(false);
  }
}

function climb(db: Database.Database, from: number, steps: readonly string[]): void {
  for (const [i, sql] of steps.entries()) {
    if (i < from) continue;
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${i + 1}`);
    }).immediate();
  }
}
