//! The circuit of each destination, as this shard stores it.

use super::circuit::{Access, Circuit, is_rejection};
use super::counts::Counts;
use super::db::{Db, Row};
use crate::config::Settings;
use crate::js::{Result, number, or_null};

/// The circuits of the destinations that have ever failed or been paused, each with its stored form.
#[derive(Default)]
pub(super) struct Circuits(Vec<(String, Circuit, Circuit)>);

impl Circuits {
    pub(super) fn load(db: &Db, counts: &Counts) -> Result<Self> {
        let rows = db.rows(
            "SELECT name, paused_since, paused_ms, held_until, holds, failing_since, failures, how, alerted FROM circuits",
            &[],
        )?;
        let read = |row: Row| {
            let name = row.text(0)?;
            let mut circuit = Circuit {
                paused_since: row.maybe_number(1)?,
                paused_ms: row.number(2)?,
                held_until: row.maybe_number(3)?,
                holds: u32::try_from(row.number(4)?).unwrap_or(u32::MAX),
                failing_since: row.maybe_number(5)?,
                failures: u32::try_from(row.number(6)?).unwrap_or(u32::MAX),
                how: row.maybe_text(7)?,
                alerted: row.maybe_number(8)?,
                last_success: counts.last_success(&name),
                ..Circuit::default()
            };
            let stored = circuit.stored();
            circuit.rejects = circuit.status().is_some_and(is_rejection);
            Ok((name, circuit, stored))
        };
        rows.into_iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// Lists the known circuits, by the names of their destinations.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Circuit)> {
        self.0.iter().map(|(name, circuit, _)| (name.as_str(), circuit))
    }

    /// Returns the circuit of a destination, if there is one.
    pub(super) fn find(&self, destination: &str) -> Option<&Circuit> {
        self.all().find(|(name, _)| *name == destination).map(|(_, circuit)| circuit)
    }

    /// Returns the requests that a destination may receive now; `None` if it is not configured.
    pub(super) fn access(&self, settings: &Settings, name: &str, now: u64) -> Option<Access> {
        let is_configured = settings.has_destination(name);
        let access = || self.find(name).map_or(Access::All, |circuit| circuit.access(now));
        is_configured.then(access)
    }

    /// Returns for how long a destination has been paused by now, all pauses together, in milliseconds.
    pub(super) fn paused(&self, destination: &str, now: u64) -> u64 {
        self.find(destination).map_or(0, |circuit| circuit.paused(now))
    }

    /// Changes the circuit of a destination, and stores it if it needs a row.
    pub(super) fn change(
        &mut self,
        db: &Db,
        destination: &str,
        change: impl FnOnce(&mut Circuit),
    ) -> Result<()> {
        let index = self.0.iter().position(|(name, ..)| name == destination);
        let index = index.unwrap_or_else(|| {
            self.0.push((destination.to_owned(), Circuit::default(), Circuit::default()));
            self.0.len().saturating_sub(1)
        });
        let Some((name, circuit, stored)) = self.0.get_mut(index) else { return Ok(()) };
        change(circuit);
        let new = circuit.stored();
        if new != *stored {
            db.run(
                "INSERT OR REPLACE INTO circuits
                    (name, paused_since, paused_ms, held_until, holds, failing_since, failures, how, alerted)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                &[
                    name.as_str().into(),
                    or_null(new.paused_since.map(number)),
                    number(new.paused_ms),
                    or_null(new.held_until.map(number)),
                    number(new.holds),
                    or_null(new.failing_since.map(number)),
                    number(new.failures),
                    or_null(new.how.as_deref()),
                    or_null(new.alerted.map(number)),
                ],
            )?;
            *stored = new;
        }
        Ok(())
    }
}
