import { WafersyncError } from '../../errors.ts';
import type { World } from '../../world.ts';
import { REST_MS, Turns } from '../turns.ts';
import { DigestPass, type PassOptions } from './digest-pass.ts';
import { type Answer, MAX_BRANCHES, MAX_LOOKED_AT, MAX_SUSPECTS, type Question } from './questions.ts';
import { SelfCheck, type SelfCheckOptions, type Suspect } from './self-check.ts';

/** What answers are made with. */
export interface AnswerOptions extends SelfCheckOptions {
  readonly store: PassOptions['store'] & SelfCheckOptions['store'];
  readonly world: World;
}

/** Answers the questions of a node that compares itself with this one, as long as it asks. @throws WafersyncError `invalid` where it asks for too much, or before it has begun */
export async function* answerDigests(
  options: AnswerOptions,
  questions: AsyncIterable<Question>,
  signal: AbortSignal,
): AsyncGenerator<Answer> {
  let pass: DigestPass | null = null;
  let reading: Reading | null = null;
  try {
    for await (const question of questions) {
      if (question.type === 'begin') {
        pass?.close();
        reading = readAll(options, question.thoroughness, signal);
        yield* reading.told;
        pass = await reading.pass;
        reading = null;
        const { tree, foundAnything } = pass;
        yield { type: 'begun', subjects: tree.size, digest: tree.digest(), found: foundAnything };
      } else if (pass) yield await answer(options, pass, question, signal);
      else throw new WafersyncError('invalid', 'a comparison was not begun', { hint: 'Ask to begin first.' });
    }
  } finally {
    pass?.close();
    // Whoever asked is gone before it was read.
    void reading?.pass.then(
      (read) => read.close(),
      () => {},
    );
  }
}

async function answer(
  options: AnswerOptions,
  pass: DigestPass,
  question: Exclude<Question, { type: 'begin' }>,
  signal: AbortSignal,
): Promise<Answer> {
  if (question.type === 'branches') {
    bounded(question.prefixes, MAX_BRANCHES, 'branches');
    return { type: 'branches', branches: question.prefixes.map((prefix) => pass.tree.branch(prefix)) };
  }
  if (question.type === 'subjects') {
    bounded(question.keys, MAX_LOOKED_AT, 'subjects');
    return { type: 'subjects', subjects: await pass.look(question.keys) };
  }
  bounded(question.keys, MAX_SUSPECTS, 'subjects');
  const suspects = suspectsOf(pass, question.keys);
  const findings = await new SelfCheck(options).run(pass.found, suspects, question.repair, signal);
  return { type: 'findings', findings };
}

/** Of some subjects those that a pass has read. */
export function suspectsOf(pass: DigestPass, keys: readonly string[]): Suspect[] {
  return keys.flatMap((key) => pass.subject(key) ?? []);
}

function bounded(asked: readonly string[], most: number, what: string): void {
  if (asked.length <= most) return;
  throw new WafersyncError('invalid', `${asked.length} ${what} are asked for at once`, {
    hint: `Ask for at most ${most}.`,
  });
}

/** A pass that is being read. */
interface Reading {
  readonly told: AsyncGenerator<Answer>;
  readonly pass: Promise<DigestPass>;
}

/** Reads everything, and tells meanwhile how far it is. A node that is asked without being thorough takes its time. */
function readAll(
  { store, world }: AnswerOptions,
  thoroughness: PassOptions['thoroughness'],
  signal: AbortSignal,
): Reading {
  let read = 0;
  let wake = () => {};
  let over = false;
  const pass = DigestPass.read({
    ...{ store, signal, thoroughness },
    turns: new Turns(world, thoroughness === 'bytes' ? 0 : REST_MS),
    reading: (subjects) => {
      read = subjects;
      wake();
    },
  });
  const end = () => {
    over = true;
    wake();
  };
  pass.then(end, end);
  async function* tell(): AsyncGenerator<Answer> {
    for (let told = 0; !over; ) {
      if (read > told) {
        told = read;
        yield { type: 'reading', subjects: told };
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return { told: tell(), pass };
}
