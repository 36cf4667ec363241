import * as yauzl from 'yauzl';
import { WafersyncError } from '../../errors.ts';
import { MAX_MEMBERS, type ZipMember } from './zip-member.ts';
import { salvageZip } from './zip-salvage.ts';

/** What an archive holds. */
export interface ZipContents {
  readonly members: readonly ZipMember[];
  /** What is wrong with the archive as a whole, in words; null if nothing is. */
  readonly fault: string | null;
}

/**
 * Lists the files of an archive, folders left out, by its directory. The directory stands at the end; where it is
 * missing or damaged, the archive is gone through from the front instead.
 * @throws WafersyncError `invalid` where there are too many
 */
export async function readZip(path: string, name: string): Promise<ZipContents> {
  let members: readonly ZipMember[] | null = null;
  try {
    members = await readDirectory(path, name);
  } catch (error) {
    if (error instanceof WafersyncError) throw error;
  }
  if (members) return { members, fault: null };
  const salvaged = await salvageZip(path);
  if (salvaged.length > MAX_MEMBERS) throw tooMany(name);
  return {
    members: salvaged.filter(isFile),
    fault: 'the zip archive is cut short or damaged: files behind its last whole one may be missing',
  };
}

async function readDirectory(path: string, name: string): Promise<ZipMember[]> {
  // Names are decoded here, since a strange one would end the reading.
  const zip = await yauzl.openPromise(path, { autoClose: false, decodeStrings: false });
  try {
    if (zip.entryCount > MAX_MEMBERS) throw tooMany(name);
    const members: ZipMember[] = [];
    for await (const entry of zip.eachEntry()) members.push(await memberOf(zip, entry));
    return members.filter(isFile);
  } finally {
    zip.close();
  }
}

async function memberOf(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<ZipMember> {
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const { generalPurposeBitFlag, fileNameRaw, extraFields, compressionMethod, compressedSize, crc32 } = entry;
  return {
    name: yauzl.getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false),
    start: fileDataStart,
    method: compressionMethod,
    encrypted: entry.isEncrypted(),
    compressedSize,
    crc: crc32,
  };
}

function isFile({ name }: ZipMember): boolean {
  return !name.endsWith('/');
}

function tooMany(name: string): WafersyncError {
  return new WafersyncError('invalid', `${name} holds more than ${MAX_MEMBERS} files`, {
    hint: 'Pack fewer files into one archive.',
  });
}
