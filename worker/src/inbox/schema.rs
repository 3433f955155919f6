//! The tables, and how older versions of them are migrated. Times are in milliseconds since the Unix epoch. The column
//! `key` is a `RowId`, and `signed_with` is a `KeySlot`.

use super::db::{Batch, Db};
use crate::js::{Result, number, or_null};

/// The condition of the index `rare`. A query must repeat it word for word, in addition to the state that it asks for:
/// `SQLite` does not infer it.
pub(super) const RARE: &str = "state IN ('dead', 'unrouted', 'variant', 'forgotten', 'erased')";

/// How many bytes a test of the storage writes: more than the results of all requests that can be in flight.
const TEST_BYTES: u32 = 64 << 10;

/// The statements that make each version from the previous one. A released version never changes.
const VERSIONS: [&[&str]; 3] = [VERSION_1, VERSION_2, VERSION_3];

// Cloudflare bills each row that is written, and an entry of an index counts as one. For each delivery, as few as possible
// are written: its row with the indexes `firsts` and `untried`, then its result with the index `to_forget`, then its
// removal. `tests/worker/rows.test.mjs` counts them.
const VERSION_1: &[&str] = &[
    // A delivery is one body that was received. `kind` is `first` of its ID, a `variant` of the first, or a `repeat` of
    // a test event. `sends` is a JSON list of `life::Send`, and `dead` is the number of dead sends. `untried` is 1 while an
    // attempt to some destination has not been made and is not in `retries`. `attempts` is a JSON list of the last attempts.
    // `digest` is the SHA-256 of the body without its timestamp. It is set once a second body with the same ID has arrived.
    // Once a delivery has `ended`, it is kept for RETENTION, and its ID for as long as it must be remembered.
    "CREATE TABLE deliveries (
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
    )",
    "CREATE UNIQUE INDEX firsts ON deliveries (id) WHERE kind = 'first'",
    "CREATE INDEX others ON deliveries (id) WHERE kind <> 'first'",
    "CREATE INDEX untried ON deliveries (key) WHERE untried = 1",
    "CREATE INDEX dead ON deliveries (key) WHERE dead > 0",
    "CREATE INDEX rare ON deliveries (state)
        WHERE state IN ('dead', 'unrouted', 'variant', 'forgotten', 'erased')",
    "CREATE INDEX to_forget ON deliveries (ended) WHERE signature IS NOT NULL AND ended IS NOT NULL",
    // Long bodies, so that a result does not write them again.
    "CREATE TABLE bodies (delivery INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    // The due time of the next attempt to a destination, if it is not the first.
    "CREATE TABLE retries (
        destination TEXT NOT NULL,
        due INTEGER NOT NULL,
        delivery INTEGER NOT NULL,
        PRIMARY KEY (destination, due, delivery)
    ) WITHOUT ROWID",
    "CREATE INDEX retries_by_delivery ON retries (delivery)",
    // IDs whose rows were dropped. A delivery with such an ID was last received at `last`.
    "CREATE TABLE remembered (id TEXT PRIMARY KEY, last INTEGER NOT NULL, erased INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX remembered_by_time ON remembered (last)",
    // The counts that are kept in memory, as they were last saved: see `counts.rs`.
    "CREATE TABLE counts (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        saved INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        deliveries INTEGER NOT NULL,
        duplicates INTEGER NOT NULL,
        last_received INTEGER NOT NULL
    )",
    "CREATE TABLE destinations (
        name TEXT PRIMARY KEY,
        last_taken INTEGER,
        last_failed INTEGER,
        last_code TEXT
    ) WITHOUT ROWID",
    "CREATE TABLE refused (code TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID",
    // The last alert of each cause; it is still to be posted if it has a `due`.
    "CREATE TABLE alerts (
        cause TEXT PRIMARY KEY,
        text TEXT NOT NULL,
        at INTEGER NOT NULL,
        due INTEGER
    ) WITHOUT ROWID",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
];

// Held deliveries, and the quarantine: see `quarantine.rs`. It has no index, because attackers can cause its rows.
const VERSION_2: &[&str] = &[
    // An older version without held deliveries resets their `untried`: see `held.rs`.
    "CREATE INDEX held ON deliveries (key) WHERE state = 'held'",
    // A rejected request. Once it is delivered or erased, only its time is stored, because it still counts for its day.
    "CREATE TABLE kept (
        key INTEGER PRIMARY KEY,
        received INTEGER NOT NULL,
        traps INTEGER NOT NULL DEFAULT 0,
        code TEXT NOT NULL,
        size INTEGER NOT NULL,
        name TEXT,
        network TEXT,
        digest TEXT,
        signature TEXT,
        content_type TEXT,
        body BLOB
    )",
    // When a network last sent a new genuine event.
    "CREATE TABLE networks (network TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID",
    // `secret` is the key of the hashes. `verified_with` is a `room::VerifiedWith`: NULL, empty or a fingerprint.
    "CREATE TABLE quarantine (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        secret TEXT NOT NULL,
        verified_with TEXT,
        recovered INTEGER NOT NULL DEFAULT 0,
        dropped INTEGER NOT NULL DEFAULT 0
    )",
];

// Pauses, circuit breakers and drift.
const VERSION_3: &[&str] = &[
    // 1 for a test event. Older rows have NULL, as other events do.
    "ALTER TABLE deliveries ADD COLUMN test INTEGER",
    // The header `walnut-edge` of the request, if it came from another edge.
    "ALTER TABLE deliveries ADD COLUMN edges TEXT",
    // A `circuit::Circuit` for each destination that was ever paused, held or failing. It is not in `destinations`, whose
    // rows older versions replace.
    "CREATE TABLE circuits (
        name TEXT PRIMARY KEY,
        paused_since INTEGER,
        paused_ms INTEGER NOT NULL DEFAULT 0,
        held_until INTEGER,
        holds INTEGER NOT NULL DEFAULT 0,
        failing_since INTEGER,
        failures INTEGER NOT NULL DEFAULT 0,
        how TEXT,
        alerted INTEGER
    ) WITHOUT ROWID",
    // The differences from the documented shapes that were seen. Only the first shard has rows.
    "CREATE TABLE drift (
        event TEXT NOT NULL,
        path TEXT NOT NULL,
        kind TEXT NOT NULL,
        times INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (event, path, kind)
    ) WITHOUT ROWID",
];

/// Creates or migrates the tables. Tables of a newer version stay as they are: a version only adds tables, columns and
/// indexes that older code does not use.
pub(super) fn migrate(db: &Db) -> Result<()> {
    db.run("CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY)", &[])?;
    let newest = db.number("SELECT MAX(version) FROM versions", &[])?.unwrap_or(0);
    let newest = usize::try_from(newest).unwrap_or(usize::MAX);
    for (version, statements) in (1_u64..).zip(VERSIONS).skip(newest) {
        db.transaction(|| {
            for statement in statements {
                db.run(statement, &[])?;
            }
            db.run("INSERT INTO versions (version) VALUES (?)", &[number(version)])
        })?;
    }
    Ok(())
}

/// Loads a number by name.
pub(super) fn load_meta(db: &Db, name: &str) -> Result<Option<u64>> {
    db.number("SELECT value FROM meta WHERE name = ?", &[name.into()])
}

/// Stores a number by name.
pub(super) fn save_meta(db: &Db, name: &str, value: Option<u64>) -> Result<()> {
    db.run(SAVE_META, &[name.into(), or_null(value.map(number))])
}

/// Stores a number by name, with the other statements of a batch.
pub(super) fn add_meta(batch: &mut Batch, name: &str, value: u64) {
    batch.add(SAVE_META, &[name.into(), number(value)]);
}

const SAVE_META: &str = "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)";

/// Tests whether results can be stored. If not, this function fails, or the platform ends the object.
pub(super) async fn test_storage(db: &Db) -> Result<()> {
    db.run(
        "INSERT OR REPLACE INTO meta (name, value) VALUES ('test', zeroblob(?))",
        &[number(TEST_BYTES)],
    )?;
    db.sync().await?;
    db.run("DELETE FROM meta WHERE name = 'test'", &[])
}
