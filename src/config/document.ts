import { variableOf } from './environment.ts';
import { type ConfigKey, configKeys } from './keys.ts';
import { limits, renderConfig, withDefaults } from './render.ts';

const EXAMPLE_HEADING = `Configuration of one wafersync node, with every key.

fab and data_dir are required; every other key stands here at its default and may be left out.
Environment variables override this file: WAFERSYNC_LISTEN_PORT=50061 sets listen.port.
Made from the schema by \`npm run document\`.`;

const PAGE_HEADING = `# Configuration

A node reads one YAML file: \`wafersync serve --config FILE\`. [wafersync.example.yaml](../deploy/wafersync.example.yaml)
has every key. Only \`fab\` and \`data_dir\` are required.

- The file is checked as a whole before anything starts. Every mistake is told at once, a line each: where it stands,
  the key, its value, and what to do. An unknown key is a mistake.
- A key's unit is in its name: \`_ms\` is milliseconds, \`_bytes\` is bytes.
- An environment variable overrides the file: the key in capitals, \`.\` as \`_\`, behind \`WAFERSYNC_\`. Lists are set in the
  file alone. Any other variable that begins with \`WAFERSYNC_\` is a mistake, except \`WAFERSYNC_NODE\`, the node
  that commands ask where \`--node\` is not given, \`WAFERSYNC_STDF_SAMPLES\`, the folder of sample files for tests, and
  \`WAFERSYNC_TEST_…\`, which tests use among themselves.
- No key takes a secret.

This page is made from the schema by \`npm run document\`.
`;

/** Text of deploy/wafersync.example.yaml: every key at its default, under a comment. */
export function exampleFile(): string {
  return renderConfig(withDefaults({ fab: 'tw', data_dir: 'data/tw' }), EXAMPLE_HEADING);
}

/** Text of docs/CONFIGURATION.md: a table of keys for each group. */
export function configurationPage(): string {
  const isInGroup = ({ name }: ConfigKey) => name.includes('.');
  const outermost = configKeys.filter((key) => key.kind !== 'group' && !isInGroup(key));
  const groups = configKeys.filter((key) => key.kind === 'group');
  const sections = groups.map((group) => {
    const keys = configKeys.filter(({ name }) => name.startsWith(`${group.name}.`));
    return `## ${group.name}\n\n${group.description}\n\n${table(keys)}`;
  });
  return [PAGE_HEADING, `## The node\n\n${table(outermost)}`, ...sections].join('\n');
}

function table(keys: readonly ConfigKey[]): string {
  const head = '| key | default | meaning | variable |\n|---|---|---|---|\n';
  return head + keys.map(row).join('');
}

function row(key: ConfigKey): string {
  const preset = key.required ? 'required' : code(presetText(key.default));
  const meaning = [key.description, limits(key)].filter((part) => part !== '').join(' ');
  const variable = variableOf(key);
  return `| ${code(key.name)} | ${preset} | ${meaning} | ${variable ? code(variable) : ''} |\n`;
}

function presetText(preset: unknown): string {
  return typeof preset === 'string' && preset !== '' ? preset : JSON.stringify(preset);
}

function code(text: string): string {
  return `\`${text}\``;
}
