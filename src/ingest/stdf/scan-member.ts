import { WafersyncError } from '../../errors.ts';
import type { ProgramDigest, TestProgram } from '../../wafer/program.ts';
import { MAX_DEFINITIONS, makeProgram } from '../../wafer/program-codec.ts';
import { type StdfScan, scanStream } from './scan.ts';
import type { StdfMember } from './stdf-file.ts';
import { MAX_WAFERS } from './wafer-table.ts';

/** Most STDF streams in one file, or in one file of an archive. */
export const MAX_STREAMS = 1_024;
/** Most definitions of all test programs in one file; streams that share a program count once. */
export const MAX_HELD_DEFINITIONS = 4 * MAX_DEFINITIONS;

/** What a first pass over a stream tells, and its test program. */
export interface ScannedStream {
  readonly scan: StdfScan;
  readonly program: TestProgram;
}

/**
 * The first pass over all streams of a file.
 * @throws WafersyncError `invalid` if it is not STDF, or holds more than the bounds say; `cancelled` by the signal
 */
export async function scanMember(member: StdfMember, signal?: AbortSignal): Promise<ScannedStream[]> {
  const scanned: ScannedStream[] = [];
  const programs = new Map<ProgramDigest, TestProgram>();
  let definitions = 0;
  let wafers = 0;
  for await (const stream of member.streams()) {
    const scan = await scanStream(stream, signal);
    const made = makeProgram(scan.tests);
    const program = programs.get(made.digest) ?? made;
    if (program === made) definitions += program.tests.length;
    programs.set(program.digest, program);
    wafers += scan.wafers.length;
    scanned.push({ scan: { ...scan, tests: program.tests }, program });
    refuseBeyond('STDF streams', scanned.length, MAX_STREAMS, member.name);
    refuseBeyond('tests', definitions, MAX_HELD_DEFINITIONS, member.name);
    refuseBeyond('wafers', wafers, MAX_WAFERS, member.name);
  }
  return scanned;
}

function refuseBeyond(what: string, count: number, most: number, name: string): void {
  if (count <= most) return;
  throw new WafersyncError('invalid', `${name} has more than ${most} ${what}`, {
    hint: 'Hand its parts in as files of their own.',
  });
}
