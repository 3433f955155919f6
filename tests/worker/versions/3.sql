-- The tables as version 3 left them, with some deliveries; NOW is the time at which the test runs.
CREATE TABLE versions (version INTEGER PRIMARY KEY);
CREATE TABLE deliveries (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT,
    type TEXT NOT NULL,
    received INTEGER NOT NULL,
    signed_with TEXT NOT NULL,
    signature TEXT,
    content_type TEXT,
    body BLOB,
    size INTEGER NOT NULL,
    state TEXT NOT NULL,
    ended INTEGER,
    duplicates INTEGER NOT NULL DEFAULT 0,
    last_duplicate INTEGER,
    traps INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX firsts ON deliveries (id) WHERE kind = 'first';
CREATE INDEX others ON deliveries (id) WHERE kind <> 'first';
CREATE INDEX by_time ON deliveries (received);
CREATE INDEX rare ON deliveries (state, received) WHERE state IN ('dead', 'unrouted', 'variant', 'forgotten', 'erased');
CREATE INDEX to_forget ON deliveries (ended) WHERE body IS NOT NULL AND ended IS NOT NULL;
CREATE TABLE sends (
    delivery INTEGER NOT NULL,
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    began INTEGER NOT NULL,
    due INTEGER,
    reason TEXT,
    PRIMARY KEY (delivery, destination)
) WITHOUT ROWID;
CREATE INDEX due ON sends (destination, due) WHERE state = 'pending';
CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    n INTEGER NOT NULL,
    destination TEXT NOT NULL,
    at INTEGER NOT NULL,
    ms INTEGER NOT NULL,
    status INTEGER,
    code TEXT,
    PRIMARY KEY (delivery, n)
) WITHOUT ROWID;
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
CREATE INDEX dead ON sends (delivery) WHERE state = 'dead';
CREATE TABLE remembered (id TEXT PRIMARY KEY, last INTEGER NOT NULL, erased INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX remembered_by_time ON remembered (last);

INSERT INTO versions VALUES (1), (2), (3);
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
  (3, 'one:s-3', 'first', 'one', 'unknown', NOW - 70000, 'current', 'a3', NULL, CAST('{"n":3}' AS BLOB), 7, 'dead', NOW - 70000, 0, NULL),
  (4, 'one:s-4', 'first', 'one', 'unknown', NOW - 65000, 'current', 'a4', NULL, CAST('{"n":4}' AS BLOB), 7, 'unrouted', NOW - 65000, 0, NULL),
  (5, 'demo_session_finished:s-5', 'first', NULL, 'demo_session_finished', NOW - 64000, 'current', NULL, NULL, NULL, 7, 'erased', NOW - 63000, 0, NULL),
  (6, 'one:s-6', 'first', 'one', 'unknown', NOW - 62000, 'current', NULL, NULL, NULL, 7, 'forgotten', NOW - 62000, 0, NULL),
  (7, 'one:s-7', 'first', 'one', 'unknown', NOW - 60000, 'current', 'a7', 'text/plain', CAST('{"n":7}' AS BLOB), 7, 'pending', NULL, 0, NULL);
INSERT INTO sends (delivery, destination, state, attempts, began, due, reason) VALUES
  (1, 'origin', 'delivered', 1, NOW - 80000, NULL, NULL),
  (3, 'origin', 'dead', 1, NOW - 70000, NULL, 'max_attempts'),
  (7, 'origin', 'pending', 1, NOW - 60000, NOW - 1000, NULL);
INSERT INTO attempts (delivery, n, destination, at, ms, status, code) VALUES
  (1, 1, 'origin', NOW - 80000, 12, 200, NULL),
  (3, 1, 'origin', NOW - 70000, 12, 503, 'origin_failed'),
  (7, 1, 'origin', NOW - 60000, 12, NULL, 'origin_timeout');
