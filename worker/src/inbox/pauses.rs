//! Pauses of destinations. A paused destination receives nothing, and deliveries that wait for it do not
//! age.

use super::circuit::{Circuit, MOST_PAUSE_MS, PAUSED_ALERT_MS};
use super::{Inbox, alerts, queues};
use crate::config::Settings;
use crate::js::Result;
use crate::life::Event;
use crate::protocol::{Cause, Hasten, Raise, SetPaused};

/// How many deliveries one call makes due.
const AT_ONCE: usize = 100;

impl Inbox {
    /// Pauses or resumes a destination, and returns the start of the pause. Requests in flight finish.
    pub(super) fn set_paused(&self, question: &SetPaused, now: u64) -> Result<Option<u64>> {
        let destination = question.destination.as_str();
        self.circuits.borrow_mut().change(&self.db, destination, |circuit| {
            if question.is_paused {
                circuit.pause(now);
            } else {
                circuit.resume(now);
            }
        })?;
        self.note_change();
        Ok(self.circuits.borrow().find(destination).and_then(|circuit| circuit.paused_since))
    }

    /// Makes the deliveries that wait for a destination due since their arrival, so that the oldest is sent first. Returns
    /// whether there are more.
    pub(super) fn hasten(
        &self,
        settings: &Settings,
        Hasten { destination }: &Hasten,
        now: u64,
    ) -> Result<bool> {
        let rows = queues::delayed(&self.db, destination, AT_ONCE)?;
        self.note_change();
        for row in &rows {
            self.apply(settings, *row, None, &Event::Resumed { destination }, None, now)?;
        }
        Ok(rows.len() == AT_ONCE)
    }

    /// Ends pauses that are too long. The first shard raises an alert for a long one.
    pub(super) fn check_pauses(&self, settings: &Settings, is_first: bool, now: u64) -> Result<()> {
        self.forget_removed(settings)?;
        let paused: Vec<(String, u64)> = {
            let circuits = self.circuits.borrow();
            let since =
                |(name, circuit): (&str, &Circuit)| Some((name.to_owned(), circuit.paused_since?));
            circuits.all().filter_map(since).collect()
        };
        for (name, since) in paused {
            let ms = now.saturating_sub(since);
            if ms >= MOST_PAUSE_MS {
                self.circuits.borrow_mut().change(&self.db, &name, |it| it.resume(now))?;
                self.note_change();
            } else if is_first && ms >= PAUSED_ALERT_MS && settings.has_destination(&name) {
                let cause = Cause::Paused;
                // An alert is raised once for each pause.
                if alerts::raised_at(&self.db, cause, Some(&name))?.is_none_or(|at| at < since) {
                    let raise = Raise { cause, destination: Some(name), detail: None };
                    alerts::raise(&self.db, &raise, now)?;
                }
            }
        }
        Ok(())
    }

    /// Deletes the failures of unconfigured destinations, because a new destination may get the same
    /// name.
    fn forget_removed(&self, settings: &Settings) -> Result<()> {
        let names: Vec<String> = {
            let circuits = self.circuits.borrow();
            let is_removed = |(name, circuit): &(&str, &Circuit)| {
                !settings.has_destination(name)
                    && (circuit.failing_since.is_some() || circuit.held_until.is_some())
            };
            circuits.all().filter(is_removed).map(|(name, _)| name.to_owned()).collect()
        };
        names
            .iter()
            .try_for_each(|name| self.circuits.borrow_mut().change(&self.db, name, Circuit::forget))
    }
}
