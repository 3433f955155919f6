//! What the alarm does: it sends what is due, and writes down what became of it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use worker::Delay;

use super::slots::Flight;
use super::{DIED, Guard, Inbox, keep, lives, schema};
use crate::answer::Failure;
use crate::config::{Destination, Settings};
use crate::forward::{self, Headline, Outcome};
use crate::js::{Result, now, number, or_null};
use crate::life::{Effect, Event, MOST_TRAPS, Send};
use crate::{failpoint, log};

/// How long one alarm goes on, in milliseconds. What is in flight then is the next one's.
const ALARM_MS: u64 = 30_000;

/// How many sends to destinations that are gone are looked at in one go.
const REMOVED_AT_ONCE: u32 = 100;

/// The requests in flight: a few.
pub(super) type Flights = Vec<Marked>;

/// A request that has come back.
pub(super) struct Landed {
    flight: Flight,
    headline: Headline,
    began: u64,
    outcome: Outcome,
}

/// Tells the guard which delivery is worked on, each time that it is: if that traps, it is counted
/// against this one.
pub(super) struct Marked {
    delivery: u64,
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

/// Looks after all that is in flight, and takes one that has come back.
fn returned(flights: &mut Flights, context: &mut Context<'_>) -> Option<Landed> {
    for index in 0..flights.len() {
        let flight = flights.get_mut(index)?;
        if let Poll::Ready(landed) = Pin::new(flight).poll(context) {
            flights.swap_remove(index);
            return Some(landed);
        }
    }
    None
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
                if let Some(landed) = returned(flights, context) {
                    return Poll::Ready(Some(landed));
                }
                if self.bell.answer(context) {
                    return Poll::Ready(None);
                }
                Pin::new(&mut timer).poll(context).map(|()| None)
            })
            .await;
            if let Some(landed) = landed {
                failpoint::reached(&self.env, "before-result").await;
                self.write_down(settings, &landed)?;
                failpoint::reached(&self.env, "after-result").await;
            }
        }
    }

    /// Starts as many requests as may be in flight.
    fn fill(&self, settings: &Settings, flights: &mut Flights) -> Result<()> {
        let mut names: Vec<&str> =
            settings.destinations.iter().map(|it| it.name.as_str()).collect();
        let waiting = lives::destinations(&self.db)?;
        names.retain(|name| waiting.iter().any(|other| other == name));
        // Each start changes whose turn it is; who has nothing to send now will have nothing after.
        loop {
            let turn = self.slots.borrow().turn(&names);
            let Some(name) = turn.first().copied() else { return Ok(()) };
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

    /// Starts the next request that is due to a destination, if there is one and room for it.
    fn start(
        &self,
        settings: &Settings,
        destination: &Destination,
        flights: &mut Flights,
    ) -> Result<bool> {
        let now = now();
        let flying: Vec<u64> = self.slots.borrow().to(&destination.name).collect();
        let due = lives::due(&self.db, &destination.name, now, flying.len().saturating_add(1))?;
        let Some((key, bytes)) = due.into_iter().find(|(key, _)| !flying.contains(key)) else {
            return Ok(false);
        };
        if !self.slots.borrow().has_room(bytes) {
            return Ok(false);
        }
        self.guard.mark(Some(key));
        let started = self.launch(settings, destination, key, bytes, flights);
        self.guard.mark(None);
        started
    }

    fn launch(
        &self,
        settings: &Settings,
        destination: &Destination,
        key: u64,
        bytes: usize,
        flights: &mut Flights,
    ) -> Result<bool> {
        let began = now();
        if lives::traps(&self.db, key)? >= u64::from(MOST_TRAPS) {
            self.happened(settings, key, &Event::Trapped, began)?;
            return Ok(true);
        }
        let Some(loaded) = lives::load(&self.db, key)? else { return Ok(false) };
        let flight = Flight { delivery: key, destination: destination.name.clone(), bytes };
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
        flights.push(Marked { delivery: key, guard: self.guard.clone(), work });
        Ok(true)
    }

    /// Writes down what became of a request: the attempt, and all that follows from it, together.
    fn write_down(&self, settings: &Settings, landed: &Landed) -> Result<()> {
        let Landed { flight, headline, began, outcome } = landed;
        let now = now();
        let ms = now.saturating_sub(*began);
        let failure = outcome.failure.as_ref();
        let destination = flight.destination.as_str();
        let event = match failure {
            None => Event::Taken { destination },
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
                    number(flight.delivery),
                    destination.into(),
                    number(*began),
                    number(ms),
                    or_null(outcome.status),
                    or_null(failure.map(Failure::code)),
                ],
            )?;
            let (taken, failed) = match failure {
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
                    or_null(taken),
                    or_null(failed),
                    or_null(failure.map(Failure::code)),
                ],
            )?;
            self.happened(settings, flight.delivery, &event, now)
        })
    }

    /// Decides about what is due to destinations that are configured no more.
    fn skip_removed(&self, settings: &Settings) -> Result<()> {
        let now = now();
        for destination in lives::destinations(&self.db)? {
            if settings.destinations.iter().any(|it| it.name == destination) {
                continue;
            }
            let removed = Event::Removed { destination: &destination };
            for (key, _) in lives::due(&self.db, &destination, now, REMOVED_AT_ONCE)? {
                self.happened(settings, key, &removed, now)?;
            }
        }
        Ok(())
    }

    /// Carries out what follows from an event in a delivery's life.
    fn happened(&self, settings: &Settings, key: u64, event: &Event<'_>, now: u64) -> Result<()> {
        let life = lives::read(&self.db, key)?;
        let (life, effects) = life.after(event, now, settings.limits);
        lives::write(&self.db, key, &life, &effects, now)?;
        let died = |effect: &Effect| match effect {
            Effect::Died(index) => life.sends.get(*index),
            _ => None,
        };
        let died: Vec<&Send> = effects.iter().filter_map(died).collect();
        if !died.is_empty() {
            log::dead(&lives::id(&self.db, key)?, &died);
            schema::keep(&self.db, DIED, Some(now))?;
        }
        Ok(())
    }
}
