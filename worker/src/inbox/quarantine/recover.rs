//! Verifies the kept requests again after the key has changed. A request that the current key verifies becomes a delivery.
//!
//! A request leaves the quarantine only after its own shard has stored it. If the process ends in between, it is stored
//! again, as a duplicate.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use worker::Delay;

use super::room::{MOST_TRAPS, VerifiedWith, is_admitted};
use super::{COLUMNS, KeptRow, Quarantine, RowId};
use crate::config::Settings;
use crate::inbox::db::{Db, from_row};
use crate::inbox::{Inbox, alerts};
use crate::js::{Problem, Result, now};
use crate::keys::LastMatch;
use crate::protocol::{Cause, Raise, RemoveRejected, Stored};
use crate::quarantine::{self, verify};
use crate::receive::{self, Message};
use crate::{failpoint, log, shards};

/// The time limit for this work in one alarm, in milliseconds. The next alarm continues.
const RECOVER_MS: u64 = 20_000;

/// How long a shard may take to store a request, in milliseconds.
const STORE_MS: u64 = 5000;

/// How long to wait after a shard has not stored a request, in milliseconds.
const RETRY_MS: u64 = 60_000;

impl Inbox {
    /// Runs work with the quarantine; `None` if this shard has none.
    pub(in crate::inbox) fn with_quarantine<T>(
        &self,
        work: impl FnOnce(&mut Quarantine) -> Result<T>,
    ) -> Result<Option<T>> {
        self.quarantine.borrow_mut().as_mut().map(work).transpose()
    }

    /// Returns the time of the next verification of the kept requests, if one is due.
    pub(in crate::inbox) fn next_recovery(&self, settings: &Settings) -> Option<u64> {
        let quarantine = self.quarantine.borrow();
        let is_due = quarantine.as_ref().is_some_and(|it| it.is_due(settings));
        is_due.then_some(self.recover_at.get())
    }

    /// Verifies the kept requests again, if the key has changed. The next alarm continues with the rest.
    pub(in crate::inbox) async fn recover(&self, settings: &Settings) -> Result<()> {
        self.prepare()?;
        if self.next_recovery(settings).is_none_or(|time| time > now()) {
            return Ok(());
        }
        // Requests whose retention is over must not become deliveries.
        self.with_quarantine(|it| it.expire(&self.db, now()))?;
        let end = now().saturating_add(RECOVER_MS);
        let mut pass = self.pass.take();
        let mut recovered: u64 = 0;
        let is_interrupted = loop {
            let Some(row) = self.next_kept(pass.last)? else { break false };
            if now() >= end {
                break true;
            }
            pass.last = row;
            match self.recover_one(settings, row, &mut pass.failed).await {
                Ok(is_recovered) => recovered = recovered.saturating_add(is_recovered.into()),
                Err(problem) => log::inbox_failed(&problem),
            }
        };
        if is_interrupted {
            *self.pass.borrow_mut() = pass;
        } else if pass.failed.is_empty() {
            self.with_quarantine(|it| it.note_verified(&self.db, settings))?;
        } else {
            self.recover_at.set(now().saturating_add(RETRY_MS));
        }
        if recovered > 0 {
            log::recovered(recovered);
            let matched = LastMatch { current: Some(now()), previous: None };
            alerts::store_match(&self.db, matched)?;
            alerts::raise(&self.db, &Raise::new(Cause::RecoveredFromQuarantine), now())?;
        }
        Ok(())
    }

    /// Returns the first kept request after a row.
    fn next_kept(&self, after: RowId) -> Result<Option<RowId>> {
        let next = self.with_quarantine(|quarantine| {
            let mut rows = quarantine.room.held().map(|(entry, _)| entry.row);
            Ok(rows.find(|row| *row > after))
        })?;
        Ok(next.flatten())
    }

    /// Verifies a request. If the current key verifies it, stores it in its own shard and removes it here. Returns
    /// whether the request was recovered. A shard that has failed gets no further request in this pass.
    async fn recover_one(
        &self,
        settings: &Settings,
        row: RowId,
        failed: &mut Vec<u32>,
    ) -> Result<bool> {
        let query = format!("SELECT {COLUMNS} FROM kept WHERE key = ? AND traps < {MOST_TRAPS}");
        let object = self.db.objects(&query, &[row.into()])?.get(0);
        if object.is_undefined() {
            return Ok(false);
        }
        let kept: KeptRow = from_row(&object)?;
        self.guard.mark_kept(Some(row));
        let bytes = Uint8Array::new(&kept.body);
        let body = bytes.to_vec();
        failpoint::trap_at("trap-in-quarantine", &kept.body);
        let finding = verify(settings, &body, &kept.signature, kept.received);
        self.guard.mark_kept(None);
        if !is_admitted(finding.slot()) || finding.cause == quarantine::Cause::Late {
            return Ok(false);
        }
        let Some(headline) = finding.genuine else { return Ok(false) };
        let shard = shards::find(&self.env, settings, &headline.id).await?;
        if failed.contains(&shard) {
            return Ok(false);
        }
        let message = Message {
            signature: &kept.signature,
            content_type: &kept.content_type,
            body: &bytes,
            received: Some(kept.received),
        };
        self.recovering.set(Some(row));
        let store = receive::store(&self.env, settings, &headline, &message);
        let stored = in_time(store).await;
        self.recovering.set(None);
        let Some(Ok(stored)) = stored else {
            failed.push(shard);
            return Err(Problem::new(format!("shard {shard} did not store a kept request")));
        };
        failpoint::reached(&self.env, "after-recovered").await;
        self.with_quarantine(|it| {
            // Any client can send a copy of a request, so a copy proves nothing about its sender.
            if matches!(stored, Stored::Accepted | Stored::Unrouted | Stored::Held) {
                it.note_sender(&self.db, row, now())?;
            }
            it.remove(&self.db, &RemoveRejected { row, is_delivered: true })
        })?;
        Ok(true)
    }
}

/// Waits for a future up to a time limit; `None` if it has not ended by then.
async fn in_time<T>(work: impl Future<Output = T>) -> Option<T> {
    let delay = Delay::from(Duration::from_millis(STORE_MS));
    match select(pin!(work), pin!(delay)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// The progress of a pass over the kept requests, and the shards that failed to store one.
#[derive(Default)]
pub(in crate::inbox) struct Pass {
    last: RowId,
    failed: Vec<u32>,
}

impl Quarantine {
    /// Notes that all kept requests were verified with the current key.
    fn note_verified(&mut self, db: &Db, settings: &Settings) -> Result<()> {
        let fingerprint = self.fingerprint(settings);
        let verified_with = fingerprint.map_or(VerifiedWith::Nothing, VerifiedWith::Key);
        self.save_verified_with(db, verified_with)
    }
}
