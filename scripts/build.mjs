// Makes dist/ from src/: generated code, compiled TypeScript, and everything beside it that is read at run time.
import { ensureBuilt } from './made.mjs';
import { script } from './support.mjs';

script('build', () => ensureBuilt({ always: true }));
