// Loaded before the program: writes the name of each package that is loaded to the file `packages` beside the data.
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';

const config = process.argv.at(-1)!;
const file = join(dirname(config), '..', 'packages');

registerHooks({
  resolve(specifier, context, next) {
    if (/^[a-z@]/.test(specifier) && !specifier.startsWith('node:') && !specifier.startsWith('file:')) {
      appendFileSync(file, `${specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')}\n`);
    }
    return next(specifier, context);
  },
});
