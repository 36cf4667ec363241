// Makes a fresh clone ready: `setup.mjs` installs and generates, `setup.mjs --build` builds as well.
// Says nothing where there is nothing to do.
import { ensureInstalled } from './install.mjs';
import { ensureBuilt, ensureGenerated } from './made.mjs';
import { script } from './support.mjs';

script('setup', () => {
  ensureInstalled();
  ensureGenerated();
  if (process.argv.includes('--build')) ensureBuilt();
});
