import { WafersyncError } from '../../errors.ts';
import type { StdfFile } from './stdf-file.ts';

/** Something in an archive that was not read. */
export interface LeftOut {
  readonly name: string;
  /** Why, in words. */
  readonly reason: string;
}

/** Keeps what was not read of a file. In an archive, what is no sound STDF is left out; a file alone must be read. */
export class LeftOutList {
  readonly #file: StdfFile;
  readonly #name: string;
  readonly #list: LeftOut[] = [];

  /** `name` is the file's. */
  constructor(file: StdfFile, name: string) {
    this.#file = file;
    this.#name = name;
    if (file.fault) this.#list.push({ name, reason: file.fault });
  }

  /** A member failed. @throws the error, unless it only says that this one member of an archive is of no use */
  add(name: string, error: unknown): void {
    if (!this.#file.isArchive || WafersyncError.from(error).code !== 'invalid') throw error;
    const { message } = error as WafersyncError;
    // The name is told beside the reason.
    const reason = message.startsWith(`${name} `) ? `it${message.slice(name.length)}` : message;
    this.#list.push({ name, reason });
  }

  /** All that was left out. @throws WafersyncError `invalid` if nothing was read */
  finish(read: number): readonly LeftOut[] {
    if (read > 0) return this.#list;
    const member = this.#list.find(({ name }) => name !== this.#name);
    const why = member
      ? `${member.name} was left out, ${member.reason}`
      : (this.#file.fault ?? 'it is empty');
    throw new WafersyncError('invalid', `${this.#name} holds no STDF file: ${why}`, {
      hint: 'Pack STDF V4 files into the archive.',
    });
  }
}
