//! The work of the alarm: sends the deliveries that are due, and saves the result of each attempt.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, Stream};
use worker::Delay;

use super::circuit::{Access, Circuit};
use super::lives::Course;
use super::queues::{self, Queue, Retry};
use super::slots::Flight;
use super::untried::{self, Waiting};
use super::{Guard, Inbox, held, keep, lives};
use crate::config::{Destination, Settings};
use crate::failpoint;
use crate::forward::{self, Headline, Outcome};
use crate::host::Place;
use crate::ids::RowId;
use crate::js::{Result, now};
use crate::life::{Event, MOST_TRAPS};

/// How long one alarm works, in milliseconds. The next alarm continues with the requests in flight.
const ALARM_MS: u64 = 30_000;

/// How many deliveries with untried sends are read at once.
const UNTRIED_AT_ONCE: usize = 100;

/// The requests in flight.
pub(super) type Flights = FuturesUnordered<Marked>;

/// A request that has ended.
pub(super) struct Finished {
    pub(super) flight: Flight,
    pub(super) headline: Headline,
    /// The sends at the time of reading, and the value of `Inbox::changes` at that time.
    pub(super) course: Course,
    pub(super) changes: u64,
    pub(super) began: u64,
    /// Whether the request probed a held destination.
    pub(super) is_probe: bool,
    pub(super) outcome: Outcome,
}

/// A request in flight. While it is polled, the guard knows its delivery, so that a trap is counted for the right
/// delivery.
pub(super) struct Marked {
    delivery: RowId,
    guard: Guard,
    work: Pin<Box<dyn Future<Output = Finished>>>,
}

impl Future for Marked {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished> {
        self.guard.mark(Some(self.delivery));
        let finished = self.work.as_mut().poll(context);
        self.guard.mark(None);
        finished
    }
}

/// Waits until a time.
struct Timer {
    /// Milliseconds since the Unix epoch.
    wake: u64,
    delay: Delay,
    is_over: bool,
}

impl Timer {
    fn new(wake: u64) -> Self {
        let delay = Delay::from(Duration::from_millis(wake.saturating_sub(now())));
        Self { wake, delay, is_over: false }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let poll = Pin::new(&mut self.delay).poll(context);
        self.is_over = poll.is_ready();
        poll
    }
}

impl Inbox {
    /// Sends due deliveries until there are none, or the time of one alarm is over.
    pub(super) async fn send_due(&self, settings: &Settings) -> Result<()> {
        let end = now().saturating_add(ALARM_MS);
        let mut flights = self.flights.take();
        self.working.set(true);
        self.may_have_queues.set(true);
        let result = self.send_until(settings, &mut flights, end).await;
        self.working.set(false);
        *self.flights.borrow_mut() = flights;
        result
    }

    async fn send_until(&self, settings: &Settings, flights: &mut Flights, end: u64) -> Result<()> {
        self.expire(settings)?;
        let mut forget_at = 0;
        let mut timer = Timer::new(0);
        loop {
            if self.guard.is_stopping() && flights.is_empty() && self.other_tasks.get() == 0 {
                return Ok(());
            }
            let more = self.read_untried(settings)?;
            let now = now();
            let queues = self.queues(settings, now)?;
            if !self.guard.is_stopping() {
                self.fill(settings, &queues, flights)?;
            }
            if now >= forget_at {
                let more = keep::forget(&self.db, &mut self.counts.borrow_mut(), settings, now)?;
                forget_at = now.saturating_add(if more { 0 } else { keep::EVERY_MS });
            }
            let is_idle = flights.is_empty() && self.other_tasks.get() == 0 && !more;
            if is_idle || now >= end {
                return Ok(());
            }
            let next = queues.iter().filter_map(|queue| queue.next);
            let next = next.chain(self.next_probe(now)).min();
            let wake = if more { now } else { next.unwrap_or(end).min(end).min(forget_at) };
            // Most requests end before this time. The next iteration then waits until the same time, with the same timer.
            if timer.wake != wake || timer.is_over {
                timer = Timer::new(wake);
            }
            let finished = poll_fn(|context| {
                // The timer is polled first, because its time counts from the first poll.
                let timeout = timer.poll(context);
                if let Poll::Ready(Some(finished)) = Pin::new(&mut *flights).poll_next(context) {
                    return Poll::Ready(Some(finished));
                }
                if self.notifier.was_notified(context) {
                    return Poll::Ready(None);
                }
                timeout.map(|()| None)
            })
            .await;
            if let Some(finished) = finished {
                failpoint::reached(&self.env, "before-result").await;
                self.save_attempt(settings, finished)?;
                failpoint::reached(&self.env, "after-result").await;
            }
        }
    }

    /// Reads the queues from which something can be sent now or later, unless it is known that there are none.
    fn queues(&self, settings: &Settings, now: u64) -> Result<Vec<Queue>> {
        if !self.may_have_queues.get() {
            return Ok(Vec::new());
        }
        let queues = queues::list(&self.db, now)?;
        self.may_have_queues.set(!queues.is_empty());
        Ok(self.open_queues(settings, queues, now))
    }

    /// Leaves out the queues of destinations that are paused or not configured. The sends to a held destination are due at
    /// its next probe.
    pub(super) fn open_queues(
        &self,
        settings: &Settings,
        queues: Vec<Queue>,
        now: u64,
    ) -> Vec<Queue> {
        let circuits = self.circuits.borrow();
        let open = |queue: Queue| match circuits.access(settings, &queue.destination, now) {
            None | Some(Access::Paused) => None,
            Some(Access::After(time)) => {
                let first = queue.first.max(time);
                Some(Queue { first, next: Some(first), ..queue })
            }
            Some(Access::All | Access::Probe) => Some(queue),
        };
        queues.into_iter().filter_map(open).collect()
    }

    /// Returns the time of the next probe of a held destination, if there is one.
    fn next_probe(&self, now: u64) -> Option<u64> {
        let circuits = self.circuits.borrow();
        let after = |(_, circuit): (&str, &Circuit)| match circuit.access(now) {
            Access::After(time) => Some(time),
            _ => None,
        };
        circuits.all().filter_map(after).min()
    }

    /// Reads further deliveries with untried sends, until each destination has some to send.
    /// Returns whether there may be more to read now. Held deliveries are routed in the same order.
    fn read_untried(&self, settings: &Settings) -> Result<bool> {
        let names: Vec<&str> = settings.destinations.iter().map(|it| it.name.as_str()).collect();
        if self.untried.borrow().is_all || !self.untried.borrow().is_short(&names) {
            return Ok(false);
        }
        let after = self.untried.borrow().read_to;
        let rows = untried::read(&self.db, after, UNTRIED_AT_ONCE)?;
        let now = now();
        let is_all = rows.len() < UNTRIED_AT_ONCE;
        for Waiting { row, size, mut course, is_held, name } in rows {
            if is_held {
                let circuits = self.circuits.borrow();
                course = held::route(&self.db, settings, &circuits, row, name.as_deref(), now)?;
            } else if course.untried().next().is_none() {
                lives::mark_tried(&self.db, row)?;
            }
            for destination in course.untried() {
                let access = self.circuits.borrow().access(settings, destination, now);
                let is_open = matches!(access, Some(Access::All | Access::Probe));
                if !is_open || !self.untried.borrow_mut().push(destination, row, size) {
                    let course = lives::read(&self.db, row)?;
                    lives::queue_untried(&self.db, row, &course, destination, now)?;
                    self.note_change();
                }
            }
            self.untried.borrow_mut().read_to = row;
        }
        self.untried.borrow_mut().is_all = is_all;
        Ok(!is_all && self.untried.borrow().is_short(&names))
    }

    /// Starts as many requests as may be in flight.
    fn fill(&self, settings: &Settings, queues: &[Queue], flights: &Flights) -> Result<()> {
        let now = now();
        let mut names = self.open(settings, now);
        let is_queued =
            |name: &str| queues.iter().any(|queue| queue.destination == name && queue.first <= now);
        names.retain(|name| self.untried.borrow().first(name).is_some() || is_queued(name));
        // Each start changes the order; a destination with nothing to send now has nothing to send later in this loop.
        loop {
            let next = self.slots.borrow().next(&names);
            let Some(name) = next.first().copied() else { return Ok(()) };
            let destination = settings.destinations.iter().find(|it| it.name == name);
            let started = match destination {
                Some(destination) => self.start(settings, destination, is_queued(name), flights)?,
                None => false,
            };
            // A held destination gets one request at a time.
            if !started || !self.open(settings, now).contains(&name) {
                names.retain(|other| *other != name);
            }
        }
    }

    /// Starts the next due request to a destination, if there is one and its body fits. `queued` is whether the
    /// destination has queued sends.
    fn start(
        &self,
        settings: &Settings,
        destination: &Destination,
        queued: bool,
        flights: &Flights,
    ) -> Result<bool> {
        let name = destination.name.as_str();
        loop {
            let probe = if queued { self.newest_to_probe(settings, name)? } else { None };
            let due = match probe {
                None if queued => self.first_due(name)?,
                probe => probe,
            };
            let untried = self.untried.borrow().first(name);
            let (row, bytes, is_queued) = match (due, untried) {
                (Some(it), Some((row, _))) if RowId::at(it.due) < row => (it.row, it.size, true),
                (_, Some((row, bytes))) => (row, bytes, false),
                (Some(it), None) => (it.row, it.size, true),
                (None, None) => return Ok(false),
            };
            if !self.slots.borrow().has_room(bytes) {
                return Ok(false);
            }
            if !is_queued {
                self.untried.borrow_mut().pop(name);
            }
            self.guard.mark(Some(row));
            let flight = Flight { delivery: row, destination: name.to_owned(), bytes };
            let launched = self.launch(settings, destination, flight, is_queued, flights);
            self.guard.mark(None);
            if launched? {
                return Ok(true);
            }
        }
    }

    /// For about half of the probes, returns the newest queued send to the destination. The oldest one may fail because of
    /// its content.
    fn newest_to_probe(&self, settings: &Settings, destination: &str) -> Result<Option<Retry>> {
        let now = now();
        let access = self.circuits.borrow().access(settings, destination, now);
        if access != Some(Access::Probe) || js_sys::Math::random() < 0.5 {
            return Ok(None);
        }
        queues::newest(&self.db, destination, now)
    }

    /// Returns the queued send to a destination that has been due for the longest time and is not in flight.
    fn first_due(&self, destination: &str) -> Result<Option<Retry>> {
        let in_flight: Vec<RowId> = self.slots.borrow().deliveries_to(destination).collect();
        let due = queues::due(&self.db, destination, now(), in_flight.len().saturating_add(1))?;
        Ok(due.into_iter().find(|it| !in_flight.contains(&it.row)))
    }

    /// Starts a request; returns `false` if there is nothing left to send.
    fn launch(
        &self,
        settings: &Settings,
        destination: &Destination,
        flight: Flight,
        is_queued: bool,
        flights: &Flights,
    ) -> Result<bool> {
        let began = now();
        let row = flight.delivery;
        // The send may have been read again after a failure.
        if self.slots.borrow().deliveries_to(&flight.destination).any(|in_flight| in_flight == row)
        {
            return Ok(false);
        }
        let loaded = lives::load(&self.db, row, self.identity.borrow().as_ref())?
            .filter(|loaded| loaded.course.is_waiting(&flight.destination, is_queued));
        let Some(loaded) = loaded else {
            if is_queued {
                queues::drop_unknown(&self.db, row, &flight.destination)?;
            }
            return Ok(false);
        };
        if loaded.traps >= u64::from(MOST_TRAPS) {
            self.apply(settings, row, None, &Event::Trapped, None, began)?;
            return Ok(false);
        }
        let access = self.circuits.borrow().access(settings, &flight.destination, began);
        let is_probe = access == Some(Access::Probe);
        self.slots.borrow_mut().begin(flight.clone());
        let destination = destination.clone();
        let timeout_ms = settings.timeout_ms;
        let env = self.env.clone();
        let changes = self.changes.get();
        let work = Box::pin(async move {
            failpoint::reached(&env, "before-send").await;
            failpoint::trap_at("trap-in-send", &loaded.body);
            let lives::Loaded { headline, signature, content_type, body, course, .. } = loaded;
            let content_type = content_type.as_deref();
            let outcome = forward::send(
                Place::Inbox,
                &headline,
                &signature,
                content_type,
                &body,
                &destination,
                timeout_ms,
            )
            .await;
            failpoint::reached(&env, "after-send").await;
            Finished { flight, headline, course, changes, began, is_probe, outcome }
        });
        flights.push(Marked { delivery: row, guard: self.guard.clone(), work });
        Ok(true)
    }
}
