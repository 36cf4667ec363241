import { isUtf8 } from 'node:buffer';

/**
 * Text of a record: UTF-8 where the bytes are valid UTF-8, else Latin-1. Blanks and NULs are kept.
 * STDF names no character set; both are met in the field.
 */
export function decodeText(buffer: Buffer, start: number, end: number): string {
  for (let at = start; at < end; at++) {
    if (buffer[at]! >= 0x80) return decodeBeyondAscii(buffer.subarray(start, end));
  }
  return buffer.toString('latin1', start, end);
}

/** Whether a text says nothing: only blanks and NULs, as some testers fill unused fields. */
export function isBlank(text: string): boolean {
  for (const character of text) {
    if (character !== ' ' && character !== '\0') return false;
  }
  return true;
}

function decodeBeyondAscii(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}
