-- Retention: the values of old results leave the log by purges, which are updates. What is left of an update is its stub.

ALTER TABLE update_log ADD COLUMN stub_digest BLOB CHECK (length(stub_digest) = 32);
ALTER TABLE forked_updates ADD COLUMN stub_digest BLOB CHECK (length(stub_digest) = 32);

-- Two columns take one value more, and the new ones say what they are. What is stored stays as it is: a large log need
-- not be copied.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(replace(sql,
  'kind IN (''results'', ''edit'', ''retire'', ''run'', ''unknown'')',
  'kind IN (''results'', ''edit'', ''retire'', ''run'', ''purge'', ''unknown'')'),
  ', stub_digest BLOB', ',
  -- Where its values were purged: SHA-256 over digest, the header''s length (4 bytes, little-endian), header and payload,
  -- which is a stub then: the payload as it was born, up to the end of its attempt table. NULL in full.
  stub_digest BLOB')
WHERE type = 'table' AND name = 'update_log';
UPDATE sqlite_schema
SET sql = replace(sql, ', stub_digest BLOB', ',
  -- Where its values were purged before it gave way, as in update_log; NULL in full.
  stub_digest BLOB')
WHERE type = 'table' AND name = 'forked_updates';
UPDATE sqlite_schema
SET sql = replace(replace(sql, 'cannot be read or folded.', 'cannot be read or folded.
  -- purge: it is a stub, and no purge here names it.'),
  '''kind'', ''fold'')', '''kind'', ''fold'', ''purge'')')
WHERE type = 'table' AND name = 'held_updates';
PRAGMA writable_schema = RESET;

-- Results that have their values, by age.
CREATE INDEX update_log_in_full ON update_log (timestamp, id) WHERE kind = 'results' AND stub_digest IS NULL;

CREATE TABLE purges (
  -- Fold: purges applied here.
  -- The purge: row of update_log.
  update_row INTEGER PRIMARY KEY REFERENCES update_log (id),
  -- Who asked for it; empty for a node's daily purge.
  author TEXT NOT NULL,
  -- Why.
  reason TEXT NOT NULL,
  -- Age that the updates had at least, days; 0 where none was asked for.
  term_days INTEGER NOT NULL,
  -- Updates that it names.
  updates INTEGER NOT NULL
) STRICT;

CREATE TABLE purged_updates (
  -- Fold: updates that purges name, whether they are here or not. One that is applied here, with the content that is
  -- meant, is a stub.
  -- Origin.
  origin INTEGER NOT NULL REFERENCES origins (id),
  -- Sequence.
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  -- The purge that names it: row of update_log.
  purge INTEGER NOT NULL REFERENCES update_log (id),
  -- Digest of its stub, as in update_log.
  stub_digest BLOB NOT NULL CHECK (length(stub_digest) = 32),
  PRIMARY KEY (origin, sequence, purge)
) STRICT, WITHOUT ROWID;

CREATE INDEX purged_updates_by_purge ON purged_updates (purge);

CREATE VIEW v_purges AS
  -- Purges in plain words.
  SELECT o.fab, printf('%d-%010x', o.epoch >> 40, o.epoch & 0xffffffffff) AS epoch, u.sequence,
    datetime(u.timestamp / 4096 / 1000 + unixepoch('2020-01-01'), 'unixepoch') AS purged_utc, p.author, p.reason,
    p.term_days, p.updates,
    (SELECT count(*) FROM purged_updates n JOIN update_log s ON s.origin = n.origin AND s.sequence = n.sequence
     WHERE n.purge = p.update_row AND s.stub_digest IS NOT NULL) AS stubs
  FROM purges p JOIN update_log u ON u.id = p.update_row JOIN origins o ON o.id = u.origin;
