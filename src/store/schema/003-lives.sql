-- Lives of databases: how a database finds out that it was copied, or put back as it was before; and what becomes of
-- updates that two databases of one fab bore under the same dots.

CREATE TABLE life (
  -- What this database remembers of its own file. At most one row; none before it was first opened by a version that
  -- knows of it. node.origin is the life that goes on; the lives before stay in origins.
  -- Always 1.
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Drawn anew each time that the database is opened; the file beside the database holds it, and the one before.
  token TEXT NOT NULL,
  -- Which file it was, as the volume names it: inode and time of birth.
  file TEXT NOT NULL
) STRICT;

CREATE TABLE chains (
  -- Hash chain over the digests of each origin's updates, as far as they are here without a hole from 1: two databases
  -- that have the same chain at a height have the same updates up to it. Kept at the top and at each 1,024th height.
  -- Origin.
  origin INTEGER NOT NULL REFERENCES origins (id),
  -- Last sequence that the hash covers.
  height INTEGER NOT NULL CHECK (height >= 1),
  -- SHA-256 over the hash at the height below (32 zeros at 0) and the digest of the update at this height.
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (origin, height)
) STRICT, WITHOUT ROWID;

CREATE TABLE forked_updates (
  -- Updates that gave way to others with the same dots: another database of the fab had borne those. They are kept
  -- here for good; what the fab itself bore is issued again.
  -- Local number, in the order in which they gave way.
  id INTEGER PRIMARY KEY,
  -- Origin.
  origin INTEGER NOT NULL REFERENCES origins (id),
  -- Sequence that it had.
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  -- SHA-256 over the header's length (4 bytes, little-endian), header and payload.
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  -- Serialized header.
  header BLOB NOT NULL,
  -- Payload.
  payload BLOB NOT NULL,
  -- Wall clock when it gave way, ms since 1970-01-01 UTC.
  forked_at_ms INTEGER NOT NULL,
  -- Origin under which it was issued again; NULL where it was not, or not yet.
  reissued_origin INTEGER REFERENCES origins (id),
  -- Sequence under which it was issued again; NULL with reissued_origin.
  reissued_sequence INTEGER,
  UNIQUE (origin, sequence, digest)
) STRICT;

CREATE VIEW v_forked AS
  -- What gave way, in plain words.
  SELECT o.fab, printf('%d-%010x', o.epoch >> 40, o.epoch & 0xffffffffff) AS epoch, f.sequence,
    lower(hex(f.digest)) AS digest, datetime(f.forked_at_ms / 1000, 'unixepoch') AS forked_utc,
    r.fab AS reissued_fab, printf('%d-%010x', r.epoch >> 40, r.epoch & 0xffffffffff) AS reissued_epoch,
    f.reissued_sequence
  FROM forked_updates f JOIN origins o ON o.id = f.origin LEFT JOIN origins r ON r.id = f.reissued_origin;
