//! The tables, and how an older version of them becomes the newest. Times are milliseconds since the
//! Unix epoch.

use super::db::Db;
use crate::js::{Result, number, or_null};

/// Of which states there is an index. It is used where a query repeats these words exactly, beside the
/// state that it asks for: `SQLite` does not conclude one from the other.
pub(super) const RARE: &str = "state IN ('dead', 'unrouted', 'variant', 'forgotten', 'erased')";

/// Each makes the next version. What is deployed somewhere is never changed, only followed by another.
const VERSIONS: [&[&str]; 3] = [VERSION_1, VERSION_2, VERSION_3];

const VERSION_1: &[&str] = &[
    // A delivery is one body that came. `kind` is `first` of its id, a `variant` of the first, or a
    // `repeat` of a test. Once it has `ended`, its body is kept for a while, and its row for as long as
    // its id must be remembered.
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
    // A delivery on its way to one destination: the columns of `life::Send`.
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
    // The last alert of each cause; it is posted while it is `due`.
    "CREATE TABLE alerts (
        cause TEXT PRIMARY KEY,
        text TEXT NOT NULL,
        at INTEGER NOT NULL,
        due INTEGER
    ) WITHOUT ROWID",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
];

// What is dead to one destination is found while another may still get it.
const VERSION_2: &[&str] = &["CREATE INDEX dead ON sends (delivery) WHERE state = 'dead'"];

const VERSION_3: &[&str] = &[
    // An id of which a row was dropped that came when all of it was old, though something of it came `last` after that.
    // A table of its own costs an inbox that is full nothing: an index on its deliveries would have to read them all.
    "CREATE TABLE remembered (id TEXT PRIMARY KEY, last INTEGER NOT NULL, erased INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX remembered_by_time ON remembered (last)",
];

/// Makes the tables, or brings them up to date. One of a newer version is left as it is: versions only
/// add what an older program does not look at.
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

/// Reads a value that is kept by name.
pub(super) fn meta(db: &Db, name: &str) -> Result<Option<u64>> {
    db.number("SELECT value FROM meta WHERE name = ?", &[name.into()])
}

/// Keeps a value by name.
pub(super) fn keep(db: &Db, name: &str, value: Option<u64>) -> Result<()> {
    let value = or_null(value.map(number));
    db.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", &[name.into(), value])
}
