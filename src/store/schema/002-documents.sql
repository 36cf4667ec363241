-- Documents: what people say of a wafer, field by field. Where two fabs write one field unaware of each other, both
-- writes stay as siblings until a write has seen them. Everything here is a fold over updates of kind edit and retire;
-- the mesh's own document is that of the wafer whose id, lot and insertion are empty.
-- A field is a JSON Pointer such as /holds/H1/reason. A context is text: origin:sequence, blank between them.

CREATE TABLE final_runs (
  -- Fold: runs that a record, whichever counts, marks final. People mark runs by the field /final_runs/….
  -- Run.
  run INTEGER PRIMARY KEY REFERENCES runs (id)
) STRICT;

CREATE INDEX update_log_edits ON update_log (wafer, id) WHERE kind IN ('edit', 'retire');

CREATE TABLE documents (
  -- Fold: one row a wafer that somebody wrote of, and one for the mesh.
  -- Wafer.
  wafer INTEGER PRIMARY KEY REFERENCES wafers (id),
  -- Version: edits and retirements applied here.
  version INTEGER NOT NULL,
  -- 1 where an edit of it rests on attempts: a retirement, or a final verdict that a person gave or marked.
  watches_attempts INTEGER NOT NULL CHECK (watches_attempts IN (0, 1))
) STRICT;

CREATE TABLE siblings (
  -- Fold: the writes of each field that no other write has seen. More than one: fabs wrote unaware of each other.
  -- Wafer.
  wafer INTEGER NOT NULL,
  -- Field.
  field TEXT NOT NULL,
  -- The edit that wrote it: row of update_log.
  update_row INTEGER NOT NULL,
  -- JSON text; NULL where it removed the field. Such rows stay for good, or the removed could come back.
  value TEXT,
  -- What the writer had seen of this field.
  context TEXT NOT NULL,
  PRIMARY KEY (wafer, field, update_row)
) STRICT, WITHOUT ROWID;

CREATE TABLE fields (
  -- Fold: what is shown of each field, one row a field that was ever written.
  -- Wafer.
  wafer INTEGER NOT NULL,
  -- Field.
  field TEXT NOT NULL,
  -- JSON text that is shown; NULL where the field is removed.
  value TEXT,
  -- Siblings.
  siblings INTEGER NOT NULL CHECK (siblings >= 1),
  -- Policy that chooses among them; NULL where they agree.
  policy TEXT,
  PRIMARY KEY (wafer, field)
) STRICT, WITHOUT ROWID;

CREATE INDEX fields_corrected ON fields (value) WHERE field = '/corrected/wafer_id';

CREATE TABLE guarded_edits (
  -- Fold: edits that rest on other fields or on the attempts, as long as one of their writes stands.
  -- The edit: row of update_log.
  update_row INTEGER PRIMARY KEY,
  -- Wafer.
  wafer INTEGER NOT NULL,
  -- Branches that it rests on, as a JSON list of fields.
  guards TEXT NOT NULL,
  -- Fields that it writes, as a JSON list.
  fields TEXT NOT NULL
) STRICT;

CREATE INDEX guarded_edits_by_wafer ON guarded_edits (wafer);

CREATE TABLE grounds (
  -- Fold: which fields ever rested on which branches. Whoever writes below such a branch says what it had seen of these
  -- fields.
  -- Wafer.
  wafer INTEGER NOT NULL,
  -- Branches, as a JSON list of fields.
  guards TEXT NOT NULL,
  -- Fields that an edit which rests on them wrote, as a JSON list.
  fields TEXT NOT NULL,
  PRIMARY KEY (wafer, guards, fields)
) STRICT, WITHOUT ROWID;

CREATE TABLE fields_seen (
  -- Fold: what an edit had seen of fields that it does not write.
  -- The edit: row of update_log.
  update_row INTEGER NOT NULL,
  -- Field.
  field TEXT NOT NULL,
  -- What the writer had seen of that field.
  context TEXT NOT NULL,
  PRIMARY KEY (update_row, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts_seen (
  -- Fold: updates that the writer of an edit had applied, where the edit rests on attempts.
  -- The edit: row of update_log.
  update_row INTEGER NOT NULL,
  -- Origin of the updates.
  origin INTEGER NOT NULL REFERENCES origins (id),
  -- First sequence of an interval.
  first INTEGER NOT NULL CHECK (first >= 1),
  -- Last sequence of it, included.
  last INTEGER NOT NULL CHECK (last >= first),
  PRIMARY KEY (update_row, origin, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflicts (
  -- Fold: the conflicts that stand now. Those that were settled are in settlements.
  -- Id that all fabs share: hash of wafer, kind, field and the members' dots, 32 hex digits.
  id TEXT PRIMARY KEY,
  -- Wafer.
  wafer INTEGER NOT NULL,
  -- field: writes of one field with different values. shape: a value at a field and values below it. guard: an edit
  -- and what changed under the fields that it rests on. verdict: final verdicts of one die that differ.
  kind TEXT NOT NULL CHECK (kind IN ('field', 'shape', 'guard', 'verdict')),
  -- Field in dispute; of a guard, the first that the guarded edit writes.
  field TEXT NOT NULL,
  -- What it is worked out from: the field, or of a guard the dot of the guarded edit.
  subject TEXT NOT NULL,
  -- open: for a person. ruled: the policy has chosen.
  state TEXT NOT NULL CHECK (state IN ('open', 'ruled')),
  -- Policy that chose what is shown.
  policy TEXT NOT NULL,
  -- Pattern of the rule that names the policy.
  pattern TEXT NOT NULL,
  UNIQUE (wafer, kind, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX conflicts_by_state ON conflicts (state, wafer);

CREATE TABLE conflict_members (
  -- Fold: the writes, or attempts, that stand against each other.
  -- Conflict.
  conflict TEXT NOT NULL REFERENCES conflicts (id),
  -- Field written; /attempts for attempts that an edit did not know.
  field TEXT NOT NULL,
  -- The edit, or the update that brought the attempt: row of update_log.
  update_row INTEGER NOT NULL,
  -- JSON text; NULL for a removal, and for attempts that an edit did not know.
  value TEXT,
  -- 1 where it is shown.
  chosen INTEGER NOT NULL CHECK (chosen IN (0, 1)),
  PRIMARY KEY (conflict, field, update_row)
) STRICT, WITHOUT ROWID;

CREATE TABLE settlements (
  -- Fold: conflicts that an edit ended, as its writer knew them. Each is told whether the writes in dispute are here or
  -- are still to come.
  -- Conflict.
  conflict TEXT NOT NULL,
  -- The edit that ended it: row of update_log.
  update_row INTEGER NOT NULL,
  -- Wafer.
  wafer INTEGER NOT NULL,
  -- Kind, as in conflicts.
  kind TEXT NOT NULL CHECK (kind IN ('field', 'shape', 'guard', 'verdict')),
  -- Field, as in conflicts.
  field TEXT NOT NULL,
  -- Dots of the writes that stood against each other: text, blank between them.
  dots TEXT NOT NULL,
  PRIMARY KEY (conflict, update_row)
) STRICT, WITHOUT ROWID;

CREATE INDEX settlements_by_wafer ON settlements (wafer, update_row);

CREATE VIEW v_fields AS
  -- Documents in plain words: what is shown of each field of each wafer.
  SELECT w.lot, w.wafer_id, w.insertion, f.field, f.value, f.siblings, f.policy
  FROM fields f JOIN wafers w ON w.id = f.wafer;

CREATE VIEW v_conflicts AS
  -- Conflicts that stand now, one row a member.
  SELECT c.id, w.lot, w.wafer_id, w.insertion, c.kind, c.state, c.field AS disputed_field, m.field, m.value, m.chosen,
    o.fab, u.sequence, datetime(u.timestamp / 4096 / 1000 + unixepoch('2020-01-01'), 'unixepoch') AS written_utc, c.policy
  FROM conflicts c JOIN wafers w ON w.id = c.wafer JOIN conflict_members m ON m.conflict = c.id
    JOIN update_log u ON u.id = m.update_row JOIN origins o ON o.id = u.origin;
