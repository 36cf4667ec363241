/**
 * A process of its own on a database: `node child.ts FILE hold` opens it and stays; `node child.ts FILE write` commits
 * update after update of its origin, two at a time, and prints the last sequence of each commit once it is durable.
 */
import { writeSync } from 'node:fs';
import { Store } from '../../src/store/store.ts';
import { attempt, jsonDecoders, PROGRAM, stillWorld, TW, take, update } from './fixtures.ts';

const [file, mode] = process.argv.slice(2);
const store = Store.open({ file: file!, fab: TW, world: stillWorld, decoders: jsonDecoders });
writeSync(1, `open ${process.pid}\n`);
if (mode === 'hold') {
  // Not for ever, should nobody be left to end it. What nothing refers to is collected, and its lock let go.
  setTimeout(() => store.close(), 60_000);
} else {
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  for (;;) {
    const at = store.nextSequence();
    take(
      store,
      update(store.origin, at, [attempt(at, { x: at % 10 })]),
      update(store.origin, at + 1, [attempt(at + 1, { x: at % 10 })]),
    );
    writeSync(1, `${at + 1}\n`);
  }
}
