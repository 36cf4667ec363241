import { setTimeout } from 'node:timers/promises';
import { Person } from '../support/wafer-client.ts';
import { foundOr, type Ledger, passes } from './ledger.ts';

/** What one person edits. */
export interface EditPlan {
  readonly author: string;
  /** host:port of the node of that person's fab. */
  readonly node: string;
  /** Edited by nobody else meanwhile. */
  readonly wafer: string;
  readonly everyMs: number;
}

/** An edit that a node took. */
interface Edit {
  readonly number: number;
  readonly fault: number;
}

/**
 * A person who edits one wafer: a counter, which each edit replaces, and a note of its own with each, which stays. An
 * edit whose answer did not come may be there or not.
 */
export class EditLoad {
  readonly #plan: EditPlan;
  readonly #ledger: Ledger;
  readonly #acknowledged: Edit[] = [];
  #attempted = 0;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(plan: EditPlan, ledger: Ledger) {
    this.#plan = plan;
    this.#ledger = ledger;
    this.#done = this.#run();
    // Told by stop(), which awaits it.
    this.#done.catch(() => {});
  }

  /** Edits that were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  /** Looks at the wafer at a fab and notes what was acknowledged and neither is there nor was rightly replaced. */
  async check(fab: string, address: string): Promise<void> {
    const last = this.#acknowledged.at(-1);
    if (!last) return;
    const { author, wafer } = this.#plan;
    const person = new Person(address);
    try {
      const document = (await foundOr({}, person.document(wafer))) as {
        attributes?: { counter?: number };
        notes?: Record<string, { text: string }>;
      };
      const counter = document.attributes?.counter ?? 0;
      if (counter < last.number || counter > this.#attempted)
        this.#lost(last, `counter ${counter} after ${last.number} at ${fab}`);
      for (const edit of this.#acknowledged) {
        if (document.notes?.[`${author}-${edit.number}`]?.text === textOf(edit.number)) continue;
        this.#lost(edit, `note ${edit.number} is not at ${fab}`);
      }
    } finally {
      person.close();
    }
  }

  #lost({ fault }: Edit, what: string): void {
    this.#ledger.lost(fault, `edits of ${this.#plan.author} at wafer ${this.#plan.wafer}: ${what}`);
  }

  async #run(): Promise<void> {
    let person = new Person(this.#plan.node);
    while (!this.#stop.signal.aborted) {
      const number = ++this.#attempted;
      try {
        await person.patch(this.#plan.wafer, this.#operations(number), this.#plan.author);
        this.#acknowledged.push({ number, fault: this.#ledger.fault });
        this.#ledger.acknowledged(1);
      } catch (error) {
        if (!passes(error)) throw error;
        person.close();
        person = new Person(this.#plan.node);
      }
      await setTimeout(this.#plan.everyMs);
    }
    person.close();
  }

  #operations(number: number): object[] {
    return [
      { op: 'add', path: '/attributes/counter', value: number },
      { op: 'add', path: `/notes/${this.#plan.author}-${number}`, value: { text: textOf(number) } },
    ];
  }
}

const textOf = (number: number) => `note ${number}`;
