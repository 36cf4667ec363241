import Database from 'better-sqlite3';
import { Connection } from '../../src/store/connection.ts';
import { CountingAttempts } from '../../src/store/counting-attempts.ts';
import { LocalKeys } from '../../src/store/keys.ts';
import { Yields } from '../../src/store/yields.ts';

/** Asks a database file for yields, beside the node that writes it. @param pageAttempts attempts read at once */
export function readYields<T>(file: string, ask: (yields: Yields) => T, pageAttempts?: number): T {
  const connection = new Connection(new Database(file, { readonly: true, fileMustExist: true }), file);
  try {
    const counting = new CountingAttempts(connection, pageAttempts);
    return ask(new Yields(connection, new LocalKeys(connection), counting));
  } finally {
    connection.close();
  }
}
