//! Replies to the requests of the Worker, as `protocol.rs` defines them.

use wasm_bindgen::JsValue;

use super::quarantine::{self, Quarantine};
use super::{Inbox, admin, alerts, erase, identity, redeliver, search};
use crate::config::Settings;
use crate::ids::DeliveryId;
use crate::js::{Problem, Result, now};
use crate::keys::KeyStatus;
use crate::protocol::{
    Cause, Count, EraseEmail, Erased, List, Listed, Question, Raise, Report, Request, ShardStatus,
};
use crate::{log, shards, watch};

impl Inbox {
    /// Replies to a request.
    pub(super) fn reply(&self, shard: u32, request: &Request, now: u64) -> Result<JsValue> {
        let settings = self.settings(now)?;
        let db = &self.db;
        if shard == shards::FIRST
            && !self.knows_key.get()
            && let Err(problem) = self.notice_key(&settings)
        {
            // The next request tries again. This request may not need the result.
            log::inbox_failed(&problem);
        }
        match request {
            Request::ConfirmShards(question) => question.reply(&self.confirm_shards(*question)?),
            Request::GetShards(question) => question.reply(&identity::shards(db)?),
            Request::Wake(question) => {
                self.check_identity(question.shards, question.instance.clone(), None)?;
                if shard == shards::FIRST {
                    self.save_rejections(now)?;
                    // The drift of the requests that this shard itself has recovered from the quarantine.
                    self.note_drift(&watch::take_drift(), now)?;
                    self.with_quarantine(|it| it.expire(db, now))?;
                    alerts::check(db, &self.rejections.borrow(), now, settings.silence_ms)?;
                }
                self.check_pauses(&settings, shard == shards::FIRST, now)?;
                self.counts.borrow_mut().save_if_due(db, now)?;
                self.wake_for_work(&settings, now)?;
                question.reply(&())
            }
            Request::Report(report) => {
                self.note_report(report, &settings, now)?;
                report.reply(&())
            }
            Request::Raise(question) => {
                alerts::raise(db, question, now)?;
                self.wake_for_work(&settings, now)?;
                question.reply(&())
            }
            Request::GetDrift(question) => question.reply(&self.drift.borrow_mut().list(db)?),
            Request::List(list) => list.reply(&self.list(shard, list)?),
            Request::Search(question) => question.reply(&search::search(db, shard, question)?),
            Request::Export(question) => question.reply(&search::export(db, question)?),
            Request::Show(show) => show.reply(&admin::show(db, shard, show.row)?),
            Request::Redeliver(question) => {
                self.note_change();
                let circuits = self.circuits.borrow();
                let redelivered = redeliver::one(db, &settings, &circuits, question, now)?;
                self.wake(now);
                question.reply(&redelivered)
            }
            Request::RedeliverMany(question) => {
                self.note_change();
                let circuits = self.circuits.borrow();
                let redelivered = redeliver::many(db, &settings, &circuits, question, now)?;
                self.wake(now);
                question.reply(&redelivered)
            }
            Request::Erase(erase) => {
                self.note_change();
                erase.reply(&db.transaction(|| erase::one(db, erase.row, now))?)
            }
            Request::EraseEmail(question) => question.reply(&self.erase_email(question, now)?),
            Request::GetStatus(question) => question.reply(&self.status(shard, now)?),
            Request::SetPaused(question) => {
                let since = self.set_paused(question, now)?;
                self.wake_for_work(&settings, now)?;
                question.reply(&since)
            }
            Request::Hasten(question) => {
                let more = self.hasten(&settings, question, now)?;
                self.wake(now);
                question.reply(&more)
            }
            Request::Keep(keep) => {
                let kept = self.with_quarantine(|it| it.keep(db, &settings, keep, now))?;
                self.wake_for_recovery(&settings);
                keep.reply(&kept.ok_or_else(no_quarantine)?)
            }
            Request::HadKey(question) => {
                question.reply(&self.with_quarantine(|it| Ok(it.had_key()))?.unwrap_or(false))
            }
            Request::ListRejected(list) => {
                let listed =
                    self.with_quarantine(|_| quarantine::list(db, &settings, list, now))?;
                list.reply(&listed.unwrap_or_default())
            }
            Request::ShowRejected(show) => {
                let shown =
                    self.with_quarantine(|_| quarantine::show(db, &settings, show.row, now))?;
                show.reply(&shown.flatten())
            }
            Request::RemoveRejected(remove) => {
                // A request that is being delivered can soon be erased as a delivery.
                let is_busy = !remove.is_delivered && self.recovering.get() == Some(remove.row);
                let removed =
                    if is_busy { None } else { self.with_quarantine(|it| it.remove(db, remove))? };
                remove.reply(&removed.unwrap_or(0))
            }
        }
    }

    fn note_report(&self, report: &Report, settings: &Settings, now: u64) -> Result<()> {
        let db = &self.db;
        alerts::store_match(db, report.matched)?;
        self.rejections.borrow_mut().note(report, now);
        self.with_quarantine(|it| it.note_report(db, report, now))?;
        self.save_rejections(now)?;
        self.note_drift(&report.drift, now)?;
        alerts::check(db, &self.rejections.borrow(), now, settings.silence_ms)?;
        log::keys(&KeyStatus::new(alerts::last_match(db)?, settings.previous_until, now));
        self.wake_for_work(settings, now)
    }

    fn erase_email(&self, question: &EraseEmail, now: u64) -> Result<Erased> {
        self.note_change();
        let db = &self.db;
        let mut erased = erase::with_email(db, &question.email, question.after, now)?;
        // The last call of a search also searches the kept requests.
        if erased.last.is_none() {
            let kept = self.with_quarantine(|it| it.erase_email(db, &question.email))?;
            erased.erased = erased.erased.saturating_add(kept.unwrap_or(0));
        }
        Ok(erased)
    }

    fn status(&self, shard: u32, now: u64) -> Result<ShardStatus> {
        let db = &self.db;
        let mut status = admin::status(db, &self.counts.borrow(), &self.circuits.borrow(), now)?;
        status.refused = self.rejections.borrow().counts(db)?;
        status.quarantine = self.with_quarantine(|it| Ok(it.status()))?;
        if shard == shards::FIRST {
            status.drift = Some(self.drift.borrow_mut().count(db)?);
        }
        Ok(status)
    }

    fn list(&self, shard: u32, list: &List) -> Result<Listed> {
        let row = self.counts.borrow().newest;
        Ok(Listed {
            newest: Some(DeliveryId { shard, row }),
            ..admin::list(&self.db, shard, list)?
        })
    }

    /// Notices the configured key. If it has changed, the kept requests are verified with it.
    fn notice_key(&self, settings: &Settings) -> Result<()> {
        let is_first = self.quarantine.borrow().is_none();
        if is_first {
            let mut quarantine = Quarantine::make(&self.db)?;
            if identity::shards(&self.db)?.is_some() {
                quarantine.note_earlier_key(&self.db)?;
            }
            *self.quarantine.borrow_mut() = Some(quarantine);
        }
        let is_new = self.with_quarantine(|it| it.notice_key(&self.db, settings))? == Some(true);
        // The last match of the replaced key says nothing about the new key. An upgrade does not change the key.
        if is_new && !is_first {
            alerts::forget_match(&self.db)?;
        }
        self.knows_key.set(true);
        self.wake_for_recovery(settings);
        Ok(())
    }

    fn wake_for_recovery(&self, settings: &Settings) {
        if let Some(time) = self.next_recovery(settings) {
            self.wake(time.max(now()));
        }
    }

    fn save_rejections(&self, now: u64) -> Result<()> {
        self.db.transaction(|| {
            if self.rejections.borrow_mut().save_if_due(&self.db, now)? {
                self.with_quarantine(|it| it.save_dropped(&self.db))?;
            }
            Ok(())
        })
    }

    /// Counts differences from the documented shapes. A new one raises an alert.
    fn note_drift(&self, reported: &[Count], now: u64) -> Result<()> {
        match self.drift.borrow_mut().note(&self.db, reported, now)? {
            None => Ok(()),
            detail => {
                let new = Raise { cause: Cause::Drift, destination: None, detail };
                alerts::raise(&self.db, &new, now)
            }
        }
    }
}

fn no_quarantine() -> Problem {
    Problem::new("only the first shard keeps rejected requests")
}
