//! Alerts: what should wake somebody, once an hour for each cause. The first shard raises and posts them,
//! since it hears of everything.

use js_sys::Object;
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};

use super::db::Db;
use super::schema::{keep, meta};
use crate::host::{self, Lines};
use crate::js::{Result, get, items, number, or_null, text, whole};
use crate::log;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// How long until a post that has failed is tried again, in milliseconds.
const AGAIN_MS: u64 = 60_000;

/// How long whoever takes alerts may take, in milliseconds, and how many bytes to answer.
const TIMEOUT_MS: u32 = 10_000;
const MOST_ANSWER_BYTES: u32 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Dead,
    PreviousKey,
    AllFailed,
    Silence,
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::PreviousKey => "previous_key",
            Self::AllFailed => "all_failed",
            Self::Silence => "silence",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Dead => "A destination will not get a delivery: look at the delivery log.",
            Self::PreviousKey => {
                "In the last hour only the previous key has matched: set the key that Walnut shows."
            }
            Self::AllFailed => {
                "In the last hour requests were refused, and nothing new was stored: look at the key, at who is asking, \
                 and at the edge's log."
            }
            Self::Silence => {
                "Nothing new was stored for long: look at the webhook in Walnut, and at the edge's log."
            }
        }
    }
}

/// What is known of what came. Times are milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    /// When each key last matched.
    pub(super) current: Option<u64>,
    pub(super) previous: Option<u64>,
    /// When the first and the last was refused of those since a key last matched.
    pub(super) failing_since: Option<u64>,
    pub(super) last_refused: Option<u64>,
    /// Since when anything is known.
    pub(super) since: u64,
}

impl Health {
    /// Says what is wrong.
    pub(super) fn causes(&self, now: u64, silence_ms: Option<u64>) -> Vec<Cause> {
        let hour_ago = now.saturating_sub(HOUR_MS);
        let recent = |time: Option<u64>| time.is_some_and(|time| time > hour_ago);
        let last = self.current.max(self.previous).unwrap_or(0).max(self.since);
        let mut causes = Vec::new();
        if recent(self.previous) && !recent(self.current) {
            causes.push(Cause::PreviousKey);
        }
        if recent(self.last_refused) && self.failing_since.is_some_and(|since| since <= hour_ago) {
            causes.push(Cause::AllFailed);
        }
        if silence_ms.is_some_and(|silence| now.saturating_sub(last) >= silence) {
            causes.push(Cause::Silence);
        }
        causes
    }

    fn read(db: &Db, now: u64) -> Result<Self> {
        let since = meta(db, "watched_since")?.unwrap_or(now);
        if since == now {
            keep(db, "watched_since", Some(now))?;
        }
        Ok(Self {
            current: last_matched(db, "current")?,
            previous: last_matched(db, "previous")?,
            failing_since: meta(db, "failing_since")?,
            last_refused: meta(db, "last_refused")?,
            since,
        })
    }
}

/// By this name is kept when a key last matched, `current` or `previous`.
fn matching(key: &str) -> String {
    format!("matched:{key}")
}

/// Returns when a key last matched.
pub(super) fn last_matched(db: &Db, key: &str) -> Result<Option<u64>> {
    meta(db, &matching(key))
}

/// Keeps what an isolate has seen since it last said: how many requests were `refused`, by code, and when
/// each key last `matched`, by `current` and `previous`.
pub(super) fn seen(db: &Db, seen: &JsValue, now: u64) -> Result<()> {
    let (refused, matched) = (counts(seen, "refused"), counts(seen, "matched"));
    db.transaction(|| {
        for (code, times) in &refused {
            db.run(
                "INSERT INTO refused (code, times) VALUES (?1, ?2)
                ON CONFLICT (code) DO UPDATE SET times = times + ?2",
                &[code.as_str().into(), number(*times)],
            )?;
        }
        for (key, time) in &matched {
            keep(db, &matching(key), last_matched(db, key)?.max(Some(*time)))?;
        }
        if !refused.is_empty() {
            keep(db, "last_refused", Some(now))?;
        }
        if !matched.is_empty() {
            keep(db, "failing_since", None)?;
        } else if meta(db, "failing_since")?.is_none() {
            keep(db, "failing_since", Some(now))?;
        }
        Ok(())
    })
}

/// Reads an object of numbers.
fn counts(object: &JsValue, field: &str) -> Vec<(String, u64)> {
    let entries = get(object, field).dyn_ref::<Object>().map(Object::entries);
    let entry = |pair: JsValue| {
        let mut pair = items(&pair);
        Some((text(&pair.next()?)?, whole(&pair.next()?)?))
    };
    items(&entries.into()).filter_map(entry).collect()
}

/// Looks whether something is wrong, and has it posted.
pub(super) fn look(db: &Db, now: u64, silence_ms: Option<u64>) -> Result<()> {
    for cause in Health::read(db, now)?.causes(now, silence_ms) {
        raise(db, cause, now)?;
    }
    Ok(())
}

/// Has an alert posted, unless one of its cause was in the last hour.
pub(super) fn raise(db: &Db, cause: Cause, now: u64) -> Result<()> {
    db.run(
        "INSERT INTO alerts (cause, text, at, due) VALUES (?1, ?2, ?3, ?3)
        ON CONFLICT (cause) DO UPDATE SET text = ?2, at = ?3, due = ?3 WHERE at <= ?4",
        &[
            cause.as_str().into(),
            cause.text().into(),
            number(now),
            number(now.saturating_sub(HOUR_MS)),
        ],
    )
}

/// Returns when an alert is to be posted next.
pub(super) fn next(db: &Db) -> Result<Option<u64>> {
    db.number("SELECT MIN(due) FROM alerts WHERE due IS NOT NULL", &[])
}

/// Posts what is due. What can't be posted for an hour is given up.
pub(super) async fn post_due(db: &Db, url: Option<&str>, now: u64) -> Result<()> {
    let rows = db.rows("SELECT cause, text, at FROM alerts WHERE due <= ?", &[number(now)])?;
    for row in rows {
        let (cause, text, at) = (row.text(0)?, row.text(1)?, row.number(2)?);
        let posted = match url {
            None => true,
            Some(url) => post(url, &cause, &text, at).await,
        };
        let due = if posted { None } else { again(at, now) };
        db.run(
            "UPDATE alerts SET due = ? WHERE cause = ?",
            &[or_null(due.map(number)), cause.into()],
        )?;
    }
    Ok(())
}

/// Says when an alert that could not be posted is tried again, if it is.
fn again(at: u64, now: u64) -> Option<u64> {
    let next = now.saturating_add(AGAIN_MS);
    (next.saturating_sub(at) < HOUR_MS).then_some(next)
}

/// Posts one alert, and says whether it was taken.
async fn post(url: &str, cause: &str, text: &str, at: u64) -> bool {
    #[derive(Serialize)]
    struct Alert<'a> {
        source: &'static str,
        cause: &'a str,
        text: &'a str,
        at: u64,
    }
    let alert = crate::answer::text(&Alert { source: "walnut-webhooks", cause, text, at });
    let headers = Lines::default().with("content-type", "application/json");
    let posted = host::post(url, &headers, &alert.into(), TIMEOUT_MS, MOST_ANSWER_BYTES).await;
    if posted.failure.is_some() {
        log::alert_failed(cause, posted.status);
    }
    posted.failure.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 100 * HOUR_MS;

    fn health() -> Health {
        Health { current: Some(NOW), since: 0, ..Health::default() }
    }

    #[test]
    fn all_is_well_while_the_current_key_matches() {
        assert_eq!(health().causes(NOW, Some(1)), []);
        let both = Health { previous: Some(NOW), ..health() };
        assert_eq!(both.causes(NOW, Some(1)), []);
    }

    #[test]
    fn only_the_previous_key_matches() {
        let previous = |current| Health { current, previous: Some(NOW), ..health() };
        assert_eq!(previous(None).causes(NOW, None), [Cause::PreviousKey]);
        assert_eq!(previous(Some(NOW - HOUR_MS)).causes(NOW, None), [Cause::PreviousKey]);
        assert_eq!(previous(Some(NOW - HOUR_MS + 1)).causes(NOW, None), []);
        assert_eq!(previous(None).causes(NOW + HOUR_MS, None), []);
    }

    #[test]
    fn every_request_of_an_hour_was_refused() {
        let failing = |since| Health {
            failing_since: Some(since),
            last_refused: Some(NOW),
            ..Health::default()
        };
        assert_eq!(failing(NOW - HOUR_MS).causes(NOW, None), [Cause::AllFailed]);
        assert_eq!(failing(NOW - HOUR_MS + 1).causes(NOW, None), []);
        assert_eq!(failing(NOW - HOUR_MS).causes(NOW + HOUR_MS, None), []);
    }

    #[test]
    fn nothing_has_come_for_long() {
        let old = Health { current: Some(NOW - 10), since: 0, ..Health::default() };
        assert_eq!(old.causes(NOW, Some(10)), [Cause::Silence]);
        assert_eq!(old.causes(NOW, Some(11)), []);
        assert_eq!(old.causes(NOW, None), []);
        let new = Health { since: NOW - 9, ..Health::default() };
        assert_eq!(new.causes(NOW, Some(10)), []);
        assert_eq!(new.causes(NOW + 1, Some(10)), [Cause::Silence]);
    }
}
