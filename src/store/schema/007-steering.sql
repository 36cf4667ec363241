-- Steering: what people said to this node alone. Nothing of it is sent to other fabs.

CREATE TABLE acts (
  -- What was done by SyncControl here, the latest 10,000.
  -- Local number, in order.
  id INTEGER PRIMARY KEY,
  -- Wall clock, ms since 1970-01-01 UTC.
  at_ms INTEGER NOT NULL,
  -- What, such as peer.pause.
  act TEXT NOT NULL,
  -- What it was done to: a fab, or the dot of an update; empty for the node itself.
  about TEXT NOT NULL,
  -- What came of it, in words; may be empty.
  detail TEXT NOT NULL,
  -- Who; empty where it ended by itself.
  author TEXT NOT NULL,
  -- Why.
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE dropped_updates (
  -- Updates of held_updates that somebody said are not to be waited for: they are not tried again by themselves.
  -- Row of update_log.
  update_row INTEGER PRIMARY KEY REFERENCES held_updates (update_row) ON DELETE CASCADE,
  -- Who said so.
  author TEXT NOT NULL,
  -- Why.
  reason TEXT NOT NULL,
  -- Wall clock then, ms since 1970-01-01 UTC.
  dropped_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE peer_pauses (
  -- Peers with which this node does not sync for a while.
  -- Fab of the peer.
  fab TEXT PRIMARY KEY,
  -- What rests: live lanes, catch-up lanes, or all.
  lanes TEXT NOT NULL CHECK (lanes IN ('live', 'catch-up', 'all')),
  -- Who said so.
  author TEXT NOT NULL,
  -- Why.
  reason TEXT NOT NULL,
  -- Wall clock then, ms since 1970-01-01 UTC.
  since_ms INTEGER NOT NULL,
  -- Wall clock when it ends by itself, ms since 1970-01-01 UTC; NULL where somebody has to end it.
  until_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE peer_limits (
  -- How many bytes a second this node exchanges with a peer at most, in each direction by itself.
  -- Fab of the peer.
  fab TEXT PRIMARY KEY,
  -- Outside the windows; 0 for no limit.
  bytes_per_s INTEGER NOT NULL CHECK (bytes_per_s >= 0),
  -- Times of the day with limits of their own, as JSON [{"fromMinute", "toMinute", "bytesPerS"}, …]: minutes since
  -- midnight in the node's time zone; one may go over midnight. The first that holds counts.
  windows TEXT NOT NULL CHECK (json_valid(windows)),
  -- Who said so.
  author TEXT NOT NULL,
  -- Why.
  reason TEXT NOT NULL,
  -- Wall clock then, ms since 1970-01-01 UTC.
  since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

DROP VIEW v_held;
CREATE VIEW v_held AS
  -- What is held, and why; dropped_by names who said that it is not to be waited for, and is NULL where nobody did.
  SELECT v.fab, v.epoch, v.sequence, v.kind, v.lot, v.wafer_id, v.insertion, h.reason, h.detail,
    datetime(h.held_at_ms / 1000, 'unixepoch') AS since_utc, d.author AS dropped_by, d.reason AS dropped_because
  FROM held_updates h JOIN v_updates v ON v.id = h.update_row
    LEFT JOIN dropped_updates d ON d.update_row = h.update_row;

CREATE VIEW v_acts AS
  -- What was done by SyncControl here, in plain words.
  SELECT datetime(at_ms / 1000, 'unixepoch') AS at_utc, act, about, detail, author, reason FROM acts ORDER BY id;
