//! The order of an alarm's work, and the time of the next alarm.

use futures_util::future::join3;

use super::circuit::{Access, Circuit};
use super::circuits::Circuits;
use super::queues::{self, Queue};
use super::{CRON_MS, Inbox, alerts, keep, lives, schema};
use crate::config::{self, Settings};
use crate::ids::RowId;
use crate::js::{Result, float, iso, now};
use crate::protocol::{Cause, Raise};
use crate::{log, shards};

/// How long to wait after a report to the first shard failed, in milliseconds.
const REPORT_RETRY_MS: u64 = 60_000;

impl Inbox {
    /// Does the work that is possible while the configuration has mistakes: requests in the quarantine that the key verifies
    /// now are stored and held. Returns whether any work waits for a valid configuration.
    pub(super) async fn hold(&self, settings: &Settings) -> Result<bool> {
        self.prepare()?;
        self.recover(settings).await?;
        Ok(self.next_work(settings, now())?.is_some())
    }

    /// Sends the deliveries that are due, and returns the next due time.
    pub(super) async fn work(&self, settings: &Settings, is_unsure: bool) -> Result<Option<u64>> {
        self.prepare()?;
        if is_unsure {
            schema::test_storage(&self.db).await?;
        }
        let post = self.run_alongside(self.post_alerts(settings));
        let recover = self.run_alongside(self.recover(settings));
        let (posted, recovered, sent) = join3(post, recover, self.send_due(settings)).await;
        sent.and(posted).and(recovered)?;
        let now = now();
        self.counts.borrow_mut().save_if_due(&self.db, now)?;
        if !self.slots.borrow().is_empty() {
            return Ok(Some(now));
        }
        // All sends that were read have been tried. If there are more, they are read from the beginning.
        self.untried.take();
        self.next_work(settings, now)
    }

    /// Runs a task while the alarm continues to send.
    pub(super) async fn run_alongside(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        self.other_tasks.update(|tasks| tasks.saturating_add(1));
        let result = work.await;
        self.other_tasks.update(|tasks| tasks.saturating_sub(1));
        self.notifier.notify();
        result
    }

    /// Returns the time of the next work. The next call of the cron trigger handles everything that expires later than it.
    pub(super) fn next_work(&self, settings: &Settings, now: u64) -> Result<Option<u64>> {
        let db = &self.db;
        if lives::has_untried(db, RowId::FIRST)? {
            return Ok(Some(now));
        }
        let expires = keep::next(db, settings)?;
        let soon = expires.filter(|time| *time < now.saturating_add(CRON_MS));
        let queues = queues::list(db, now)?;
        let expiry = self.next_expiry(settings, &queues, now);
        let soon =
            soon.into_iter().chain(expiry.filter(|time| *time < now.saturating_add(CRON_MS))).min();
        let due = self.open_queues(settings, queues, now).iter().map(|queue| queue.first).min();
        let recovery = self.next_recovery(settings);
        let times = [due, soon, recovery, self.next_report(settings, now)?, alerts::next(db)?];
        Ok(times.into_iter().flatten().min())
    }

    /// Sets the alarm to the time of the next work.
    pub(super) fn wake_for_work(&self, settings: &Settings, now: u64) -> Result<()> {
        if let Some(time) = self.next_work(settings, now)? {
            self.wake(time);
        }
        Ok(())
    }

    /// Makes an alarm work at a time: the running one, or else the next one.
    pub(super) fn wake(&self, time: u64) {
        if !self.working.get() {
            self.guard.arm_by(float(time));
        } else if config::settings(&self.env, now()).is_ok_and(|it| self.has_room(&it)) {
            self.notifier.notify();
        }
    }

    /// Returns when a delivery that waits for a held or unconfigured destination becomes too old.
    fn next_expiry(&self, settings: &Settings, queues: &[Queue], now: u64) -> Option<u64> {
        let is_closed = |queue: &&Queue| {
            let circuits = self.circuits.borrow();
            let is_paused =
                circuits.find(&queue.destination).is_some_and(|it| it.paused_since.is_some());
            let access = circuits.access(settings, &queue.destination, now);
            !is_paused && !matches!(access, Some(Access::All))
        };
        let expires = |queue: &Queue| self.expires(settings, &queue.destination, queue.first, now);
        queues.iter().filter(is_closed).map(expires).min()
    }

    /// Returns the time of the next report to the first shard.
    fn next_report(&self, settings: &Settings, now: u64) -> Result<Option<u64>> {
        let died = (!alerts::deaths(&self.db)?.is_empty()).then_some(now);
        let circuits = self.circuits.borrow();
        let next = reporting(settings, &circuits).filter_map(|(_, circuit)| circuit.report_at(now));
        Ok(next.chain(died).min().map(|time| time.max(self.report_after.get())))
    }

    /// Reports causes for alerts to the first shard, and posts the alerts that are due. Only the first shard has alerts. If a
    /// report fails, this shard still sends deliveries, and repeats the report later.
    pub(super) async fn post_alerts(&self, settings: &Settings) -> Result<()> {
        if now() >= self.report_after.get()
            && let Err(problem) = self.report(settings).await
        {
            log::inbox_failed(&problem);
            self.report_after.set(now().saturating_add(REPORT_RETRY_MS));
        }
        alerts::post_due(&self.db, settings, now()).await
    }

    async fn report(&self, settings: &Settings) -> Result<()> {
        let send = |raise: Raise| shards::ask(&self.env, settings, shards::FIRST, raise);
        for destination in alerts::deaths(&self.db)? {
            let name = Some(destination.clone()).filter(|name| !name.is_empty());
            send(Raise { destination: name, ..Raise::new(Cause::Dead) }).await?;
            alerts::forget_death(&self.db, &destination)?;
        }
        let (now, size) = (now(), self.db.size());
        let is_filling = size.saturating_mul(5) >= settings.max_stored_bytes.saturating_mul(4);
        if is_filling && now.saturating_sub(self.reported_full.get()) >= alerts::HOUR_MS {
            send(Raise::new(Cause::Full)).await?;
            self.reported_full.set(now);
        }
        for (raise, alerted) in self.due_reports(settings, now) {
            let Some(destination) = raise.destination.clone() else { continue };
            // A failure is reported again only if deliveries still wait.
            let is_repeated = raise.cause == Cause::Failing && self.is_alerted(&destination);
            let waits = |queue: &Queue| queue.destination == destination;
            if !is_repeated || queues::list(&self.db, now)?.iter().any(waits) {
                send(raise).await?;
            }
            let note = |circuit: &mut Circuit| circuit.alerted = alerted;
            self.circuits.borrow_mut().change(&self.db, &destination, note)?;
        }
        Ok(())
    }

    fn is_alerted(&self, destination: &str) -> bool {
        let circuits = self.circuits.borrow();
        circuits.find(destination).is_some_and(|circuit| circuit.alerted.is_some())
    }

    /// Lists the due reports about destinations, each with the new value of `alerted`.
    fn due_reports(&self, settings: &Settings, now: u64) -> Vec<(Raise, Option<u64>)> {
        let circuits = self.circuits.borrow();
        let is_due = |circuit: &Circuit| circuit.report_at(now).is_some_and(|time| time <= now);
        let report = |(name, circuit): (&str, &Circuit)| {
            let destination = Some(name.to_owned());
            match &circuit.how {
                Some(how) if circuit.failing_since.is_some() => {
                    let mut detail = String::new();
                    if circuit.status().is_some() {
                        detail.push_str("status ");
                    }
                    detail.push_str(how);
                    if let Some(since) = circuit.failing_since {
                        detail.push_str(", since ");
                        detail.push_str(&iso(since));
                    }
                    let detail = Some(detail);
                    (Raise { cause: Cause::Failing, destination, detail }, Some(now))
                }
                _ => (Raise { cause: Cause::Recovered, destination, detail: None }, None),
            }
        };
        let due = reporting(settings, &circuits).filter(|(_, circuit)| is_due(circuit));
        due.map(report).collect()
    }
}

/// Lists the circuits of the destinations for which alerts are raised.
fn reporting<'a>(
    settings: &'a Settings,
    circuits: &'a Circuits,
) -> impl Iterator<Item = (&'a str, &'a Circuit)> {
    circuits
        .all()
        .filter(|(name, circuit)| circuit.paused_since.is_none() && settings.has_destination(name))
}
