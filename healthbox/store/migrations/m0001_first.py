"""The first schema: people, ledger, samples, days, findings, deliveries."""

PEOPLE = """
CREATE TABLE person (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- who comes later never gets the number of somebody who left
  name TEXT NOT NULL UNIQUE, units TEXT NOT NULL DEFAULT 'metric', locale TEXT NOT NULL DEFAULT 'en_GB',
  demo INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL);
CREATE TABLE person_zone (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, since INTEGER NOT NULL, zone TEXT NOT NULL,
  PRIMARY KEY (person_id, since)) WITHOUT ROWID;
CREATE TABLE account (
  id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE COLLATE NOCASE, password TEXT NOT NULL, admin INTEGER NOT NULL DEFAULT 0,
  person_id INTEGER REFERENCES person ON DELETE CASCADE, theme TEXT, created_at INTEGER NOT NULL);
CREATE TABLE session (
  id BLOB PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE, csrf TEXT NOT NULL,
  created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, agent TEXT NOT NULL DEFAULT '');
CREATE TABLE login_failure (who TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX login_failure_who ON login_failure (who, at);
CREATE TABLE device (
  id INTEGER PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, name TEXT NOT NULL,
  token_id TEXT NOT NULL UNIQUE, token_hash BLOB NOT NULL, scopes TEXT NOT NULL, created_at INTEGER NOT NULL,
  revoked_at INTEGER, last_used_at INTEGER, last_contact_at INTEGER, refused_at INTEGER,
  refused INTEGER); -- the HTTP status of the last refusal, noted until the device's first upload
CREATE INDEX device_person ON device (person_id);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

SOURCES = """
CREATE TABLE source (
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, name TEXT NOT NULL, kind TEXT NOT NULL,
  product TEXT, created_at INTEGER NOT NULL);
CREATE INDEX source_person ON source (person_id);
CREATE TABLE source_alias (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, form TEXT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL,
  source_id INTEGER NOT NULL REFERENCES source ON DELETE CASCADE, PRIMARY KEY (person_id, form, value, kind, source_id)) WITHOUT ROWID;
CREATE TABLE precedence (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, metric TEXT NOT NULL,
  source_id INTEGER NOT NULL REFERENCES source ON DELETE CASCADE,
  rank INTEGER NOT NULL, PRIMARY KEY (person_id, metric, source_id)) WITHOUT ROWID;
CREATE TABLE arrival (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, form TEXT NOT NULL, ref INTEGER NOT NULL, newest INTEGER NOT NULL,
  usual INTEGER, longest INTEGER, carrier INTEGER, PRIMARY KEY (person_id, form, ref)) WITHOUT ROWID;
CREATE TABLE metric (
  key TEXT PRIMARY KEY, label TEXT NOT NULL, unit TEXT NOT NULL, aggregation TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE metric_alias (
  naming TEXT NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL, key TEXT NOT NULL, -- of metric or of the catalogue
  said TEXT NOT NULL DEFAULT '', -- the unit it is in where it comes without one
  PRIMARY KEY (naming, name, unit)) WITHOUT ROWID;
CREATE TABLE unknown_metric (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, key TEXT NOT NULL, naming TEXT NOT NULL, name TEXT NOT NULL,
  unit TEXT NOT NULL,
  first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, records INTEGER NOT NULL, PRIMARY KEY (person_id, key)) WITHOUT ROWID;
"""

SAMPLES = """
CREATE TABLE series (
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, metric TEXT NOT NULL,
  source_id INTEGER NOT NULL REFERENCES source ON DELETE CASCADE, longest INTEGER NOT NULL DEFAULT 0,
  zoned INTEGER NOT NULL DEFAULT 0, UNIQUE (person_id, metric, source_id));
CREATE TABLE sample (
  series_id INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, tag TEXT NOT NULL, value REAL NOT NULL,
  uuid BLOB, ms INTEGER, zone_id INTEGER, meta_id INTEGER, batch_id INTEGER NOT NULL, as_of INTEGER,
  PRIMARY KEY (series_id, start, "end", tag)) WITHOUT ROWID;
CREATE TABLE long_sample (
  series_id INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, tag TEXT NOT NULL,
  PRIMARY KEY (series_id, start, "end", tag)) WITHOUT ROWID;
CREATE TABLE also_uuid (
  series_id INTEGER NOT NULL, uuid BLOB NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, tag TEXT NOT NULL, as_of INTEGER NOT NULL,
  PRIMARY KEY (series_id, uuid, start, "end", tag)) WITHOUT ROWID;
CREATE INDEX also_uuid_key ON also_uuid (series_id, start, "end", tag, uuid, as_of); -- whole: else all names of a series are read
CREATE TABLE point_set (
  series_id INTEGER NOT NULL, uuid BLOB NOT NULL, batch_id INTEGER NOT NULL, as_of INTEGER NOT NULL, start INTEGER NOT NULL,
  "end" INTEGER NOT NULL, replaced INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (series_id, uuid)) WITHOUT ROWID;
CREATE TABLE gone (
  series_id INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, value REAL NOT NULL,
  PRIMARY KEY (series_id, start, "end", value)) WITHOUT ROWID;
CREATE TABLE tombstone (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, uuid BLOB NOT NULL, metric TEXT NOT NULL DEFAULT '',
  batch_id INTEGER NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (person_id, uuid, metric)) WITHOUT ROWID;
CREATE TABLE zone (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE meta (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE);
CREATE TABLE bucket (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, metric TEXT NOT NULL, app TEXT NOT NULL, width TEXT NOT NULL,
  start INTEGER NOT NULL,
  date TEXT, value REAL, low REAL, high REAL, source TEXT NOT NULL, as_of INTEGER NOT NULL, batch_id INTEGER NOT NULL,
  uuid BLOB, -- what its latest statement was called, for deletions
  PRIMARY KEY (person_id, metric, app, width, start)) WITHOUT ROWID;
CREATE INDEX bucket_uuid ON bucket (person_id, uuid) WHERE uuid IS NOT NULL;
CREATE TABLE sleep_stage (
  id INTEGER PRIMARY KEY, series_id INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, stage TEXT NOT NULL, uuid BLOB,
  parent INTEGER NOT NULL DEFAULT 0, zone TEXT, as_of INTEGER NOT NULL, batch_id INTEGER NOT NULL, superseded INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX sleep_stage_key ON sleep_stage (series_id, start, "end", stage);
CREATE INDEX sleep_stage_aside ON sleep_stage (series_id, start) WHERE superseded=1;
CREATE INDEX sleep_stage_uuid ON sleep_stage (series_id, uuid) WHERE uuid IS NOT NULL;
CREATE TABLE stated_night (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, app TEXT NOT NULL, date TEXT NOT NULL, json TEXT NOT NULL,
  source TEXT NOT NULL,
  as_of INTEGER NOT NULL, batch_id INTEGER NOT NULL,
  asleep REAL, -- minutes, as stated or as the stated stages add up
  PRIMARY KEY (person_id, app, date)) WITHOUT ROWID;
CREATE INDEX stated_night_asleep ON stated_night (person_id, date, as_of, app, asleep);
CREATE TABLE workout (
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, source_id INTEGER NOT NULL, uuid BLOB,
  activity TEXT NOT NULL,
  start INTEGER NOT NULL, "end" INTEGER NOT NULL, zone TEXT, totals TEXT NOT NULL, series BLOB, route BLOB, laps TEXT NOT NULL DEFAULT '[]',
  meta TEXT NOT NULL DEFAULT '{}', as_of INTEGER NOT NULL, batch_id INTEGER NOT NULL, superseded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX workout_start ON workout (person_id, start);
CREATE INDEX workout_aside ON workout (person_id, start) WHERE superseded=1;
CREATE UNIQUE INDEX workout_uuid ON workout (person_id, uuid) WHERE uuid IS NOT NULL;
CREATE TABLE clinical (
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, kind TEXT NOT NULL, uuid TEXT, start INTEGER,
  "end" INTEGER,
  hash BLOB NOT NULL, json BLOB NOT NULL, source_id INTEGER, as_of INTEGER NOT NULL, batch_id INTEGER NOT NULL);
CREATE UNIQUE INDEX clinical_uuid ON clinical (person_id, kind, uuid) WHERE uuid IS NOT NULL;
CREATE UNIQUE INDEX clinical_hash ON clinical (person_id, kind, hash) WHERE uuid IS NULL;
"""

LEDGER = """
CREATE TABLE batch (
  id INTEGER PRIMARY KEY, public TEXT NOT NULL UNIQUE, person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,
  device_id INTEGER NOT NULL REFERENCES device ON DELETE CASCADE, client TEXT, format TEXT NOT NULL, status TEXT NOT NULL,
  headers TEXT NOT NULL DEFAULT '{}', zone TEXT NOT NULL, anchor TEXT, metric TEXT, final INTEGER, unfinished TEXT,
  new INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0, duplicate INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
  as_of INTEGER, created_at INTEGER NOT NULL, touched_at INTEGER NOT NULL, started_at INTEGER, closed_at INTEGER);
CREATE UNIQUE INDEX batch_client ON batch (device_id, client) WHERE client IS NOT NULL;
CREATE INDEX batch_person ON batch (person_id, id);
CREATE INDEX batch_touched ON batch (person_id, touched_at);
CREATE INDEX batch_device ON batch (device_id, id);
CREATE INDEX batch_open ON batch (id) WHERE closed_at IS NULL;
CREATE INDEX batch_unnamed ON batch (device_id, anchor, id)
  WHERE client IS NULL AND anchor IS NOT NULL AND final IS NULL AND closed_at IS NULL;
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY, batch_id INTEGER NOT NULL REFERENCES batch ON DELETE CASCADE, idx INTEGER NOT NULL, sha BLOB NOT NULL,
  spool TEXT, size INTEGER NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0, share REAL, -- of a file: how far it is worked off, 0 to 1
  due_at INTEGER NOT NULL, error TEXT, accepted_at INTEGER NOT NULL, as_of INTEGER NOT NULL, finished_at INTEGER,
  again INTEGER NOT NULL DEFAULT 0, again_at INTEGER, -- how often the client sent this very part once more, and when last
  body BLOB, UNIQUE (batch_id, idx)); -- the body stands last: what the queue asks never walks through it
CREATE INDEX chunk_sha ON chunk (sha);
CREATE INDEX chunk_open ON chunk (due_at) WHERE status IN ('pending', 'running');
CREATE INDEX chunk_next ON chunk (batch_id, idx) WHERE status IN ('pending', 'running');
CREATE INDEX chunk_dead ON chunk (id) WHERE status = 'dead';
CREATE INDEX chunk_again ON chunk (batch_id) WHERE again > 0;
CREATE TABLE rejection (
  id INTEGER PRIMARY KEY, batch_id INTEGER NOT NULL REFERENCES batch ON DELETE CASCADE, idx INTEGER NOT NULL, position TEXT NOT NULL,
  code TEXT NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL);
CREATE INDEX rejection_batch ON rejection (batch_id, id);
CREATE TABLE whole_export ( -- a whole history as an upload states it: what it lacks of what was said before it is superseded
  id INTEGER PRIMARY KEY, batch_id INTEGER NOT NULL REFERENCES batch ON DELETE CASCADE, as_of INTEGER, state TEXT NOT NULL,
  due INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0); -- told: of an export that another healthbox has read
CREATE INDEX whole_export_batch ON whole_export (batch_id);
CREATE INDEX whole_export_due ON whole_export (batch_id) WHERE due=1;
CREATE TABLE whole_cover (
  source_id INTEGER NOT NULL REFERENCES source ON DELETE CASCADE, export_id INTEGER NOT NULL REFERENCES whole_export ON DELETE CASCADE,
  first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (source_id, export_id)) WITHOUT ROWID;
CREATE INDEX whole_cover_export ON whole_cover (export_id);
CREATE TABLE reconcile ( -- a whole export that, if a person says so, sets samples aside too; the cursor says how far that is
  batch_id INTEGER PRIMARY KEY REFERENCES batch ON DELETE CASCADE, held TEXT NOT NULL, state TEXT NOT NULL,
  series_id INTEGER NOT NULL DEFAULT 0, start INTEGER NOT NULL DEFAULT 0);
CREATE TABLE reconcile_count (
  batch_id INTEGER NOT NULL REFERENCES reconcile ON DELETE CASCADE, series_id INTEGER NOT NULL, samples INTEGER NOT NULL,
  PRIMARY KEY (batch_id, series_id)) WITHOUT ROWID;
CREATE TABLE set_aside (
  batch_id INTEGER NOT NULL REFERENCES batch ON DELETE CASCADE, series_id INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
  tag TEXT NOT NULL, value REAL NOT NULL, uuid BLOB, ms INTEGER, zone_id INTEGER, meta_id INTEGER, origin INTEGER NOT NULL, as_of INTEGER,
  names TEXT, -- the further uuids: [[hexadecimal, as_of, whether it names a parent], ...]
  PRIMARY KEY (batch_id, series_id, start, "end", tag)) WITHOUT ROWID;
CREATE INDEX set_aside_series ON set_aside (series_id, start, "end");
CREATE TABLE anchor (
  device_id INTEGER NOT NULL REFERENCES device ON DELETE CASCADE, metric TEXT NOT NULL, anchor TEXT NOT NULL, batch_id INTEGER NOT NULL,
  moved_at INTEGER NOT NULL, PRIMARY KEY (device_id, metric)) WITHOUT ROWID;
CREATE TABLE job (name TEXT PRIMARY KEY, due_at INTEGER NOT NULL, last_at INTEGER, last_error TEXT,
  attempts INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
"""

DAYS = """
CREATE TABLE dirty_day (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, metric TEXT NOT NULL, date TEXT NOT NULL, generation INTEGER NOT NULL,
  marked_at INTEGER NOT NULL, PRIMARY KEY (person_id, metric, date)) WITHOUT ROWID;
CREATE INDEX dirty_day_marked ON dirty_day (marked_at);
CREATE TABLE changed_day (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, date TEXT NOT NULL, generation INTEGER NOT NULL,
  PRIMARY KEY (person_id, date)) WITHOUT ROWID;
CREATE TABLE day (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, metric TEXT NOT NULL, date TEXT NOT NULL, value REAL, low REAL,
  high REAL, mean REAL,
  n INTEGER NOT NULL, coverage REAL, layer TEXT NOT NULL, rule TEXT NOT NULL, detail TEXT NOT NULL,
  drift REAL, covered REAL, -- where both are known: how far our readings lie from what was stated, how much of the day they cover
  PRIMARY KEY (person_id, metric, date)) WITHOUT ROWID;
CREATE INDEX day_date ON day (person_id, date);
CREATE INDEX day_drift ON day (person_id, metric, date, drift, covered) WHERE drift IS NOT NULL; -- years without their details
CREATE TABLE night (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, date TEXT NOT NULL, asleep REAL, start INTEGER, "end" INTEGER,
  json TEXT NOT NULL, stated INTEGER NOT NULL, -- made of no stages
  PRIMARY KEY (person_id, date)) WITHOUT ROWID;
CREATE INDEX night_edges ON night (person_id, date, asleep, start, "end", stated); -- ten years of nights without their courses
"""

ALERTS = """
CREATE TABLE finding (
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, rule TEXT NOT NULL, metric TEXT NOT NULL,
  started TEXT NOT NULL, latest TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, json TEXT NOT NULL, quiet_until TEXT, note TEXT,
  created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, UNIQUE (person_id, rule, metric, started));
CREATE TABLE rule_setting (
  person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, rule TEXT NOT NULL, enabled INTEGER NOT NULL, json TEXT NOT NULL,
  PRIMARY KEY (person_id, rule)) WITHOUT ROWID;
CREATE TABLE channel (
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, name TEXT NOT NULL, service TEXT NOT NULL,
  sealed BLOB NOT NULL, detail TEXT NOT NULL, least TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1, created_at INTEGER NOT NULL);
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY, finding_id INTEGER NOT NULL REFERENCES finding ON DELETE CASCADE, state TEXT NOT NULL,
  channel_id INTEGER NOT NULL REFERENCES channel ON DELETE CASCADE, status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL, error TEXT, category TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL, sent_at INTEGER,
  UNIQUE (finding_id, state, channel_id));
CREATE INDEX delivery_open ON delivery (due_at) WHERE status IN ('pending', 'sending');
"""

STATEMENTS = PEOPLE + SOURCES + SAMPLES + LEDGER + DAYS + ALERTS
