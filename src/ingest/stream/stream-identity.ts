import { WafersyncError } from '../../errors.ts';
import { checkText } from './result-checks.ts';
import type { StreamResult } from './stream-result.ts';

/** Whose stream it is, and which position each of its results has. */
export class StreamIdentity {
  readonly #mint: () => string;
  /** Ids as the first result gave them; null before it. */
  #given: { readonly equipmentId: string; readonly streamId: string; readonly counted: boolean } | null =
    null;
  #streamId = '';
  /** Invariant: every sequence given out so far is ≤ this. */
  #last = 0;

  /** @param mint makes a stream id, for a tester that gives none */
  constructor(mint: () => string) {
    this.#mint = mint;
  }

  get equipmentId(): string {
    return this.#given?.equipmentId ?? '';
  }

  /** Stream id, as given or minted; empty before the first result. */
  get streamId(): string {
    return this.#streamId;
  }

  /** Whether the node counts, the tester giving no sequences. */
  get counted(): boolean {
    return this.#given?.counted ?? false;
  }

  /** Greatest sequence given out. */
  get last(): number {
    return this.#last;
  }

  /** Where a result stands, for messages. */
  where(sequence: number): string {
    return `sequence ${sequence} of stream ${JSON.stringify(this.#streamId)} of tester ${JSON.stringify(this.equipmentId)}`;
  }

  /**
   * Sequence of the next result.
   * @throws WafersyncError `invalid` where the ids are wrong or change, or the sequence does not grow
   */
  next(result: StreamResult): number {
    if (this.#given === null) this.#begin(result);
    else this.#checkSame(this.#given, result);
    this.#last = this.#sequenceOf(result);
    return this.#last;
  }

  #begin(result: StreamResult): void {
    const where = () => `the first result of stream ${JSON.stringify(result.streamId.slice(0, 64))}`;
    if (result.equipmentId === '') {
      throw new WafersyncError('invalid', `equipment_id is empty at ${where()}`, {
        hint: 'Send the name of the tester in equipment_id of every result.',
      });
    }
    checkText('equipment_id', result.equipmentId, where);
    checkText('stream_id', result.streamId, where);
    const { equipmentId, streamId, streamSequence } = result;
    this.#given = { equipmentId, streamId, counted: streamSequence === 0 };
    this.#streamId = streamId || this.#mint();
  }

  #checkSame(given: { equipmentId: string; streamId: string }, result: StreamResult): void {
    const here = this.where(result.streamSequence || this.#last + 1);
    if (result.equipmentId !== given.equipmentId) throw changed('equipment_id', result.equipmentId, here);
    if (result.streamId !== given.streamId) throw changed('stream_id', result.streamId, here);
  }

  #sequenceOf({ streamSequence }: StreamResult): number {
    const next = this.#last + 1;
    if ((streamSequence === 0) !== this.counted) {
      const how = this.counted ? 'counted by the node' : 'given by the tester';
      throw new WafersyncError(
        'invalid',
        `stream_sequence ${streamSequence} at ${this.where(streamSequence || next)}, whose sequences were ${how} so far`,
        { hint: 'Give stream_sequence in every result of a stream or in none.' },
      );
    }
    if (this.counted) return next;
    if (Number.isSafeInteger(streamSequence) && streamSequence > this.#last) return streamSequence;
    throw new WafersyncError(
      'invalid',
      `stream_sequence ${streamSequence} does not grow at ${this.where(streamSequence)}: ${this.#last} came before it`,
      { hint: 'Number the results of a stream from 1 upwards, up to 2^53 - 1.' },
    );
  }
}

function changed(field: string, value: string, where: string): WafersyncError {
  const shown = JSON.stringify(value.slice(0, 64));
  const what = value === '' ? `${field} is empty` : `${field} changes to ${shown}`;
  return new WafersyncError('invalid', `${what} at ${where}`, {
    hint: 'One stream is one tester and one stream_id: begin another stream for another.',
  });
}
