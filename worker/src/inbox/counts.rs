//! The counts that the inbox keeps in memory, so that an event does not have to write them. They are saved from time to
//! time, and with every removal of deliveries. The platform ends an idle object within seconds, and unsaved counts are
//! lost. The next object counts again: the deliveries that arrived since the last save, with their duplicates, and the
//! attempts of the last deliveries. So the number of deliveries is exact, and only duplicates and attempts of older
//! deliveries can be missing.

use super::db::Db;
use crate::ids::RowId;
use crate::js::{Result, number, or_null};

/// The shortest time between two saves, in milliseconds.
const SAVE_MS: u64 = 15 * 60 * 1000;

/// The number of deliveries whose attempts are read when the counts are loaded.
const LAST_DELIVERIES: u32 = 100;

/// The last results of a destination: when it accepted a delivery, when an attempt failed, in milliseconds since the Unix
/// epoch, and the code of that failure.
#[derive(Clone, Debug, Default)]
pub(super) struct Destination {
    pub(super) name: String,
    pub(super) taken: Option<u64>,
    pub(super) failed: Option<u64>,
    pub(super) code: Option<String>,
    /// The duration of its last attempt when the counts were loaded, in milliseconds.
    pub(super) ms: Option<u64>,
}

/// The counts of one shard.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// The row that was stored last.
    pub(super) newest: RowId,
    pub(super) deliveries: u64,
    pub(super) duplicates: u64,
    /// When a delivery or a duplicate was last received; 0 if none ever was.
    pub(super) last_received: u64,
    pub(super) destinations: Vec<Destination>,
    /// When the counts were last saved, and whether they have changed since.
    saved: u64,
    changed: bool,
}

impl Counts {
    /// Loads the saved counts, and adds the deliveries that were stored since.
    pub(super) fn load(db: &Db) -> Result<Self> {
        let mut counts = Self::default();
        let row =
            db.row("SELECT saved, newest, deliveries, duplicates, last_received FROM counts", &[])?;
        if let Some(row) = row {
            counts.saved = row.number(0)?;
            counts.newest = row.row_id(1)?;
            counts.deliveries = row.number(2)?;
            counts.duplicates = row.number(3)?;
            counts.last_received = row.number(4)?;
        }
        let since = db.row(
            "SELECT COUNT(*), MAX(key), MAX(MAX(received, COALESCE(last_duplicate, 0))), SUM(duplicates)
            FROM deliveries WHERE key > ?",
            &[counts.newest.into()],
        )?;
        if let Some(row) = since {
            counts.deliveries = counts.deliveries.saturating_add(row.number(0)?);
            counts.newest = counts.newest.max(RowId(row.maybe_number(1)?.unwrap_or(0)));
            counts.last_received = counts.last_received.max(row.maybe_number(2)?.unwrap_or(0));
            let duplicates = row.maybe_number(3)?.unwrap_or(0);
            counts.duplicates = counts.duplicates.saturating_add(duplicates);
        }
        for row in
            db.rows("SELECT name, last_taken, last_failed, last_code FROM destinations", &[])?
        {
            counts.destinations.push(Destination {
                name: row.text(0)?,
                taken: row.maybe_number(1)?,
                failed: row.maybe_number(2)?,
                code: row.maybe_text(3)?,
                ms: None,
            });
        }
        counts.load_attempts(db)?;
        Ok(counts)
    }

    /// Adds the attempts of the last deliveries.
    fn load_attempts(&mut self, db: &Db) -> Result<()> {
        let rows = db.rows(
            "SELECT it.value ->> 'destination', it.value ->> 'code', MAX((it.value ->> 'at') + (it.value ->> 'ms')),
                it.value ->> 'ms'
            FROM (SELECT attempts FROM deliveries ORDER BY key DESC LIMIT ?),
                json_each(attempts) AS it
            GROUP BY 1, 2",
            &[number(LAST_DELIVERIES)],
        )?;
        for row in rows {
            let (name, code, time) = (row.text(0)?, row.maybe_text(1)?, row.maybe_number(2)?);
            let ms = row.maybe_number(3)?;
            self.update(&name, |known| {
                if time >= known.taken.max(known.failed) {
                    known.ms = ms;
                }
                if code.is_none() {
                    known.taken = known.taken.max(time);
                } else if time > known.failed {
                    (known.failed, known.code) = (time, code);
                }
            });
        }
        Ok(())
    }

    /// Returns the number of a new row.
    pub(super) fn next_row(&self, now: u64) -> RowId {
        RowId::at(now).max(self.newest.next())
    }

    /// Counts a delivery that was stored in `row`.
    pub(super) fn stored(&mut self, row: RowId, received: u64) {
        self.newest = row;
        self.deliveries = self.deliveries.saturating_add(1);
        self.last_received = self.last_received.max(received);
        self.changed = true;
    }

    /// Counts a duplicate.
    pub(super) fn duplicate(&mut self, now: u64) {
        self.duplicates = self.duplicates.saturating_add(1);
        self.last_received = now;
        self.changed = true;
    }

    /// Returns the number of deliveries without the removed ones. The transaction that removes them must save it.
    pub(super) fn without(&self, removed: usize) -> u64 {
        self.deliveries.saturating_sub(u64::try_from(removed).unwrap_or(u64::MAX))
    }

    /// Notes the result of an attempt. `code` is the code of its failure, if it failed.
    pub(super) fn attempted(&mut self, destination: &str, code: Option<&'static str>, now: u64) {
        self.update(destination, |known| match code {
            None => known.taken = Some(now),
            Some(code) => {
                known.failed = Some(now);
                known.code = Some(code.to_owned());
            }
        });
        self.changed = true;
    }

    /// Returns when a destination last accepted a delivery.
    pub(super) fn last_success(&self, destination: &str) -> Option<u64> {
        self.destinations.iter().find(|known| known.name == destination)?.taken
    }

    /// Changes the results of a destination.
    fn update(&mut self, name: &str, change: impl FnOnce(&mut Destination)) {
        if let Some(known) = self.destinations.iter_mut().find(|known| known.name == name) {
            change(known);
        } else {
            let mut new = Destination { name: name.to_owned(), ..Destination::default() };
            change(&mut new);
            self.destinations.push(new);
        }
    }

    /// Saves the counts, if they have changed and the last save is long enough ago.
    pub(super) fn save_if_due(&mut self, db: &Db, now: u64) -> Result<()> {
        if !self.changed || now.abs_diff(self.saved) < SAVE_MS {
            return Ok(());
        }
        db.transaction(|| {
            for destination in &self.destinations {
                db.run(
                    "INSERT OR REPLACE INTO destinations (name, last_taken, last_failed, last_code)
                    VALUES (?, ?, ?, ?)",
                    &[
                        destination.name.as_str().into(),
                        or_null(destination.taken.map(number)),
                        or_null(destination.failed.map(number)),
                        or_null(destination.code.as_deref()),
                    ],
                )?;
            }
            self.save(db, self.deliveries, now)
        })?;
        self.saved = now;
        self.changed = false;
        Ok(())
    }

    /// Saves the counts, with `deliveries` as the number of deliveries.
    pub(super) fn save(&self, db: &Db, deliveries: u64, now: u64) -> Result<()> {
        db.run(
            "INSERT OR REPLACE INTO counts
                (only, saved, newest, deliveries, duplicates, last_received)
            VALUES (1, ?, ?, ?, ?, ?)",
            &[
                number(now),
                self.newest.into(),
                number(deliveries),
                number(self.duplicates),
                number(self.last_received),
            ],
        )
    }
}
