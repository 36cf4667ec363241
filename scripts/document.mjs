// Writes the files that are made from the configuration's schema.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationPage, exampleFile } from '../src/config/document.ts';
import { FABS, fabFile } from '../src/config/fabs.ts';
import { root } from './support.mjs';

writeFileSync(join(root, 'deploy', 'wafersync.example.yaml'), exampleFile());
writeFileSync(join(root, 'docs', 'CONFIGURATION.md'), configurationPage());
for (const fab of FABS) writeFileSync(join(root, 'deploy', `${fab.fab}.yaml`), fabFile(fab));
