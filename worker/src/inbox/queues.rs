//! The table `retries`: for each destination, the sends that are no longer untried, by their due time.

use super::db::{Batch, Db, Row};
use super::lives::size;
use crate::ids::RowId;
use crate::js::{Result, number};
use crate::life::{Progress, Send};

/// The queued sends to one destination. Times are milliseconds since the Unix epoch.
pub(super) struct Queue {
    pub(super) destination: String,
    /// The due time of the first one.
    pub(super) first: u64,
    /// The due time of the first one that is not due yet.
    pub(super) next: Option<u64>,
}

/// Lists the queues that are not empty, with three index lookups for each.
pub(super) fn list(db: &Db, now: u64) -> Result<Vec<Queue>> {
    let rows = db.rows(
        "WITH RECURSIVE names (name) AS (
            SELECT MIN(destination) FROM retries
            UNION ALL
            SELECT (SELECT MIN(destination) FROM retries WHERE destination > name)
            FROM names WHERE name IS NOT NULL
        )
        SELECT name, (SELECT MIN(due) FROM retries WHERE destination = name),
            (SELECT MIN(due) FROM retries WHERE destination = name AND due > ?)
        FROM names WHERE name IS NOT NULL",
        &[number(now)],
    )?;
    let read = |row: Row| {
        Ok(Queue { destination: row.text(0)?, first: row.number(1)?, next: row.maybe_number(2)? })
    };
    rows.into_iter().map(read).collect()
}

/// A queued send that is due.
pub(super) struct Retry {
    pub(super) due: u64,
    pub(super) row: RowId,
    /// The size of the body in bytes.
    pub(super) size: usize,
}

/// Returns the queued send of the newest delivery to a destination, if it is due.
pub(super) fn newest(db: &Db, destination: &str, now: u64) -> Result<Option<Retry>> {
    let row = db.row(
        "SELECT due, delivery, size FROM retries INDEXED BY retries_by_delivery JOIN deliveries ON key = delivery
        WHERE destination = ? AND due <= ? ORDER BY delivery DESC LIMIT 1",
        &[destination.into(), number(now)],
    )?;
    row.map(|row| Ok(Retry { due: row.number(0)?, row: row.row_id(1)?, size: size(&row, 2)? }))
        .transpose()
}

/// Lists the queued sends to a destination that are due, in the order of their due times.
pub(super) fn due(
    db: &Db,
    destination: &str,
    now: u64,
    most: impl TryInto<u64>,
) -> Result<Vec<Retry>> {
    let rows = db.rows(
        "SELECT due, delivery, size FROM retries JOIN deliveries ON key = delivery
        WHERE destination = ? AND due <= ? ORDER BY due LIMIT ?",
        &[destination.into(), number(now), number(most)],
    )?;
    let read =
        |row: Row| Ok(Retry { due: row.number(0)?, row: row.row_id(1)?, size: size(&row, 2)? });
    rows.into_iter().map(read).collect()
}

/// Adds a pending send to the table `retries`, and returns whether it is pending.
pub(super) fn add(batch: &mut Batch, row: RowId, send: &Send) -> bool {
    let Progress::Pending { due } = send.progress else { return false };
    batch.add(
        "INSERT OR IGNORE INTO retries (destination, due, delivery) VALUES (?, ?, ?)",
        &[send.destination.as_str().into(), number(due), row.into()],
    );
    true
}

/// Returns deliveries with a queued send to a destination that is due later than it began, those due last first: a send
/// that an earlier call has made due since it began is then rarely read again.
pub(super) fn delayed(db: &Db, destination: &str, most: usize) -> Result<Vec<RowId>> {
    let rows = db.rows(
        "SELECT delivery FROM retries JOIN deliveries ON deliveries.key = delivery, json_each(sends) AS send
        WHERE destination = ?1 AND due > send.value ->> 'began' AND send.value ->> 'destination' = ?1
        ORDER BY due DESC LIMIT ?2",
        &[destination.into(), number(most)],
    )?;
    rows.iter().map(|row| row.row_id(0)).collect()
}

/// Removes a queued send that the life of the delivery does not have, so that it does not delay others.
pub(super) fn drop_unknown(db: &Db, row: RowId, destination: &str) -> Result<()> {
    db.run(
        "DELETE FROM retries WHERE destination = ? AND delivery = ?",
        &[destination.into(), row.into()],
    )
}

pub(super) fn remove(batch: &mut Batch, row: RowId, send: Option<&Send>) {
    let Some(Send { destination, progress: Progress::Pending { due }, .. }) = send else { return };
    batch.add(
        "DELETE FROM retries WHERE destination = ? AND due = ? AND delivery = ?",
        &[destination.as_str().into(), number(*due), row.into()],
    );
}
