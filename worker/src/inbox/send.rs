//! The work of the alarm: sends what is due, and saves the result of each attempt.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, Stream};
use worker::Delay;

use super::slots::Flight;
use super::{Guard, Inbox, UNREPORTED_DEATH, keep, lives, schema};
use crate::config::{Destination, Settings};
use crate::failure::Failure;
use crate::forward::{self, Headline, Outcome};
use crate::ids::RowId;
use crate::js::{Result, now, number, or_null};
use crate::life::{Effect, Event, MOST_TRAPS, Send};
use crate::{failpoint, log};

/// How long one alarm works, in milliseconds. The next alarm goes on with the requests in flight.
const ALARM_MS: u64 = 30_000;

/// How many sends to a removed destination one alarm handles.
const REMOVED_AT_ONCE: u32 = 100;

/// The requests in flight.
pub(super) type Flights = FuturesUnordered<Marked>;

/// A request that has ended.
pub(super) struct Landed {
    flight: Flight,
    headline: Headline,
    began: u64,
    outcome: Outcome,
}

/// A request in flight. While it is polled, the guard knows its delivery, so that a trap is counted against the right
/// one.
pub(super) struct Marked {
    delivery: RowId,
    guard: Guard,
    work: Pin<Box<dyn Future<Output = Landed>>>,
}

impl Future for Marked {
    type Output = Landed;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Landed> {
        self.guard.mark(Some(self.delivery));
        let landed = self.work.as_mut().poll(context);
        self.guard.mark(None);
        landed
    }
}

impl Inbox {
    /// Sends what is due, until nothing is, or the time of one alarm is over.
    pub(super) async fn send_due(&self, settings: &Settings) -> Result<()> {
        let end = now().saturating_add(ALARM_MS);
        let mut flights = self.flights.take();
        self.working.set(true);
        let result = self.send_until(settings, &mut flights, end).await;
        self.working.set(false);
        *self.flights.borrow_mut() = flights;
        result
    }

    async fn send_until(&self, settings: &Settings, flights: &mut Flights, end: u64) -> Result<()> {
        self.skip_removed(settings)?;
        let mut keep = 0;
        loop {
            self.fill(settings, flights)?;
            let now = now();
            if now >= keep {
                let more = keep::forget(&self.db, settings, now)?;
                keep = now.saturating_add(if more { 0 } else { keep::EVERY_MS });
            }
            if flights.is_empty() && !self.posting.get() || now >= end {
                return Ok(());
            }
            let wake = lives::next_due(&self.db, now)?.unwrap_or(end).min(end).min(keep);
            let mut timer = Delay::from(Duration::from_millis(wake.saturating_sub(now)));
            let landed = poll_fn(|context| {
                if let Poll::Ready(Some(landed)) = Pin::new(&mut *flights).poll_next(context) {
                    return Poll::Ready(Some(landed));
                }
                if self.bell.has_rung(context) {
                    return Poll::Ready(None);
                }
                Pin::new(&mut timer).poll(context).map(|()| None)
            })
            .await;
            if let Some(landed) = landed {
                failpoint::reached(&self.env, "before-result").await;
                self.save_attempt(settings, &landed)?;
                failpoint::reached(&self.env, "after-result").await;
            }
        }
    }

    /// Starts as many requests as may be in flight.
    fn fill(&self, settings: &Settings, flights: &Flights) -> Result<()> {
        let mut names: Vec<&str> =
            settings.destinations.iter().map(|it| it.name.as_str()).collect();
        let waiting = lives::destinations(&self.db)?;
        names.retain(|name| waiting.iter().any(|other| other == name));
        // Each start changes the order; a destination with nothing to send now has nothing to send later in this loop.
        loop {
            let next = self.slots.borrow().next(&names);
            let Some(name) = next.first().copied() else { return Ok(()) };
            let destination = settings.destinations.iter().find(|it| it.name == name);
            let started = match destination {
                Some(destination) => self.start(settings, destination, flights)?,
                None => false,
            };
            if !started {
                names.retain(|other| *other != name);
            }
        }
    }

    /// Starts the request that is due next to a destination, if there is one and its body fits.
    fn start(
        &self,
        settings: &Settings,
        destination: &Destination,
        flights: &Flights,
    ) -> Result<bool> {
        let now = now();
        let flying: Vec<RowId> = self.slots.borrow().to(&destination.name).collect();
        let due = lives::due(&self.db, &destination.name, now, flying.len().saturating_add(1))?;
        let Some((row, bytes)) = due.into_iter().find(|(row, _)| !flying.contains(row)) else {
            return Ok(false);
        };
        if !self.slots.borrow().has_room(bytes) {
            return Ok(false);
        }
        self.guard.mark(Some(row));
        let started = self.launch(settings, destination, row, bytes, flights);
        self.guard.mark(None);
        started
    }

    fn launch(
        &self,
        settings: &Settings,
        destination: &Destination,
        row: RowId,
        bytes: usize,
        flights: &Flights,
    ) -> Result<bool> {
        let began = now();
        if lives::traps(&self.db, row)? >= u64::from(MOST_TRAPS) {
            self.apply(settings, row, &Event::Trapped, began)?;
            return Ok(true);
        }
        let Some(loaded) = lives::load(&self.db, row)? else { return Ok(false) };
        let flight = Flight { delivery: row, destination: destination.name.clone(), bytes };
        self.slots.borrow_mut().begin(flight.clone());
        let destination = destination.clone();
        let timeout_ms = settings.timeout_ms;
        let env = self.env.clone();
        let work = Box::pin(async move {
            failpoint::reached(&env, "before-send").await;
            failpoint::trap_at("trap-in-send", &loaded.body);
            let lives::Loaded { headline, signature, content_type, body } = loaded;
            let content_type = content_type.as_deref();
            let outcome =
                forward::send(&headline, &signature, content_type, &body, &destination, timeout_ms)
                    .await;
            failpoint::reached(&env, "after-send").await;
            Landed { flight, headline, began, outcome }
        });
        flights.push(Marked { delivery: row, guard: self.guard.clone(), work });
        Ok(true)
    }

    /// Saves the result of a request: the attempt and everything that follows from it, in one transaction.
    fn save_attempt(&self, settings: &Settings, landed: &Landed) -> Result<()> {
        let Landed { flight, headline, began, outcome } = landed;
        let now = now();
        let ms = now.saturating_sub(*began);
        let failure = outcome.failure.as_ref();
        let destination = flight.destination.as_str();
        let event = match failure {
            None => Event::Accepted { destination },
            Some(_) => Event::Failed {
                destination,
                retry_after_ms: outcome.retry_after_ms,
                chance: js_sys::Math::random(),
            },
        };
        self.slots.borrow_mut().end(flight, failure.is_none(), ms);
        log::forwarded(headline, destination, outcome);
        self.db.transaction(|| {
            self.db.run(
                "INSERT INTO attempts (delivery, n, destination, at, ms, status, code)
                SELECT delivery,
                    1 + (SELECT COALESCE(MAX(n), 0) FROM attempts WHERE delivery = ?1),
                    destination, ?3, ?4, ?5, ?6
                FROM sends WHERE delivery = ?1 AND destination = ?2",
                &[
                    flight.delivery.into(),
                    destination.into(),
                    number(*began),
                    number(ms),
                    or_null(outcome.status),
                    or_null(failure.map(Failure::code)),
                ],
            )?;
            let (accepted, failed) = match failure {
                None => (Some(number(now)), None),
                Some(_) => (None, Some(number(now))),
            };
            self.db.run(
                "INSERT INTO destinations (name, last_taken, last_failed, last_code)
                VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (name) DO UPDATE SET last_taken = COALESCE(?2, last_taken),
                    last_failed = COALESCE(?3, last_failed), last_code = COALESCE(?4, last_code)",
                &[
                    destination.into(),
                    or_null(accepted),
                    or_null(failed),
                    or_null(failure.map(Failure::code)),
                ],
            )?;
            self.apply(settings, flight.delivery, &event, now)
        })
    }

    /// Puts off, or marks dead, what is due to destinations that are no longer configured.
    fn skip_removed(&self, settings: &Settings) -> Result<()> {
        let now = now();
        for destination in lives::destinations(&self.db)? {
            if settings.destinations.iter().any(|it| it.name == destination) {
                continue;
            }
            let removed = Event::Removed { destination: &destination };
            for (row, _) in lives::due(&self.db, &destination, now, REMOVED_AT_ONCE)? {
                self.apply(settings, row, &removed, now)?;
            }
        }
        Ok(())
    }

    /// Applies an event to the life of a delivery, and carries out the effects.
    fn apply(&self, settings: &Settings, row: RowId, event: &Event<'_>, now: u64) -> Result<()> {
        let life = lives::read(&self.db, row)?;
        let (life, effects) = life.after(event, now, settings.limits);
        lives::write(&self.db, row, &life, &effects, now)?;
        let died = |effect: &Effect| match effect {
            Effect::Died(index) => life.sends.get(*index),
            _ => None,
        };
        let died: Vec<&Send> = effects.iter().filter_map(died).collect();
        if !died.is_empty() {
            log::dead(&lives::id(&self.db, row)?, &died);
            schema::save_meta(&self.db, UNREPORTED_DEATH, Some(now))?;
        }
        Ok(())
    }
}
