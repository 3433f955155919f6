-- The tables of version 1, with some deliveries. NOW is the time at which the test runs.
CREATE TABLE versions (version INTEGER PRIMARY KEY);
CREATE TABLE deliveries (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT,
    type TEXT NOT NULL,
    received INTEGER NOT NULL,
    signed_with TEXT NOT NULL,
    signature TEXT,
    content_type TEXT,
    size INTEGER NOT NULL,
    state TEXT NOT NULL,
    ended INTEGER,
    untried INTEGER,
    dead INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    last_duplicate INTEGER,
    traps INTEGER NOT NULL DEFAULT 0,
    sends TEXT NOT NULL DEFAULT '[]',
    attempts TEXT NOT NULL DEFAULT '[]',
    digest BLOB,
    body BLOB
);
CREATE UNIQUE INDEX firsts ON deliveries (id) WHERE kind = 'first';
CREATE INDEX others ON deliveries (id) WHERE kind <> 'first';
CREATE INDEX untried ON deliveries (key) WHERE untried = 1;
CREATE INDEX dead ON deliveries (key) WHERE dead > 0;
CREATE INDEX rare ON deliveries (state)
    WHERE state IN ('dead', 'unrouted', 'variant', 'forgotten', 'erased');
CREATE INDEX to_forget ON deliveries (ended) WHERE signature IS NOT NULL AND ended IS NOT NULL;
CREATE TABLE bodies (delivery INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE retries (
    destination TEXT NOT NULL,
    due INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    PRIMARY KEY (destination, due, delivery)
) WITHOUT ROWID;
CREATE INDEX retries_by_delivery ON retries (delivery);
CREATE TABLE remembered (id TEXT PRIMARY KEY, last INTEGER NOT NULL, erased INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX remembered_by_time ON remembered (last);
CREATE TABLE counts (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    saved INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    last_received INTEGER NOT NULL
);
CREATE TABLE destinations (
    name TEXT PRIMARY KEY,
    last_taken INTEGER,
    last_failed INTEGER,
    last_code TEXT
) WITHOUT ROWID;
CREATE TABLE refused (code TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE alerts (
    cause TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    due INTEGER
) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

INSERT INTO versions VALUES (1);
INSERT INTO counts VALUES (1, NOW - 85000, 1, 1, 2, NOW - 85000);
INSERT INTO remembered VALUES ('demo_session_finished:s-0', NOW - 60000, 1);
INSERT INTO meta VALUES ('shards', 1), ('watched_since', NOW - 90000), ('matched:current', NOW - 50000), ('failing_since', NULL);
INSERT INTO refused VALUES ('signature_mismatch', 3);
INSERT INTO alerts VALUES ('dead', 'A destination will not get a delivery: look at the delivery log.', NOW - 70000, NULL);
INSERT INTO destinations VALUES ('origin', NOW - 80000, NOW - 60000, 'origin_failed');
INSERT INTO deliveries
  (key, id, kind, name, type, received, signed_with, signature, content_type, body, size, state, ended, duplicates, last_duplicate)
VALUES
  (1, 'one:s-1', 'first', 'one', 'unknown', NOW - 80000, 'current', 'a1', 'application/json', CAST('{"n":1}' AS BLOB), 7, 'delivered', NOW - 80000, 2, NOW - 50000),
  (2, 'one:s-1', 'variant', 'one', 'unknown', NOW - 75000, 'previous', 'a2', NULL, CAST('{"n":2}' AS BLOB), 7, 'variant', NOW - 75000, 0, NULL),
  (3, 'one:s-3', 'first', 'one', 'unknown', NOW - 70000, 'current', 'a3', NULL, NULL, 7, 'dead', NOW - 70000, 0, NULL),
  (4, 'one:s-4', 'first', 'one', 'unknown', NOW - 65000, 'current', 'a4', NULL, CAST('{"n":4}' AS BLOB), 7, 'unrouted', NOW - 65000, 0, NULL),
  (5, 'demo_session_finished:s-5', 'first', NULL, 'demo_session_finished', NOW - 64000, 'current', NULL, NULL, NULL, 7, 'erased', NOW - 63000, 0, NULL),
  (6, 'one:s-6', 'first', 'one', 'unknown', NOW - 62000, 'current', NULL, NULL, NULL, 7, 'forgotten', NOW - 62000, 0, NULL),
  (7, 'one:s-7', 'first', 'one', 'unknown', NOW - 60000, 'current', 'a7', 'text/plain', CAST('{"n":7}' AS BLOB), 7, 'pending', NULL, 0, NULL),
  (8, 'one:s-8', 'first', 'one', 'unknown', NOW - 59000, 'current', 'a8', 'text/plain', CAST('{"n":8}' AS BLOB), 7, 'pending', NULL, 0, NULL);
INSERT INTO bodies VALUES (3, CAST('{"n":3}' AS BLOB));
INSERT INTO retries VALUES ('origin', NOW - 1000, 7);
UPDATE deliveries SET
  sends = '[{"destination":"origin","state":"delivered","attempts":1,"began":BEGAN}]',
  attempts = '[{"destination":"origin","at":BEGAN,"ms":12,"status":200,"code":null}]' WHERE key = 1;
UPDATE deliveries SET dead = 1,
  sends = '[{"destination":"origin","state":"dead","attempts":1,"began":BEGAN,"reason":"max_attempts"}]',
  attempts = '[{"destination":"origin","at":BEGAN,"ms":12,"status":503,"code":"origin_failed"}]' WHERE key = 3;
UPDATE deliveries SET
  sends = '[{"destination":"origin","state":"pending","attempts":1,"began":BEGAN,"due":DUE,"queued":true}]',
  attempts = '[{"destination":"origin","at":BEGAN,"ms":12,"status":null,"code":"origin_timeout"}]' WHERE key = 7;
UPDATE deliveries SET untried = 1,
  sends = '[{"destination":"origin","state":"pending","attempts":0,"began":BEGAN,"due":BEGAN}]' WHERE key = 8;
UPDATE deliveries SET sends = replace(replace(sends, 'BEGAN', received), 'DUE', NOW - 1000), attempts = replace(attempts, 'BEGAN', received);
