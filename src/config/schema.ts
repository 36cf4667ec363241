import { z } from 'zod';
import { WafersyncError } from '../errors.ts';
import { LOG_LEVELS } from '../log.ts';
import { MAX_MEMBERS } from '../wafer/document/members.ts';
import { POLICIES, type PolicyName } from '../wafer/document/policies/index.ts';
import {
  checkAddress,
  checkCollector,
  checkFab,
  checkLoopback,
  checkPattern,
  checkTimeZone,
} from './checks.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const POLICY_NAMES = Object.keys(POLICIES) as [PolicyName, ...PolicyName[]];

/** A text that a function checks; the function throws a WafersyncError whose hint is the remedy. */
function text<Output>(check: (value: string) => Output) {
  return z.string().transform((value, context): Output => {
    try {
      return check(value);
    } catch (error) {
      const { message, hint } = WafersyncError.from(error);
      context.addIssue({ code: 'custom', message, params: { hint } });
      return z.NEVER;
    }
  });
}

function whole(defaultValue: number, minimum: number, maximum: number, description: string) {
  return z.int().min(minimum).max(maximum).default(defaultValue).describe(description);
}

const listen = z.strictObject({
  host: text(checkLoopback)
    .prefault('127.0.0.1')
    .describe('Address that the node listens on. Loopback only until connections can be encrypted.'),
  port: whole(
    50_051,
    0,
    65_535,
    'Port that the node listens on, for peers, testers and people alike. 0 takes any free one.',
  ),
});

const peer = z.strictObject({
  fab: text(checkFab).describe('Fab id of the peer; one of mesh.members, and not this fab.'),
  address: text(checkAddress).describe('Where it listens, as host:port; an IPv6 address stands in brackets.'),
});

const mesh = z.strictObject({
  members: z
    .array(text(checkFab))
    .max(MAX_MEMBERS)
    .prefault([])
    .describe(
      'Fab ids of the mesh that this fab begins with, itself included. A wafer is synced once all members have it. Later `wafersync fab add`, `remove` and `evict` change who is a member, at every fab. Empty means this fab alone.',
    ),
  peers: z
    .array(peer)
    .max(MAX_MEMBERS - 1)
    .prefault([])
    .describe(
      'Members that this node dials, each as { fab: az, address: 127.0.0.1:50052 }. One that only dials in need not be listed, nor one that is dialled at the address by which `wafersync fab add` added it.',
    ),
});

const store = z.strictObject({
  group_commit_ms: whole(
    5,
    0,
    1_000,
    'How long a write waits for others to share its commit to disk, in milliseconds.',
  ),
  max_queue_bytes: whole(
    64 * MiB,
    4 * MiB,
    4 * GiB,
    'Bytes that may wait for the disk; beyond it testers and peers are slowed down.',
  ),
  scrub_bytes_per_s: whole(
    256 * KiB,
    0,
    256 * MiB,
    'Bytes of the log that are read each second, over and over, to find what has rotted on the disk. 0 reads nothing unasked.',
  ),
});

const retention = z.strictObject({
  values_days: whole(
    0,
    0,
    36_500,
    'Age in days at which the values of results born at this fab are purged, at every fab and for good, once all members have applied them. Attempts, bins, verdicts and documents stay. 0 keeps them for ever.',
  ),
});

const sync = z.strictObject({
  window_updates: whole(
    1_024,
    1,
    65_536,
    'Live updates that a peer may send before the first is on disk here.',
  ),
  window_bytes: whole(
    8 * MiB,
    64 * KiB,
    256 * MiB,
    'Bytes of live updates that a peer may send before the first is on disk here. What does not fit is pulled later.',
  ),
  catch_up_chunk_bytes: whole(1 * MiB, 64 * KiB, 64 * MiB, 'Bytes asked for at a time when catching up.'),
  catch_up_window_bytes: whole(
    4 * MiB,
    64 * KiB,
    64 * MiB,
    'Flow control window of the catch-up connection, in bytes. More is faster on long links and delays live updates on thin ones.',
  ),
  heartbeat_ms: whole(
    5_000,
    100,
    5 * MINUTE_MS,
    'How often a connection on which nothing flows says what its node has, in milliseconds.',
  ),
  reconnect_min_ms: whole(
    250,
    10,
    MINUTE_MS,
    'First wait before a lost peer is dialled again, in milliseconds. Doubles, with jitter.',
  ),
  reconnect_max_ms: whole(
    15_000,
    100,
    10 * MINUTE_MS,
    'Longest wait before a lost peer is dialled again, in milliseconds.',
  ),
  keepalive_ms: whole(
    10_000,
    1_000,
    10 * MINUTE_MS,
    'How often a silent connection is probed, in milliseconds; one that does not answer is given up.',
  ),
  verify_interval_h: whole(
    24,
    0,
    8_760,
    'How often this node compares itself with every other member by itself, in hours, and repairs what is wrong. 0 for never.',
  ),
  max_clock_drift_ms: whole(
    MINUTE_MS,
    100,
    24 * HOUR_MS,
    'How far ahead of this clock an edit may be, in milliseconds; one from further ahead is held until its time has come.',
  ),
});

const intake = z.strictObject({
  max_stream_idle_ms: whole(
    10 * MINUTE_MS,
    1_000,
    24 * HOUR_MS,
    'How long a tester may send nothing on an open stream, in milliseconds. What it sent before is kept.',
  ),
  max_open_streams: whole(256, 1, 10_000, 'Streams of testers and uploads of files that are open at once.'),
  max_upload_bytes: whole(
    4 * GiB,
    1 * MiB,
    1_024 * GiB,
    'Largest file that is taken, in bytes as it is sent.',
  ),
  folder: z
    .string()
    .default('')
    .describe(
      'Drop folder: STDF files put here are taken, and moved to its folders done and failed. Made where it is missing; a relative one begins at the folder of this file. Of this node alone. Empty means none.',
    ),
  folder_settle_ms: whole(
    2_000,
    10,
    HOUR_MS,
    'How long a file in the drop folder must not change before it is taken, in milliseconds. Longer than a tester pauses while it writes.',
  ),
  folder_rescan_ms: whole(
    MINUTE_MS,
    100,
    HOUR_MS,
    'How often the drop folder is looked through for changes that the system did not tell, and files that had to wait are tried again, in milliseconds.',
  ),
  folder_parallel: whole(2, 1, 16, 'Files of the drop folder that are taken at once.'),
});

const policyRule = z.strictObject({
  field: text(checkPattern).describe(
    'Pattern of fields, such as /disposition; * is one name, ** at the end the rest.',
  ),
  policy: z.enum(POLICY_NAMES).describe('Policy that decides where writes of it differ.'),
  product: z.string().min(1).default('*').describe('Product that it is for; * is any.'),
});

const conflicts = z.strictObject({
  policies: z
    .array(policyRule)
    .max(200)
    .prefault([])
    .describe(
      'Rules for a mesh that has none yet, each as { field: /disposition, policy: most-restrictive, product: chip }; without a product it is for any. They are replicated, and count as older than any that people set; afterwards `wafersync mesh patch` changes them for all fabs.',
    ),
});

const api = z.strictObject({
  unary_deadline_ms: whole(
    30_000,
    100,
    10 * MINUTE_MS,
    'How long a single question may take where the caller sets no deadline, in milliseconds.',
  ),
  max_subscriptions: whole(1_000, 1, 100_000, 'Clients that watch wafers or the node at once.'),
  max_reads: whole(
    64,
    1,
    10_000,
    'Clients that read stored results back at once. Each holds some megabytes for as long as it reads.',
  ),
});

const metrics = z.strictObject({
  host: text(checkLoopback)
    .prefault('127.0.0.1')
    .describe('Address at which metrics are served. Loopback only, as for listen.host.'),
  port: whole(
    0,
    0,
    65_535,
    'Port at which metrics are served in the text format of Prometheus, at /metrics; another one than listen.port. 0 serves none.',
  ),
});

const tracing = z.strictObject({
  endpoint: text(checkCollector)
    .prefault('')
    .describe(
      'Where spans are sent: the URL of an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces. Without https on loopback only. Empty means that nothing is traced.',
    ),
  ratio: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe(
      'Which part of all updates is traced. Which ones hangs on the update alone, so that fabs with the same ratio trace the same ones.',
    ),
});

const log = z.strictObject({
  level: z
    .enum(LOG_LEVELS)
    .default('info')
    .describe('How much is logged; each level holds those behind it in this list.'),
});

/** The configuration file of a node. Every key has its unit in its name, a description, a default and bounds. */
export const nodeSchema = z.strictObject({
  fab: text(checkFab).describe(
    'Short name of the fab: 1 to 16 of a-z, 0-9 and "-", beginning with a letter. Never changes.',
  ),
  data_dir: z
    .string()
    .min(1)
    .describe(
      'Folder of the database, made where it is missing. A relative one begins at the folder of this file.',
    ),
  time_zone: text(checkTimeZone)
    .prefault('UTC')
    .describe(
      'Time zone of the testers, as an IANA name such as Asia/Taipei: STDF files hold local times. Limits of peers by the time of day go by it too.',
    ),
  listen: listen.prefault({}).describe('Where the node listens.'),
  mesh: mesh.prefault({}).describe('The fabs that replicate with each other.'),
  store: store.prefault({}).describe('The database.'),
  retention: retention.prefault({}).describe('How long values are kept.'),
  sync: sync.prefault({}).describe('Replication between fabs.'),
  intake: intake.prefault({}).describe('What testers and files may take up.'),
  conflicts: conflicts.prefault({}).describe('What happens where fabs write the same unaware of each other.'),
  api: api.prefault({}).describe('What readers may take up.'),
  metrics: metrics.prefault({}).describe('Numbers for Prometheus: docs/TELEMETRY.md.'),
  tracing: tracing.prefault({}).describe('Traces of updates from fab to fab: docs/TELEMETRY.md.'),
  log: log.prefault({}).describe('The log: JSON lines on stderr.'),
});

/** The configuration as it stands in a file; keys with a default may be left out. */
export type ConfigFile = z.input<typeof nodeSchema>;
