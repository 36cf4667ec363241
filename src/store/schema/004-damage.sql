-- Damage: rows of the log whose bytes are no longer what they were sealed as.

CREATE TABLE damaged_updates (
  -- Updates that were found damaged in this database. They count as not received until they have come again from a
  -- peer; what was folded from them before stays.
  -- Row of update_log.
  update_row INTEGER PRIMARY KEY REFERENCES update_log (id),
  -- Wall clock when it was found, ms since 1970-01-01 UTC.
  found_at_ms INTEGER NOT NULL
) STRICT;

CREATE VIEW v_damaged AS
  -- What is damaged here and has not come again yet.
  SELECT o.fab, printf('%d-%010x', o.epoch >> 40, o.epoch & 0xffffffffff) AS epoch, u.sequence, u.kind,
    datetime(d.found_at_ms / 1000, 'unixepoch') AS found_utc
  FROM damaged_updates d JOIN update_log u ON u.id = d.update_row JOIN origins o ON o.id = u.origin;
