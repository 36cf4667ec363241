-- Lots: the runs of a lot are found without going through all runs, also those of which nothing but the record has come.

CREATE INDEX runs_by_lot ON runs (lot, id) WHERE lot IS NOT NULL;
