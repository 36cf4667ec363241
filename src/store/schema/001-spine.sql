-- Words: a column named *_id (wafer_id, run_id) holds the id that all fabs share. A column named after a table's
-- row (wafer, run, origin, program, update_row) holds that row's local number, which means nothing elsewhere.
-- Epochs are days since 2020 × 2^40 + seconds of the day × 2^23 + 23 random bits. The views (v_…) join all of it into plain words.

CREATE TABLE node (
  -- This node and this life of its database. Exactly one row.
  -- Always 1.
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Origin of the updates born in this database: its fab and epoch. Never changes.
  origin INTEGER NOT NULL REFERENCES origins (id),
  -- Committed write transactions so far. Numbers this node's reports to its peers.
  commit_number INTEGER NOT NULL,
  -- Greatest hybrid timestamp issued or observed: (ms since 2020-01-01 UTC) × 4096 + counter. None is issued at or below.
  last_timestamp INTEGER NOT NULL,
  -- Attempts kept: rows of attempts.
  attempts INTEGER NOT NULL,
  -- Results in those attempts.
  results INTEGER NOT NULL,
  -- Wafers that an applied results update names.
  wafers INTEGER NOT NULL,
  -- Wall clock when the database was created, ms since 1970-01-01 UTC.
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE origins (
  -- Where updates are born: one life of one fab's database.
  -- Local number.
  id INTEGER PRIMARY KEY,
  -- Fab, such as tw.
  fab TEXT NOT NULL,
  -- Epoch of that fab's database.
  epoch INTEGER NOT NULL,
  UNIQUE (fab, epoch)
) STRICT;

CREATE TABLE received_intervals (
  -- Which sequences of each origin are received and durable here. Almost always one row an origin, from 1.
  -- What of them is not applied stands in held_updates.
  -- Origin.
  origin INTEGER NOT NULL REFERENCES origins (id),
  -- First sequence of the interval.
  first INTEGER NOT NULL CHECK (first >= 1),
  -- Last sequence of the interval, included.
  last INTEGER NOT NULL CHECK (last >= first),
  PRIMARY KEY (origin, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE programs (
  -- Test programs: ordered lists of test definitions, each under the SHA-256 of its canonical bytes. Primary data.
  -- Local number.
  id INTEGER PRIMARY KEY,
  -- SHA-256 of the body, 64 hex digits.
  digest TEXT NOT NULL UNIQUE,
  -- Canonical bytes; NULL while an update names the program and no peer has sent it.
  body BLOB
) STRICT;

CREATE TABLE wafers (
  -- Wafers that some update in the log names. What is known of them is in run_wafers and dies; see v_wafers.
  -- Local number.
  id INTEGER PRIMARY KEY,
  -- Wafer within the lot; for a run without wafers an id made of the run id.
  wafer_id TEXT NOT NULL,
  -- Lot; may be empty.
  lot TEXT NOT NULL,
  -- Insertion: the test step; may be empty.
  insertion TEXT NOT NULL,
  UNIQUE (wafer_id, lot, insertion)
) STRICT;

CREATE INDEX wafers_by_lot ON wafers (lot, wafer_id, insertion);

CREATE TABLE runs (
  -- Runs that some update in the log names: a file or a tester's stream. Fold: everything but id and run_id.
  -- Local number.
  id INTEGER PRIMARY KEY,
  -- Run id, 32 hex digits.
  run_id TEXT NOT NULL UNIQUE,
  -- Start of the run as its first_update says, µs since 1970-01-01 UTC. NULL until an update of the run is applied.
  started_at_us INTEGER,
  -- The applied update of the run with the smallest dot (fab, epoch, sequence).
  first_update INTEGER REFERENCES update_log (id),
  -- The applied run record that counts: most attempts, then a complete one, then the smallest dot. NULL before one came.
  record_update INTEGER REFERENCES update_log (id),
  -- From the record: file or stream.
  source TEXT CHECK (source IN ('file', 'stream')),
  -- From the record: lot.
  lot TEXT,
  -- From the record: attempts in the run.
  record_attempts INTEGER,
  -- From the record: results in those attempts.
  record_results INTEGER,
  -- From the record: 0 for a cut or damaged file.
  complete INTEGER CHECK (complete IN (0, 1)),
  -- From the record: why it is not complete; empty where it is.
  incomplete_reason TEXT,
  -- From the record: results that belong to no attempt and were left out.
  orphan_results INTEGER,
  -- From the record: name of the file; empty for a stream.
  file_name TEXT,
  -- From the record: SHA-256 of the file's decompressed bytes, hex; empty for a stream.
  content_digest TEXT,
  -- From the record: tester.
  equipment_id TEXT,
  -- From the record: stream id; empty for a file.
  stream_id TEXT,
  -- From the record: product, STDF MIR PART_TYP.
  product TEXT,
  -- From the record: test program's name, STDF MIR JOB_NAM.
  job_name TEXT,
  -- From the record: test program's revision, STDF MIR JOB_REV.
  job_revision TEXT,
  -- From the record: how many STDF records of each name the file holds, as JSON [[name, count], …].
  records TEXT
) STRICT;

CREATE INDEX runs_by_start ON runs (started_at_us, run_id);

CREATE TABLE update_log (
  -- The log: every update received or born here, as sealed where it was born. All other tables of attempts, dies,
  -- runs and wafers are folds over it.
  -- Local number, in order of arrival.
  id INTEGER PRIMARY KEY,
  -- Where it was born.
  origin INTEGER NOT NULL REFERENCES origins (id),
  -- Its position in the origin's log, from 1. Origin and sequence are the dot.
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  -- Hybrid timestamp of its birth: (ms since 2020-01-01 UTC) × 4096 + counter.
  timestamp INTEGER NOT NULL,
  -- What the payload is, as this node understood it on arrival.
  kind TEXT NOT NULL CHECK (kind IN ('results', 'edit', 'retire', 'run', 'unknown')),
  -- Wafer that it is about; NULL in a run record.
  wafer INTEGER REFERENCES wafers (id),
  -- Run of the attempts or of the record; NULL for other kinds.
  run INTEGER REFERENCES runs (id),
  -- Test program that the attempts' results name; NULL for other kinds.
  program INTEGER REFERENCES programs (id),
  -- Edits of the wafer that the origin knew, this one included; results do not raise it.
  version INTEGER NOT NULL,
  -- Wall clock when it was received here, ms since 1970-01-01 UTC.
  received_at_ms INTEGER NOT NULL,
  -- SHA-256 over the header's length (4 bytes, little-endian), header and payload.
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  -- Serialized header, byte for byte as it was born.
  header BLOB NOT NULL,
  -- Payload, byte for byte as it was born: attempts with their results, or a run record.
  payload BLOB NOT NULL,
  UNIQUE (origin, sequence)
) STRICT;

CREATE INDEX update_log_by_wafer ON update_log (wafer, origin, sequence) WHERE wafer IS NOT NULL;
CREATE INDEX update_log_by_run ON update_log (run, origin, sequence) WHERE run IS NOT NULL;

CREATE TABLE held_updates (
  -- Updates that are received but not applied, and why. Every other update in the log is applied.
  -- Row of update_log.
  update_row INTEGER PRIMARY KEY REFERENCES update_log (id),
  -- program: its test program is not here yet. clock: born too far ahead of this node's clock. kind: this version
  -- does not know what it is. fold: its payload cannot be read or folded.
  reason TEXT NOT NULL CHECK (reason IN ('program', 'clock', 'kind', 'fold')),
  -- The reason in words.
  detail TEXT NOT NULL,
  -- Wall clock since when, ms since 1970-01-01 UTC.
  held_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE run_wafers (
  -- Fold: what one run adds to one wafer. A row for every pair that an applied results update names.
  -- Run.
  run INTEGER NOT NULL REFERENCES runs (id),
  -- Wafer.
  wafer INTEGER NOT NULL REFERENCES wafers (id),
  -- Least index of its attempts in the run; NULL without attempts. Orders the wafers of the run.
  first_index INTEGER,
  -- Attempts kept.
  attempts INTEGER NOT NULL,
  -- Results in those attempts.
  results INTEGER NOT NULL,
  -- Applied results updates, those that added nothing included.
  updates INTEGER NOT NULL,
  -- Least hybrid timestamp of those updates.
  first_timestamp INTEGER NOT NULL,
  -- Greatest hybrid timestamp of those updates.
  last_timestamp INTEGER NOT NULL,
  PRIMARY KEY (run, wafer)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_wafers_by_wafer ON run_wafers (wafer);

CREATE TABLE attempts (
  -- Fold: one row an attempt, that is one touchdown of one die. Of several updates that bring the same attempt, the
  -- one with the smallest dot counts. The results themselves stay packed in the update's payload.
  -- Run.
  run INTEGER NOT NULL,
  -- Index in the run: position in the file from 0, or the stream sequence of the first result.
  attempt_index INTEGER NOT NULL CHECK (attempt_index >= 0),
  -- Wafer.
  wafer INTEGER NOT NULL,
  -- Column of the die; NULL without coordinates.
  x INTEGER CHECK ((x IS NULL) = (y IS NULL)),
  -- Row of the die; NULL without coordinates.
  y INTEGER,
  -- Test head.
  head INTEGER NOT NULL,
  -- Test site.
  site INTEGER NOT NULL,
  -- Part id; empty if none.
  part_id TEXT NOT NULL,
  -- Hard bin; NULL if none.
  hard_bin INTEGER,
  -- Soft bin; NULL if none.
  soft_bin INTEGER,
  -- STDF PART_FLG.
  part_flags INTEGER NOT NULL,
  -- 1 passed, 0 failed, NULL where the flags do not say.
  passed INTEGER CHECK (passed IN (0, 1)),
  -- Tests executed, as the source says.
  test_count INTEGER NOT NULL,
  -- Time spent, ms; NULL if not given.
  test_time_ms INTEGER,
  -- Time of the first result, µs since 1970-01-01 UTC; NULL if the source has none.
  started_at_us INTEGER,
  -- Stream sequences from the first result to the last, as last − first; 0 for a file.
  sequence_span INTEGER NOT NULL,
  -- Results in the payload.
  results INTEGER NOT NULL,
  -- Update whose content counts: row of update_log.
  update_row INTEGER NOT NULL,
  PRIMARY KEY (run, attempt_index)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_by_die ON attempts (wafer, x, y) WHERE x IS NOT NULL;

CREATE TABLE dies (
  -- Fold: one row a die with coordinates, showing the attempt that counts under the rule "last": the greatest by
  -- start of the run, then run id, then index in the run.
  -- Wafer.
  wafer INTEGER NOT NULL,
  -- Column of the die.
  x INTEGER NOT NULL,
  -- Row of the die.
  y INTEGER NOT NULL,
  -- Attempts at this die.
  attempts INTEGER NOT NULL CHECK (attempts >= 1),
  -- Run of the attempt that counts.
  run INTEGER NOT NULL,
  -- Index in the run of the attempt that counts.
  attempt_index INTEGER NOT NULL,
  -- Hard bin of that attempt; NULL if none.
  hard_bin INTEGER,
  -- Soft bin of that attempt; NULL if none.
  soft_bin INTEGER,
  -- Of that attempt: 1 passed, 0 failed, NULL where the flags do not say.
  passed INTEGER CHECK (passed IN (0, 1)),
  PRIMARY KEY (wafer, x, y)
) STRICT, WITHOUT ROWID;

CREATE TABLE peers (
  -- The latest report of each other node, as far as it has come to this one. It may understate, never overstates.
  -- Fab of the node.
  fab TEXT PRIMARY KEY,
  -- Epoch of its database.
  epoch INTEGER NOT NULL,
  -- Number of the report: that node's commit_number.
  report_number INTEGER NOT NULL,
  -- Wall clock here when the report was stored, ms since 1970-01-01 UTC.
  saved_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE peer_intervals (
  -- What each peer has, by its latest report.
  -- Fab of the peer.
  fab TEXT NOT NULL REFERENCES peers (fab),
  -- received: durable there. applied: also folded into its tables.
  state TEXT NOT NULL CHECK (state IN ('received', 'applied')),
  -- Origin of the updates.
  origin INTEGER NOT NULL REFERENCES origins (id),
  -- First sequence of the interval.
  first INTEGER NOT NULL CHECK (first >= 1),
  -- Last sequence of the interval, included.
  last INTEGER NOT NULL CHECK (last >= first),
  PRIMARY KEY (fab, state, origin, first)
) STRICT, WITHOUT ROWID;

CREATE VIEW v_node AS
  -- This node in plain words.
  SELECT o.fab, printf('%d-%010x', o.epoch >> 40, o.epoch & 0xffffffffff) AS epoch, n.commit_number,
    n.attempts, n.results, n.wafers, datetime(n.created_at_ms / 1000, 'unixepoch') AS created_utc
  FROM node n JOIN origins o ON o.id = n.origin;

CREATE VIEW v_updates AS
  -- The log without its bytes, in order of arrival.
  SELECT u.id, o.fab, printf('%d-%010x', o.epoch >> 40, o.epoch & 0xffffffffff) AS epoch, u.sequence, u.kind,
    w.lot, w.wafer_id, w.insertion, r.run_id, iif(h.reason IS NULL, 'applied', 'held') AS state,
    datetime(u.timestamp / 4096 / 1000 + unixepoch('2020-01-01'), 'unixepoch') AS born_utc,
    datetime(u.received_at_ms / 1000, 'unixepoch') AS received_utc,
    length(u.header) + length(u.payload) AS bytes, lower(hex(u.digest)) AS digest
  FROM update_log u JOIN origins o ON o.id = u.origin
    LEFT JOIN wafers w ON w.id = u.wafer LEFT JOIN runs r ON r.id = u.run
    LEFT JOIN held_updates h ON h.update_row = u.id;

CREATE VIEW v_held AS
  -- What is held, and why.
  SELECT v.fab, v.epoch, v.sequence, v.kind, v.lot, v.wafer_id, v.insertion, h.reason, h.detail,
    datetime(h.held_at_ms / 1000, 'unixepoch') AS since_utc
  FROM held_updates h JOIN v_updates v ON v.id = h.update_row;

CREATE VIEW v_wafers AS
  -- One row a wafer. dies and passed_dies count dies with coordinates, by their last attempt.
  SELECT w.lot, w.wafer_id, w.insertion, count(*) AS runs, sum(rw.attempts) AS attempts, sum(rw.results) AS results,
    (SELECT count(*) FROM dies d WHERE d.wafer = w.id) AS dies,
    (SELECT count(*) FROM dies d WHERE d.wafer = w.id AND d.passed = 1) AS passed_dies,
    datetime(min(rw.first_timestamp) / 4096 / 1000 + unixepoch('2020-01-01'), 'unixepoch') AS first_update_utc,
    datetime(max(rw.last_timestamp) / 4096 / 1000 + unixepoch('2020-01-01'), 'unixepoch') AS last_update_utc
  FROM wafers w JOIN run_wafers rw ON rw.wafer = w.id GROUP BY w.id;

CREATE VIEW v_runs AS
  -- One row a run. complete is NULL before a record of the run has come.
  SELECT r.run_id, o.fab, datetime(r.started_at_us / 1000000, 'unixepoch') AS started_utc,
    (SELECT count(*) FROM run_wafers rw WHERE rw.run = r.id) AS wafers,
    (SELECT coalesce(sum(rw.attempts), 0) FROM run_wafers rw WHERE rw.run = r.id) AS attempts,
    (SELECT coalesce(sum(rw.results), 0) FROM run_wafers rw WHERE rw.run = r.id) AS results,
    r.source, r.lot, r.record_attempts, r.complete, r.incomplete_reason, r.orphan_results, r.file_name,
    r.equipment_id, r.stream_id, r.product, r.job_name, r.job_revision
  FROM runs r JOIN update_log u ON u.id = r.first_update JOIN origins o ON o.id = u.origin;

CREATE VIEW v_attempts AS
  -- One row an attempt, with the dot of the update that counts.
  SELECT w.lot, w.wafer_id, w.insertion, r.run_id, a.attempt_index, a.x, a.y, a.head, a.site, a.part_id, a.hard_bin,
    a.soft_bin, a.part_flags, a.passed, a.test_count, a.test_time_ms, a.started_at_us, a.results, o.fab, u.sequence
  FROM attempts a JOIN runs r ON r.id = a.run JOIN wafers w ON w.id = a.wafer
    JOIN update_log u ON u.id = a.update_row JOIN origins o ON o.id = u.origin;

CREATE VIEW v_dies AS
  -- One row a die with coordinates, by its last attempt.
  SELECT w.lot, w.wafer_id, w.insertion, d.x, d.y, d.attempts, d.hard_bin, d.soft_bin, d.passed, r.run_id, d.attempt_index
  FROM dies d JOIN wafers w ON w.id = d.wafer JOIN runs r ON r.id = d.run;

CREATE VIEW v_received AS
  -- What this node has of each origin.
  SELECT o.fab, printf('%d-%010x', o.epoch >> 40, o.epoch & 0xffffffffff) AS epoch, i.first, i.last,
    (SELECT count(*) FROM held_updates h JOIN update_log u ON u.id = h.update_row
      WHERE u.origin = i.origin AND u.sequence BETWEEN i.first AND i.last) AS held
  FROM received_intervals i JOIN origins o ON o.id = i.origin;

CREATE VIEW v_peers AS
  -- What each peer has of each origin, by its latest report.
  SELECT p.fab AS peer, i.state, o.fab, printf('%d-%010x', o.epoch >> 40, o.epoch & 0xffffffffff) AS epoch,
    i.first, i.last, p.report_number, datetime(p.saved_at_ms / 1000, 'unixepoch') AS saved_utc
  FROM peers p LEFT JOIN peer_intervals i ON i.fab = p.fab LEFT JOIN origins o ON o.id = i.origin;
