//! Verifies what is kept again after the key has changed, and makes deliveries of what the current key verifies.
//!
//! A request leaves the quarantine only after its own shard has stored it. If the process ends in between, it is stored
//! again, as a duplicate.

use js_sys::Uint8Array;

use super::room::{MOST_TRAPS, VerifiedWith, is_admitted};
use super::{COLUMNS, KeptRow, Quarantine, RowId};
use crate::config::Settings;
use crate::inbox::db::{Db, from_row};
use crate::inbox::{Inbox, alerts};
use crate::js::{Problem, Result, now};
use crate::keys::LastMatch;
use crate::protocol::{Cause, RemoveRejected, Stored};
use crate::quarantine::verify;
use crate::receive::{self, Message};
use crate::{failpoint, log};

/// How long one alarm does this at most, in milliseconds. The next alarm goes on.
const RECOVER_MS: u64 = 20_000;

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

    /// Returns when kept requests are to be verified again, if they are.
    pub(in crate::inbox) fn next_recovery(&self, settings: &Settings) -> Option<u64> {
        let quarantine = self.quarantine.borrow();
        let is_due = quarantine.as_ref().is_some_and(|it| it.is_due(settings));
        is_due.then_some(self.recover_at.get())
    }

    /// Verifies what is kept again, if the key has changed.
    pub(in crate::inbox) async fn recover(&self, settings: &Settings) -> Result<()> {
        if self.next_recovery(settings).is_none_or(|time| time > now()) {
            return Ok(());
        }
        let end = now().saturating_add(RECOVER_MS);
        let mut last = RowId::FIRST;
        let (mut recovered, mut retry): (u64, Option<u64>) = (0, None);
        while let Some(row) = self.next_kept(last)? {
            last = row;
            if now() >= end {
                retry = Some(0);
                break;
            }
            match self.recover_one(settings, row).await {
                Ok(did) => recovered = recovered.saturating_add(did.into()),
                Err(problem) => {
                    log::inbox_failed(&problem);
                    retry = Some(RETRY_MS);
                }
            }
        }
        match retry {
            None => drop(self.with_quarantine(|it| it.verified(&self.db, settings))?),
            Some(wait) => self.recover_at.set(now().saturating_add(wait)),
        }
        if recovered > 0 {
            log::recovered(recovered);
            let matched = LastMatch { current: Some(now()), previous: None };
            alerts::store_match(&self.db, matched)?;
            alerts::raise(&self.db, Cause::RecoveredFromQuarantine, now())?;
        }
        Ok(())
    }

    /// Returns the first request that is kept after a row.
    fn next_kept(&self, after: RowId) -> Result<Option<RowId>> {
        let next = self.with_quarantine(|quarantine| {
            let mut rows = quarantine.room.held().map(|(entry, _)| entry.row);
            Ok(rows.find(|row| *row > after))
        })?;
        Ok(next.flatten())
    }

    /// Verifies a request; stores it in its own shard, and removes it here, if the current key verifies it. Returns
    /// whether it did.
    async fn recover_one(&self, settings: &Settings, row: RowId) -> Result<bool> {
        let query = format!("SELECT {COLUMNS} FROM kept WHERE key = ? AND traps < {MOST_TRAPS}");
        let found = self.db.objects(&query, &[row.into()])?.get(0);
        if found.is_undefined() {
            return Ok(false);
        }
        self.guard.mark_kept(Some(row));
        let kept: KeptRow = from_row(&found)?;
        let bytes = Uint8Array::new(&kept.body);
        let body = bytes.to_vec();
        failpoint::trap_at("trap-in-quarantine", &kept.body);
        let finding = verify(settings, &body, &kept.signature, kept.received);
        self.guard.mark_kept(None);
        let Some(genuine) = finding.genuine.filter(|it| is_admitted(Some(it.headline.key_slot)))
        else {
            return Ok(false);
        };
        let message = Message {
            signature: &kept.signature,
            content_type: &kept.content_type,
            body: &bytes,
            received: Some(kept.received),
        };
        let stored =
            receive::store(&self.env, settings, &genuine.headline, genuine.is_test, &message);
        let stored = stored.await.map_err(|failure| Problem::new(failure.message()))?;
        failpoint::reached(&self.env, "after-recovered").await;
        self.with_quarantine(|it| {
            // What came before shows nothing of the sender: anybody can send it again.
            if !matches!(stored, Stored::Duplicate | Stored::Repeat) {
                it.note_sender(&self.db, row, now())?;
            }
            it.remove(&self.db, &RemoveRejected { row, is_delivered: true })
        })?;
        Ok(true)
    }
}

impl Quarantine {
    /// Notes that all that is kept was verified with the current key.
    fn verified(&mut self, db: &Db, settings: &Settings) -> Result<()> {
        let fingerprint = self.fingerprint(settings.verifier.as_ref());
        let verified_with = fingerprint.map_or(VerifiedWith::Nothing, VerifiedWith::Key);
        self.save_verified_with(db, verified_with)
    }
}
