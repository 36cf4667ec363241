import { WafersyncError } from '../../errors.ts';
import { checkText } from './result-checks.ts';
import type { StreamPlace } from './stream-result.ts';

/** Whose stream it is, and which position each of its results has. */
export class StreamIdentity {
  readonly #mint: () => string;
  /** Ids as the first message gave them; null before it. */
  #given: Pick<StreamPlace, 'equipmentId' | 'streamId'> | null = null;
  /** Whether the node counts; null before the first result. */
  #counted: boolean | null = null;
  #streamId = '';
  #final = false;
  /** Invariant: every sequence given out so far is ≤ this. */
  #last = 0;

  /** @param mint makes a stream id, for a tester that gives none */
  constructor(mint: () => string) {
    this.#mint = mint;
  }

  get equipmentId(): string {
    return this.#given?.equipmentId ?? '';
  }

  /** Stream id, as given or minted; empty before the first message. */
  get streamId(): string {
    return this.#streamId;
  }

  /** Whether the node counts, the tester giving no sequences. */
  get counted(): boolean {
    return this.#counted ?? false;
  }

  /** Whether the tester has marked the run final. */
  get final(): boolean {
    return this.#final;
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
   * Sequence of the next result, or the first of the next `count`.
   * @throws WafersyncError `invalid` where the ids are wrong or change, or the sequence does not grow
   */
  next(place: StreamPlace, count = 1): number {
    this.greet(place);
    this.#counted ??= place.streamSequence === 0;
    const first = this.#sequenceOf(place, count);
    this.#last = first + count - 1;
    return first;
  }

  /** Takes the ids of a message that need not hold results. @throws WafersyncError `invalid` where they are wrong or change */
  greet(place: StreamPlace): void {
    if (place.final) this.#final = true;
    if (this.#given === null) this.#begin(place);
    else this.#checkSame(this.#given, place);
  }

  #begin({ equipmentId, streamId }: StreamPlace): void {
    const where = () => `the first message of stream ${JSON.stringify(streamId.slice(0, 64))}`;
    if (equipmentId === '') {
      throw new WafersyncError('invalid', `equipment_id is empty at ${where()}`, {
        hint: 'Send the name of the tester in equipment_id of every message.',
      });
    }
    checkText('equipment_id', equipmentId, where);
    checkText('stream_id', streamId, where);
    this.#given = { equipmentId, streamId };
    this.#streamId = streamId || this.#mint();
  }

  #checkSame(given: Pick<StreamPlace, 'equipmentId' | 'streamId'>, place: StreamPlace): void {
    const { equipmentId, streamId, streamSequence } = place;
    if (equipmentId === given.equipmentId && streamId === given.streamId) return;
    const here = this.where(streamSequence || this.#last + 1);
    if (equipmentId !== given.equipmentId) throw changed('equipment_id', equipmentId, here);
    throw changed('stream_id', streamId, here);
  }

  #sequenceOf({ streamSequence }: StreamPlace, count: number): number {
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
    if (streamSequence > this.#last && Number.isSafeInteger(streamSequence + (count - 1)))
      return streamSequence;
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
