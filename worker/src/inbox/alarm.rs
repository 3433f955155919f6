//! The order of an alarm's work, and when the next one comes.

use futures_util::future::join3;

use super::{CRON_MS, Inbox, UNREPORTED_DEATH, alerts, keep, lives, schema};
use crate::config::{self, Settings};
use crate::ids::RowId;
use crate::js::{Result, float, now};
use crate::protocol::{Cause, Raise};
use crate::shards;

impl Inbox {
    /// Does what can be done while the configuration has mistakes: what the key verifies now is stored, and held. Returns
    /// whether something waits for a correct configuration.
    pub(super) async fn hold(&self, settings: &Settings) -> Result<bool> {
        self.prepare()?;
        self.recover(settings).await?;
        Ok(self.next_work(settings, now())?.is_some())
    }

    /// Sends what is due, and returns when something is due next.
    pub(super) async fn work(&self, settings: &Settings, is_unsure: bool) -> Result<Option<u64>> {
        self.prepare()?;
        if is_unsure {
            schema::test_storage(&self.db).await?;
        }
        let post = self.beside(self.post_alerts(settings));
        let recover = self.beside(self.recover(settings));
        let (posted, recovered, sent) = join3(post, recover, self.send_due(settings)).await;
        sent.and(posted).and(recovered)?;
        let now = now();
        self.counts.borrow_mut().save_if_due(&self.db, now)?;
        if !self.slots.borrow().is_empty() {
            return Ok(Some(now));
        }
        // All that was read is sent. If there is more, it is read from the beginning.
        self.untried.take();
        self.next_work(settings, now)
    }

    /// Does something while the alarm goes on sending.
    pub(super) async fn beside(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        self.others.update(|others| others.saturating_add(1));
        let result = work.await;
        self.others.update(|others| others.saturating_sub(1));
        self.bell.ring();
        result
    }

    /// Returns when there is something to do next. What expires later than the cron trigger's next call is left to that.
    pub(super) fn next_work(&self, settings: &Settings, now: u64) -> Result<Option<u64>> {
        let db = &self.db;
        if lives::has_untried(db, RowId::FIRST)?
            || schema::load_meta(db, UNREPORTED_DEATH)?.is_some()
        {
            return Ok(Some(now));
        }
        let expires = keep::next(db, settings)?;
        let soon = expires.filter(|time| *time < now.saturating_add(CRON_MS));
        let due = lives::queues(db, now)?.iter().map(|queue| queue.first).min();
        let recovery = self.next_recovery(settings);
        Ok([due, soon, recovery, alerts::next(db)?].into_iter().flatten().min())
    }

    /// Has what there is to do done when it is time for it.
    pub(super) fn wake_for_work(&self, settings: &Settings, now: u64) -> Result<()> {
        if let Some(time) = self.next_work(settings, now)? {
            self.wake(time);
        }
        Ok(())
    }

    /// Has what is due at a time sent then: by the alarm that is working, or else by the next one.
    pub(super) fn wake(&self, time: u64) {
        if !self.working.get() {
            self.guard.arm_by(float(time));
        } else if config::settings(&self.env, now()).is_ok_and(|it| self.has_room(&it)) {
            self.bell.ring();
        }
    }

    /// Posts the alerts that are due. Only the first shard posts; the others report to it.
    pub(super) async fn post_alerts(&self, settings: &Settings) -> Result<()> {
        if schema::load_meta(&self.db, UNREPORTED_DEATH)?.is_some() {
            shards::ask(&self.env, settings, shards::FIRST, Raise::of(Cause::Dead)).await?;
            schema::save_meta(&self.db, UNREPORTED_DEATH, None)?;
        }
        let (now, size) = (now(), self.db.size());
        let is_filling = size.saturating_mul(5) >= settings.max_stored_bytes.saturating_mul(4);
        if is_filling && now.saturating_sub(self.told_full.get()) >= alerts::HOUR_MS {
            shards::ask(&self.env, settings, shards::FIRST, Raise::of(Cause::Full)).await?;
            self.told_full.set(now);
        }
        alerts::post_due(&self.db, settings, now).await
    }
}
