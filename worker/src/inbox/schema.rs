//! The tables, and how older versions of them are migrated. Times are in milliseconds since the Unix epoch. The column
//! `key` is a `RowId`, and `signed_with` is a `KeySlot`.

use super::db::Db;
use crate::js::{Result, number, or_null};

/// The condition of the index `rare`. A query must repeat it word for word, beside the state that it asks for: `SQLite`
/// does not infer it.
pub(super) const RARE: &str = "state IN ('dead', 'unrouted', 'variant', 'forgotten', 'erased')";

/// The statements that make each version from the one before. A version that has been released never changes.
const VERSIONS: [&[&str]; 3] = [VERSION_1, VERSION_2, VERSION_3];

const VERSION_1: &[&str] = &[
    // A delivery is one body that was received. `kind` is `first` of its ID, a `variant` of the first, or a `repeat` of
    // a test event. Once a delivery has `ended`, its body is kept for RETENTION_DAYS, and its row for as long as its ID
    // must be remembered.
    "CREATE TABLE deliveries (
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
    )",
    "CREATE UNIQUE INDEX firsts ON deliveries (id) WHERE kind = 'first'",
    "CREATE INDEX others ON deliveries (id) WHERE kind <> 'first'",
    "CREATE INDEX by_time ON deliveries (received)",
    "CREATE INDEX rare ON deliveries (state, received)
        WHERE state IN ('dead', 'unrouted', 'variant', 'forgotten', 'erased')",
    "CREATE INDEX to_forget ON deliveries (ended) WHERE body IS NOT NULL AND ended IS NOT NULL",
    // The progress of a delivery to one destination: the columns of `life::Send`.
    "CREATE TABLE sends (
        delivery INTEGER NOT NULL,
        destination TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        began INTEGER NOT NULL,
        due INTEGER,
        reason TEXT,
        PRIMARY KEY (delivery, destination)
    ) WITHOUT ROWID",
    "CREATE INDEX due ON sends (destination, due) WHERE state = 'pending'",
    "CREATE TABLE attempts (
        delivery INTEGER NOT NULL,
        n INTEGER NOT NULL,
        destination TEXT NOT NULL,
        at INTEGER NOT NULL,
        ms INTEGER NOT NULL,
        status INTEGER,
        code TEXT,
        PRIMARY KEY (delivery, n)
    ) WITHOUT ROWID",
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

// Finds a delivery that is dead to one destination while another may still accept it.
const VERSION_2: &[&str] = &["CREATE INDEX dead ON sends (delivery) WHERE state = 'dead'"];

const VERSION_3: &[&str] = &[
    // IDs whose rows were dropped, but which were received again later, at `last`. This is a table, because building an
    // index on a full inbox would read every delivery.
    "CREATE TABLE remembered (id TEXT PRIMARY KEY, last INTEGER NOT NULL, erased INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX remembered_by_time ON remembered (last)",
];

/// Creates or migrates the tables. Tables of a newer version stay as they are: a version only adds what older code does
/// not use.
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
    let value = or_null(value.map(number));
    db.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", &[name.into(), value])
}
