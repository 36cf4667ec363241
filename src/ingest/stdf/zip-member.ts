/** Most files of one archive. */
export const MAX_MEMBERS = 4_096;

/** A file in a zip archive, and where its bytes stand. */
export interface ZipMember {
  /** As the archive has it, folders included. */
  readonly name: string;
  /** Offset in the archive of its first compressed byte. */
  readonly start: number;
  /** How it is compressed: 0 not at all, 8 deflate. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly compressedSize: number;
  /** CRC-32 of its bytes; null where the archive is cut before it says so. */
  readonly crc: number | null;
}
