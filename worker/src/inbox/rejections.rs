//! The counts of rejected requests, in memory. Rare rejections are saved at once. In the long run, the counts are saved
//! every 15 minutes, so that attackers can't make the inbox write more. Counts after the last save are lost with the object.
//! Only the first shard counts rejections.

use super::db::Db;
use super::schema::{load_meta, save_meta};
use crate::js::{Result, number};
use crate::keys::LastMatch;
use crate::protocol::{Count, Report};

/// The shortest time between two saves in the long run, in milliseconds, and how many saves may happen in a burst.
const SAVE_MS: u64 = 15 * 60 * 1000;
const BURST: u64 = 20;

/// The names under which the times are stored.
const SAVED: &str = "rejections_saved";
const LAST: &str = "last_refused";
const FAILING_SINCE: &str = "failing_since";

/// Times are in milliseconds since the Unix epoch.
#[derive(Default)]
pub(super) struct Rejections {
    /// How many requests were rejected since the last save, by code.
    unsaved: Vec<Count>,
    /// The time of the last rejection, and of the first rejection since a key last verified a request.
    pub(super) last: Option<u64>,
    pub(super) failing_since: Option<u64>,
    /// The time up to which earlier saves have used the budget of later ones.
    saved: u64,
    changed: bool,
}

impl Rejections {
    pub(super) fn load(db: &Db, matched: LastMatch) -> Result<Self> {
        let failing_since = load_meta(db, FAILING_SINCE)?;
        Ok(Self {
            last: load_meta(db, LAST)?,
            failing_since: failing_since.filter(|since| is_after(*since, matched)),
            saved: load_meta(db, SAVED)?.unwrap_or(0),
            ..Self::default()
        })
    }

    /// Counts the report of an isolate.
    pub(super) fn note(&mut self, report: &Report, now: u64) {
        for Count { name, count } in &report.refused {
            Count::add(&mut self.unsaved, name, *count);
        }
        if report.matched != LastMatch::default() {
            self.failing_since = None;
        } else if !report.refused.is_empty() {
            self.failing_since.get_or_insert(now);
        }
        if !report.refused.is_empty() {
            self.last = Some(now);
            self.changed = true;
        }
    }

    /// Returns how many requests were rejected, by code.
    pub(super) fn counts(&self, db: &Db) -> Result<Vec<Count>> {
        let mut counts: Vec<Count> =
            db.structs("SELECT code AS name, times AS count FROM refused", &[])?;
        for Count { name, count } in &self.unsaved {
            Count::add(&mut counts, name, *count);
        }
        Ok(counts)
    }

    /// Saves the counts, if they have changed and were not saved too often. Returns whether they were saved. Must be called
    /// in a transaction.
    pub(super) fn save_if_due(&mut self, db: &Db, now: u64) -> Result<bool> {
        let used = self.saved.max(now);
        if !self.changed
            || used.saturating_sub(now) > SAVE_MS.saturating_mul(BURST.saturating_sub(1))
        {
            return Ok(false);
        }
        let saved = used.saturating_add(SAVE_MS);
        for Count { name, count } in &self.unsaved {
            db.run(
                "INSERT INTO refused (code, times) VALUES (?1, ?2)
                ON CONFLICT (code) DO UPDATE SET times = times + ?2",
                &[name.as_str().into(), number(*count)],
            )?;
        }
        for (name, time) in
            [(SAVED, Some(saved)), (LAST, self.last), (FAILING_SINCE, self.failing_since)]
        {
            save_meta(db, name, time)?;
        }
        self.unsaved.clear();
        (self.saved, self.changed) = (saved, false);
        Ok(true)
    }
}

/// Returns whether a time is after the last match. A match is saved at once, but the end of the failures that it
/// implies is not.
fn is_after(since: u64, matched: LastMatch) -> bool {
    matched.current.max(matched.previous).is_none_or(|last| last < since)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(refused: u64, current: Option<u64>) -> Report {
        let refused =
            (refused > 0).then(|| Count { name: "signature_mismatch".to_owned(), count: refused });
        Report {
            refused: refused.into_iter().collect(),
            dropped: None,
            matched: LastMatch { current, previous: None },
            networks: Vec::new(),
            drift: Vec::new(),
        }
    }

    #[test]
    fn every_request_fails_from_the_first_rejection_until_a_match() {
        let mut rejections = Rejections::default();
        rejections.note(&report(0, Some(1)), 1);
        assert_eq!(rejections.failing_since, None);
        rejections.note(&report(1, None), 2);
        rejections.note(&report(1, None), 3);
        assert_eq!(rejections.failing_since, Some(2));
        assert_eq!(rejections.last, Some(3));
        rejections.note(&report(1, Some(4)), 4);
        assert_eq!(rejections.failing_since, None);
    }

    #[test]
    fn a_match_after_the_last_save_counts_too() {
        let matched = |previous| LastMatch { current: None, previous };
        assert!(is_after(5, matched(None)));
        assert!(is_after(5, matched(Some(4))));
        assert!(!is_after(5, matched(Some(5))));
    }
}
