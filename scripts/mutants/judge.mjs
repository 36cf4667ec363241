/** @typedef {import('./patch.mjs').Patch} Patch */
/** @typedef {import('./scratch.mjs').Scratch} Scratch */

/**
 * What became of a mutant. `killed` is the only good one.
 * @typedef {'killed' | 'survived' | 'broken' | 'inapplicable' | 'unfounded' | 'hung'} Fate
 */

/**
 * @typedef {object} Verdict
 * @property {string} name
 * @property {string} bug
 * @property {Fate} fate
 * @property {string} detail the test that noticed, or what went wrong
 * @property {number} seconds
 * @property {string | null} seeds how many seeds of the simulator noticed it, of how many that were run; null where none was
 */

/**
 * Swaps a mutant in, runs its tests, and swaps it out.
 * @param {Scratch} scratch
 * @param {Patch} patch
 * @param {(tests: readonly string[]) => Promise<import('./scratch.mjs').Ended>} unmutated runs tests of the right code
 * @param {number} seeds of the simulator to run on the mutant too; 0 for none
 * @returns {Promise<Verdict>}
 */
export async function judge(scratch, patch, unmutated, seeds) {
  const began = performance.now();
  const outcome = await fateOf(scratch, patch, unmutated, seeds);
  return { name: patch.name, bug: patch.bug, ...outcome, seconds: (performance.now() - began) / 1000 };
}

/**
 * @param {Scratch} scratch
 * @param {Patch} patch
 * @param {(tests: readonly string[]) => Promise<import('./scratch.mjs').Ended>} unmutated
 * @param {number} seeds
 * @returns {Promise<Pick<Verdict, 'fate' | 'detail' | 'seeds'>>}
 */
async function fateOf(scratch, patch, unmutated, seeds) {
  const right = await unmutated(patch.tests);
  // Tests that fail anyway say nothing of the mutant.
  if (!right.ok)
    return { fate: 'unfounded', detail: `without it too: ${failedTest(right.output)}`, seeds: null };
  const applied = await scratch.apply(patch);
  if (!applied.ok) return { fate: 'inapplicable', detail: lastLine(applied.output), seeds: null };
  const outcome = await triedOn(scratch, patch);
  const noticed = seeds === 0 ? null : await failedSeeds(scratch, seeds);
  const back = await scratch.apply(patch, true);
  if (!back.ok) throw new Error(`${patch.name} cannot be taken out again: ${lastLine(back.output)}`);
  return { ...outcome, seeds: noticed };
}

/** How many seeds fail, of how many. @param {Scratch} scratch @param {number} seeds */
async function failedSeeds(scratch, seeds) {
  const { output, timedOut } = await scratch.simulate(seeds);
  if (timedOut) return 'did not end';
  const line = output.split('\n').find((one) => one.startsWith('[{'));
  if (line === undefined) return 'did not begin';
  /** @type {{ failure: string | null }[]} */
  const results = JSON.parse(line);
  return `${results.filter(({ failure }) => failure !== null).length} of ${results.length}`;
}

/**
 * Runs the tests of a mutant that was swapped in.
 * @param {Scratch} scratch
 * @param {Patch} patch
 * @returns {Promise<{ fate: Fate, detail: string }>}
 */
async function triedOn(scratch, patch) {
  const loaded = await scratch.load(patch.changed);
  if (!loaded.ok) return { fate: 'broken', detail: lastLine(loaded.output) };
  const tested = await scratch.test(patch.tests);
  if (tested.ok) return { fate: 'survived', detail: patch.tests.join(' ') };
  if (tested.timedOut && !patch.hangs) return { fate: 'hung', detail: 'its tests did not end' };
  return { fate: 'killed', detail: tested.timedOut ? 'never ended' : failedTest(tested.output) };
}

/** Name of the first test that failed. @param {string} output TAP */
function failedTest(output) {
  const names = [...output.matchAll(/^\s*not ok \d+ - (.+)$/gm)].map((match) => String(match[1]));
  return names[0] ?? lastLine(output);
}

/** @param {string} output */
function lastLine(output) {
  return (
    output
      .trim()
      .split('\n')
      .filter((line) => /rror/.test(line))[0]
      ?.trim() ?? output.trim().slice(-200)
  );
}
