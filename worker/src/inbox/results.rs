//! Applies the result of an attempt, or a wait that is too long, to a delivery and to its destination.

use super::circuit::{Access, Trouble, is_rejection};
use super::db::Batch;
use super::lives::Course;
use super::queues::{self, Queue};
use super::send::Finished;
use super::{Inbox, alerts, lives};
use crate::config::Settings;
use crate::failure::Failure;
use crate::forward::{How, Outcome};
use crate::ids::RowId;
use crate::js::{Result, now};
use crate::life::{Effect, Event, Failed, Reason, Send};
use crate::log;
use crate::protocol::Attempt;

/// For each destination, how many overdue sends one alarm ends.
const EXPIRED_AT_ONCE: u32 = 100;

impl Inbox {
    /// Saves the result of a request: the attempt and its effects, in one transaction.
    pub(super) fn save_attempt(&self, settings: &Settings, finished: Finished) -> Result<()> {
        let Finished { flight, headline, course, changes, began, is_probe, outcome } = finished;
        let now = now();
        let ms = now.saturating_sub(began);
        let failure = outcome.failure.as_ref();
        let destination = flight.destination.as_str();
        self.slots.borrow_mut().end(&flight, ms);
        let is_new =
            course.life.sends.iter().any(|it| it.destination == destination && it.is_new());
        self.note_outcome(destination, &outcome, is_probe, is_new, now)?;
        let event = match outcome.status {
            _ if failure.is_none() => Event::Accepted { destination },
            Some(410) => Event::Gone { destination },
            status => {
                let failed = Failed {
                    is_probe,
                    is_rejected: status.is_some_and(is_rejection),
                    chance: js_sys::Math::random(),
                };
                Event::Failed { destination, failed }
            }
        };
        log::forwarded(&headline, destination, &outcome).write();
        let attempt = Attempt {
            destination: destination.to_owned(),
            at: began,
            ms,
            status: outcome.status,
            code: failure.map(|failure| failure.code().to_owned()),
            how: outcome.how.map(|how| how.as_str().to_owned()),
            body: outcome.body,
        };
        let course = Some(course).filter(|_| changes == self.changes.get());
        self.apply(settings, flight.delivery, course, &event, Some(&attempt), now)?;
        self.counts.borrow_mut().attempted(destination, failure.map(Failure::code), now);
        Ok(())
    }

    /// Notes the result of an attempt for the destination.
    fn note_outcome(
        &self,
        destination: &str,
        outcome: &Outcome,
        is_probe: bool,
        is_new: bool,
        now: u64,
    ) -> Result<()> {
        let accepted = outcome.failure.is_none();
        // Most destinations never fail, and have no circuit.
        if accepted && self.circuits.borrow().find(destination).is_none() {
            return Ok(());
        }
        self.circuits.borrow_mut().change(&self.db, destination, |circuit| {
            if accepted {
                circuit.accepted(now);
            } else {
                circuit.failed(self.trouble(destination, outcome, is_new), is_probe, now);
            }
        })
    }

    /// Ends the sends that have waited too long for a held or unconfigured destination. Any other send ends with an
    /// attempt. The due time of a send is its arrival or later, so none ends too early.
    pub(super) fn expire(&self, settings: &Settings) -> Result<()> {
        let now = now();
        for Queue { destination, first, .. } in queues::list(&self.db, now)? {
            let destination = destination.as_str();
            let access = self.circuits.borrow().access(settings, destination, now);
            let reason = match access {
                None => Reason::DestinationRemoved,
                Some(Access::After(_) | Access::Probe) => Reason::MaxAge,
                Some(Access::All | Access::Paused) => continue,
            };
            let until = now.saturating_sub(settings.limits.max_age_ms);
            if first >= until {
                continue;
            }
            let late = queues::due(&self.db, destination, until, EXPIRED_AT_ONCE)?;
            for it in &late {
                let waited = Event::Waited { destination, reason };
                self.apply(settings, it.row, None, &waited, None, now)?;
            }
        }
        Ok(())
    }

    /// Returns the time at which a send with this due time becomes too old. Pauses of its destination do not count.
    pub(super) fn expires(
        &self,
        settings: &Settings,
        destination: &str,
        due: u64,
        now: u64,
    ) -> u64 {
        let paused = self.circuits.borrow().paused(destination, now);
        due.saturating_add(settings.limits.max_age_ms).saturating_add(paused).saturating_add(1)
    }

    /// Applies an event to the life of a delivery, and carries out the effects, all or none of them. The result of an
    /// attempt changes nothing if its delivery was erased meanwhile. `course` is given if it is known.
    pub(super) fn apply(
        &self,
        settings: &Settings,
        row: RowId,
        course: Option<Course>,
        event: &Event<'_>,
        attempt: Option<&Attempt>,
        now: u64,
    ) -> Result<()> {
        let course = course.map_or_else(|| lives::read(&self.db, row), Ok)?;
        let attempt = attempt.filter(|attempt| course.life.is_sent_to(&attempt.destination));
        let paused = event.destination().map_or(0, |it| self.circuits.borrow().paused(it, now));
        let (life, effects) = course.life.clone().after(event, now, paused, settings.limits);
        let mut batch = Batch::default();
        if attempt.is_some() || !effects.is_empty() {
            lives::write(&mut batch, row, &course, &life, &effects, attempt, now);
        }
        for effect in &effects {
            if let Effect::Died(index) = *effect
                && let Some(send) = life.sends.get(index)
            {
                alerts::add_death(&mut batch, &send.destination, now);
            }
        }
        batch.run(&self.db)?;
        // The other sends of the delivery may be in flight, and any of them except an accepted one may be queued.
        if life.sends.len() > 1 || !matches!(event, Event::Accepted { .. }) {
            self.note_change();
        }
        let died = |effect: &Effect| match effect {
            Effect::Died(index) => life.sends.get(*index),
            _ => None,
        };
        let died: Vec<&Send> = effects.iter().filter_map(died).collect();
        if !died.is_empty() {
            log::dead(&lives::id(&self.db, row)?, &died);
        }
        Ok(())
    }

    /// Returns the trouble that a failed attempt reports for the destination.
    fn trouble(&self, destination: &str, outcome: &Outcome, is_new: bool) -> Trouble {
        let asked_ms = outcome.retry_after_ms.filter(|wait| *wait > 0);
        let asked_ms = asked_ms.or((outcome.status == Some(429)).then_some(0));
        // Cloudflare answers with a status in place of a destination that can't be reached.
        let answered = outcome.status.filter(|_| outcome.how == Some(How::Status));
        let how = match (answered, outcome.how) {
            (Some(status), _) => status.to_string(),
            (None, how) => how.map_or("", How::as_str).to_owned(),
        };
        Trouble {
            is_unreachable: answered.is_none(),
            asked_ms,
            is_new,
            last_success: self.counts.borrow().last_success(destination),
            how,
        }
    }
}
