// `npm run mutants [-- NAME…] [--json] [--table] [--concurrency N] [--seeds N]`: swaps wrong versions of the code in, one at a time, and sees
// the tests fail on each. Ends with 1 unless all were noticed.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from './mutants/judge.mjs';
import { readPatches } from './mutants/patch.mjs';
import { Scratch } from './mutants/scratch.mjs';
import { root } from './support.mjs';

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '0' },
    concurrency: { type: 'string', default: '2' },
    root: { type: 'string', default: root },
  },
});

/** @type {Scratch[]} */
const scratches = [];
/** Outcomes of the tests of the right code, by their names. @type {Map<string, Promise<import('./mutants/scratch.mjs').Ended>>} */
const rights = new Map();

async function main() {
  const patches = chosen(readPatches(join(resolve(String(options.root)), 'test', 'mutants')));
  const workers = Math.min(concurrency(), patches.length);
  for (let i = 0; i <= workers; i++) scratches.push(new Scratch(resolve(String(options.root))));
  const [right, ...others] = /** @type {[Scratch, ...Scratch[]]} */ (scratches);
  const waiting = [...patches];
  /** @type {import('./mutants/judge.mjs').Verdict[]} */
  const verdicts = [];
  await Promise.all(
    others.map(async (scratch) => {
      for (let patch = waiting.shift(); patch; patch = waiting.shift()) {
        const verdict = await judge(
          scratch,
          patch,
          (tests) => unmutated(right, tests),
          Number(options.seeds),
        );
        verdicts.push(verdict);
        if (!options.json && !options.table) process.stdout.write(`${line(verdict)}\n`);
      }
    }),
  );
  const missed = verdicts.filter(({ fate }) => fate !== 'killed');
  verdicts.sort(byName);
  if (options.json) process.stdout.write(`${JSON.stringify(verdicts)}\n`);
  else if (options.table) process.stdout.write(`${table(verdicts)}\n`);
  else
    process.stdout.write(`${verdicts.length - missed.length} of ${verdicts.length} mutants were noticed\n`);
  process.exitCode = missed.length === 0 ? 0 : 1;
}

/** @param {Scratch} scratch @param {readonly string[]} tests */
function unmutated(scratch, tests) {
  const key = tests.join(' ');
  const known = rights.get(key) ?? scratch.test(tests);
  rights.set(key, known);
  return known;
}

/** @param {import('./mutants/patch.mjs').Patch[]} patches */
function chosen(patches) {
  const unknown = names.filter((name) => !patches.some((patch) => patch.name === name));
  if (unknown.length > 0) throw new Error(`there is no mutant ${unknown.join(', ')} in test/mutants`);
  return names.length === 0 ? patches : patches.filter(({ name }) => names.includes(name));
}

function concurrency() {
  const count = Number(options.concurrency);
  if (count === 1 || count === 2) return count;
  throw new Error(`--concurrency is ${options.concurrency}; it can be 1 or 2`);
}

/** @param {import('./mutants/judge.mjs').Verdict} verdict */
function line({ name, fate, seconds, bug, detail, seeds }) {
  const noticed = seeds === null ? '' : `\n  seeds of the simulator: ${seeds}`;
  return `${fate.padEnd(12)} ${name}  ${seconds.toFixed(1)} s\n  ${bug}\n  ${detail}${noticed}`;
}

/** As Markdown. @param {readonly import('./mutants/judge.mjs').Verdict[]} verdicts */
function table(verdicts) {
  const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|');
  return [
    '| mutant | what is wrong | noticed by | seeds |',
    '|---|---|---|---|',
    ...verdicts.map(({ name, bug, fate, detail, seeds }) => {
      const noticed = fate === 'killed' ? cell(detail) : `**${fate}**: ${cell(detail)}`;
      return `| ${name} | ${cell(bug)} | ${noticed} | ${seeds ?? ''} |`;
    }),
  ].join('\n');
}

/** @param {{ name: string }} a @param {{ name: string }} b */
function byName(a, b) {
  return a.name < b.name ? -1 : 1;
}

function clean() {
  for (const scratch of scratches) scratch.remove();
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    clean();
    process.exit(1);
  });
}
try {
  await main();
} catch (error) {
  process.stderr.write(`mutants: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  clean();
}
