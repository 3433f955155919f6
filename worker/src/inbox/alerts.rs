//! Alerts inform an operator of problems, at most once an hour for each cause. The first shard raises and posts them,
//! because it receives all reports.

use super::db::{Batch, Db};
use super::rejections::Rejections;
use super::schema::{add_meta, load_meta, save_meta};
use crate::config::{AlertFormat, Settings};
use crate::host::{self, Lines, Place};
use crate::js::{self, Result, number, or_null};
use crate::json::Item;
use crate::keys::LastMatch;
use crate::protocol::{Cause, Raise};
use crate::{json, log};

pub(super) const HOUR_MS: u64 = 60 * 60 * 1000;

/// How long to wait after a failed post, in milliseconds.
const RETRY_MS: u64 = 60_000;

/// The time limit of a post, in milliseconds.
const TIMEOUT_MS: u32 = 10_000;

/// The source that an alert states.
const SOURCE: &str = "walnut-webhooks";

/// The names under which the time of the last match of each key is stored.
const MATCHED_CURRENT: &str = "matched:current";
const MATCHED_PREVIOUS: &str = "matched:previous";

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Full => "full",
            Self::PreviousKey => "previous_key",
            Self::AllFailed => "all_failed",
            Self::Silence => "silence",
            Self::RecoveredFromQuarantine => "recovered_from_quarantine",
            Self::Failing => "failing",
            Self::Recovered => "recovered",
            Self::Paused => "paused",
            Self::Drift => "drift",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Dead => "A delivery is dead: look at the delivery log.",
            Self::Full => {
                "A shard has stored 80 % of MAX_STORED_MB, and will accept no more deliveries at 100 %: raise it, up to \
                 9000, or lower RETENTION."
            }
            Self::PreviousKey => {
                "In the last hour only the previous key verified deliveries: set the key that Walnut shows."
            }
            Self::AllFailed => {
                "In the last hour requests were rejected, and nothing new was stored: check the key, the senders of the \
                 requests, and the edge's log."
            }
            Self::Silence => {
                "Nothing new was stored for a long time: check the webhook in Walnut, and the edge's log."
            }
            Self::RecoveredFromQuarantine => {
                "The new key has verified kept requests. They are deliveries now."
            }
            Self::Failing => "The destination accepts no deliveries: look at its attempts.",
            Self::Recovered => "The destination accepts deliveries again.",
            Self::Paused => {
                "The destination has been paused for a day: resume it. After 7 days, the edge resumes it."
            }
            Self::Drift => {
                "An event differs from its documented shape in a new way. It was delivered: check the programs that read it."
            }
        }
    }
}

/// The times and counts of incoming requests that decide on alerts. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    pub(super) matched: LastMatch,
    /// When the first and the last request since the last match were rejected.
    pub(super) failing_since: Option<u64>,
    pub(super) last_refused: Option<u64>,
    /// When the edge began to watch requests.
    pub(super) since: u64,
}

impl Health {
    /// Returns the causes for which an alert is due.
    pub(super) fn causes(&self, now: u64, silence_ms: Option<u64>) -> Vec<Cause> {
        let hour_ago = now.saturating_sub(HOUR_MS);
        let recent = |time: Option<u64>| time.is_some_and(|time| time > hour_ago);
        let LastMatch { current, previous } = self.matched;
        let last = current.max(previous).unwrap_or(0).max(self.since);
        let mut causes = Vec::new();
        if recent(previous) && self.matched.is_only_previous() {
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

    fn read(db: &Db, rejections: &Rejections, now: u64) -> Result<Self> {
        let since = load_meta(db, "watched_since")?.unwrap_or(now);
        if since == now {
            save_meta(db, "watched_since", Some(now))?;
        }
        Ok(Self {
            matched: last_match(db)?,
            failing_since: rejections.failing_since,
            last_refused: rejections.last,
            since,
        })
    }
}

/// Returns when each key last verified a delivery.
pub(super) fn last_match(db: &Db) -> Result<LastMatch> {
    Ok(LastMatch {
        current: load_meta(db, MATCHED_CURRENT)?,
        previous: load_meta(db, MATCHED_PREVIOUS)?,
    })
}

/// Stores when each key last verified a delivery, as an isolate reports it.
pub(super) fn store_match(db: &Db, matched: LastMatch) -> Result<()> {
    let LastMatch { current, previous } = matched;
    for (name, time) in [(MATCHED_CURRENT, current), (MATCHED_PREVIOUS, previous)] {
        if time.is_some() {
            save_meta(db, name, time.max(load_meta(db, name)?))?;
        }
    }
    Ok(())
}

/// Deletes the time when the current key last verified a delivery, because the key has changed.
pub(super) fn forget_match(db: &Db) -> Result<()> {
    match load_meta(db, MATCHED_CURRENT)? {
        Some(_) => save_meta(db, MATCHED_CURRENT, None),
        None => Ok(()),
    }
}

/// Raises the alerts that have a cause.
pub(super) fn check(
    db: &Db,
    rejections: &Rejections,
    now: u64,
    silence_ms: Option<u64>,
) -> Result<()> {
    for cause in Health::read(db, rejections, now)?.causes(now, silence_ms) {
        raise(db, &Raise::new(cause), now)?;
    }
    Ok(())
}

/// Raises an alert, unless one with the same cause and destination was raised in the last hour. A recovery is reported
/// once for each reported failure.
pub(super) fn raise(db: &Db, raise: &Raise, now: u64) -> Result<()> {
    let Raise { cause, destination, detail } = raise;
    let destination = destination.as_deref();
    let hour_ago = now.saturating_sub(HOUR_MS);
    let last = match cause {
        Cause::Recovered => raised_at(db, Cause::Failing, destination)?.unwrap_or(now),
        // After a recovery, the next failure is reported without waiting for the hour.
        Cause::Failing => {
            let recovered = raised_at(db, Cause::Recovered, destination)?;
            recovered.map_or(hour_ago, |time| time.max(hour_ago))
        }
        // Each difference is new, and there are few.
        Cause::Drift => now,
        _ => hour_ago,
    };
    let mut text = String::new();
    for part in [destination.unwrap_or_default(), if destination.is_some() { ": " } else { "" }] {
        text.push_str(part);
    }
    text.push_str(cause.text());
    if let Some(detail) = detail {
        for part in [" (", detail, ")"] {
            text.push_str(part);
        }
    }
    db.run(
        "INSERT INTO alerts (cause, text, at, due) VALUES (?1, ?2, ?3, ?3)
        ON CONFLICT (cause) DO UPDATE SET text = ?2, at = ?3, due = ?3 WHERE at <= ?4",
        &[key(*cause, destination).into(), text.into(), number(now), number(last)],
    )
}

/// The name under which a death is stored until it is reported to the first shard, followed by a space and the
/// destination. Older versions store it without a destination.
const DIED: &str = "died";

/// Stores that a destination will not receive a delivery.
pub(super) fn add_death(batch: &mut Batch, destination: &str, now: u64) {
    add_meta(batch, &[DIED, " ", destination].concat(), now);
}

/// Lists the destinations with a death that is not reported to the first shard. The name is empty if an older version stored
/// it.
pub(super) fn deaths(db: &Db) -> Result<Vec<String>> {
    let rows = db.rows(
        "SELECT substr(name, 6) FROM meta WHERE name >= 'died' AND name < 'diee' AND value IS NOT NULL",
        &[],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Deletes a death that was reported to the first shard.
pub(super) fn forget_death(db: &Db, destination: &str) -> Result<()> {
    db.run("DELETE FROM meta WHERE name = rtrim('died ' || ?)", &[destination.into()])
}

/// Returns when an alert was last raised.
pub(super) fn raised_at(db: &Db, cause: Cause, destination: Option<&str>) -> Result<Option<u64>> {
    db.number("SELECT at FROM alerts WHERE cause = ?", &[key(cause, destination).into()])
}

/// Returns the name under which an alert is stored: its cause and, after a space, the destination that it concerns.
fn key(cause: Cause, destination: Option<&str>) -> String {
    let mut key = cause.as_str().to_owned();
    if let Some(destination) = destination {
        key.push(' ');
        key.push_str(destination);
    }
    key
}

/// Returns the time of the next post of an alert.
pub(super) fn next(db: &Db) -> Result<Option<u64>> {
    db.number("SELECT MIN(due) FROM alerts WHERE due IS NOT NULL", &[])
}

/// Posts the alerts that are due. An alert that could not be posted for an hour is dropped.
pub(super) async fn post_due(db: &Db, settings: &Settings, now: u64) -> Result<()> {
    let rows =
        db.rows("SELECT cause, text, at FROM alerts WHERE due <= ? ORDER BY at", &[number(now)])?;
    for row in rows {
        let (cause, text, at) = (row.text(0)?, row.text(1)?, row.number(2)?);
        let posted = match &settings.alert_url {
            None => true,
            Some(url) => post(url, settings.alert_format, &cause, &text, at).await,
        };
        let due = if posted { None } else { retry_time(at, now) };
        db.run(
            "UPDATE alerts SET due = ? WHERE cause = ?",
            &[or_null(due.map(number)), cause.into()],
        )?;
        // The next alarm posts the others: if this alarm waited for them, it would end too late.
        if !posted || js::now().saturating_sub(now) > u64::from(TIMEOUT_MS) {
            break;
        }
    }
    Ok(())
}

/// Returns when to retry an alert that could not be posted, if at all.
fn retry_time(at: u64, now: u64) -> Option<u64> {
    let next = now.saturating_add(RETRY_MS);
    (next.saturating_sub(at) < HOUR_MS).then_some(next)
}

/// Posts one alert; returns whether it was accepted. `cause` also contains the name of the destination, if there is one.
async fn post(url: &str, format: AlertFormat, cause: &str, text: &str, at: u64) -> bool {
    let alert = match format {
        AlertFormat::Json => object(cause, text, at),
        AlertFormat::Teams => card(cause, text),
    };
    let headers = Lines::default().with("content-type", "application/json");
    let posted = host::post(Place::Inbox, url, &headers, &alert.into(), TIMEOUT_MS).await;
    if posted.failure.is_some() {
        log::alert_failed(cause, posted.status);
    }
    posted.failure.is_none()
}

fn object(cause: &str, text: &str, at: u64) -> String {
    let (cause, destination) = match cause.split_once(' ') {
        None => (cause, Item::Missing),
        Some((cause, destination)) => (cause, destination.into()),
    };
    json::object(&[
        ("source", SOURCE.into()),
        ("cause", cause.into()),
        ("text", text.into()),
        ("at", at.into()),
        ("destination", destination),
    ])
}

/// Writes an Adaptive Card, which a workflow of Microsoft Teams accepts
/// (<https://learn.microsoft.com/en-us/connectors/teams/#microsoft-teams-webhook>).
fn card(cause: &str, text: &str) -> String {
    let mut card = String::from(concat!(
        r#"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":"#,
        r#"{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","body":["#,
    ));
    let block = |text: &str, weight: &str| {
        json::object(&[
            ("type", "TextBlock".into()),
            ("wrap", Item::Bool(true)),
            ("weight", weight.into()),
            ("text", text.into()),
        ])
    };
    card.push_str(&block(&[SOURCE, ": ", cause].concat(), "Bolder"));
    card.push(',');
    card.push_str(&block(text, "Default"));
    card.push_str("]}}]}");
    card
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_str, json};

    use super::*;

    #[test]
    fn an_alert_names_its_destination() {
        let read = |cause| from_str::<Value>(&object(cause, "a text", 5)).unwrap();
        let mut expected = json!({
            "source": "walnut-webhooks", "cause": "failing", "text": "a text", "at": 5,
        });
        assert_eq!(read("failing"), expected);
        expected["destination"] = "crm".into();
        assert_eq!(read("failing crm"), expected);
    }

    #[test]
    fn a_card_has_the_form_that_teams_accepts() {
        let block = |text, weight| json!({ "type": "TextBlock", "wrap": true, "weight": weight, "text": text });
        let card = json!({
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [block("walnut-webhooks: failing crm", "Bolder"), block("a \"text\"", "Default")],
        });
        let kind = "application/vnd.microsoft.card.adaptive";
        let expected = json!({
            "type": "message",
            "attachments": [{ "contentType": kind, "content": card }],
        });
        assert_eq!(from_str::<Value>(&super::card("failing crm", "a \"text\"")).unwrap(), expected);
    }

    const NOW: u64 = 100 * HOUR_MS;

    fn matched(current: Option<u64>, previous: Option<u64>) -> Health {
        Health { matched: LastMatch { current, previous }, ..Health::default() }
    }

    #[test]
    fn there_is_no_alert_while_the_current_key_matches() {
        assert_eq!(matched(Some(NOW), None).causes(NOW, Some(1)), []);
        let both = matched(Some(NOW), Some(NOW));
        assert_eq!(both.causes(NOW, Some(1)), []);
    }

    #[test]
    fn alerts_when_only_the_previous_key_matches_for_an_hour() {
        let previous = |current| matched(current, Some(NOW));
        assert_eq!(previous(None).causes(NOW, None), [Cause::PreviousKey]);
        assert_eq!(previous(Some(NOW - HOUR_MS)).causes(NOW, None), [Cause::PreviousKey]);
        assert_eq!(previous(Some(NOW - HOUR_MS + 1)).causes(NOW, None), []);
        assert_eq!(previous(None).causes(NOW + HOUR_MS, None), []);
    }

    #[test]
    fn a_late_retry_with_the_previous_key_raises_no_alert_in_the_quiet_hour_after_it() {
        let late = matched(Some(NOW - 11_000), Some(NOW));
        assert_eq!(late.causes(NOW + HOUR_MS - 1, None), []);
    }

    #[test]
    fn alerts_when_every_request_of_an_hour_was_rejected() {
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
    fn alerts_when_nothing_was_stored_for_a_long_time() {
        let old = matched(Some(NOW - 10), None);
        assert_eq!(old.causes(NOW, Some(10)), [Cause::Silence]);
        assert_eq!(old.causes(NOW, Some(11)), []);
        assert_eq!(old.causes(NOW, None), []);
        let new = Health { since: NOW - 9, ..Health::default() };
        assert_eq!(new.causes(NOW, Some(10)), []);
        assert_eq!(new.causes(NOW + 1, Some(10)), [Cause::Silence]);
    }
}
