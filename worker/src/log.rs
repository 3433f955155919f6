//! Structured logs: JSON, one line a decision, with id and code; never a body, a key or personal data.

use serde_json::json;
use worker::{console_error, console_log, console_warn};

use crate::answer::Failure;
use crate::config::Mistakes;
use crate::forward::{Headline, Outcome};
use crate::inbox::store::Arrival;
use crate::life::{Life, Progress, Send};
use crate::watch::KeyTimes;

pub(crate) fn misconfigured(mistakes: &Mistakes) {
    console_error!("{}", json!({ "event": "misconfigured", "mistakes": mistakes }));
}

pub(crate) fn refused(failure: &Failure) {
    console_warn!("{}", json!({ "event": "refused", "code": failure.code() }));
}

/// What an attempt came to. `origin` is the status that the destination answered with, if it did.
pub(crate) fn forwarded(headline: &Headline, destination: &str, outcome: &Outcome) {
    let failure = outcome.failure.as_ref();
    let line = json!({
        "event": if failure.is_none() { "delivered" } else { "not_delivered" },
        "id": headline.id,
        "type": headline.event_type,
        "key": headline.key,
        "destination": destination,
        "origin": outcome.status,
        "code": failure.map(Failure::code),
    });
    if failure.is_none() {
        console_log!("{line}");
    } else {
        console_warn!("{line}");
    }
}

/// What the inbox did with an arrival.
pub(crate) fn accepted(arrival: &Arrival, stored: &str) {
    let line = json!({
        "event": stored,
        "id": arrival.id,
        "type": arrival.event_type,
        "key": arrival.signed_with,
    });
    console_log!("{line}");
}

/// A delivery that some destination will not get, and why, by destination.
pub(crate) fn dead(id: &str, life: &Life) {
    let reason = |send: &Send| match send.progress {
        Progress::Dead(reason) => Some((send.destination.clone(), reason.as_str().into())),
        _ => None,
    };
    let reasons: serde_json::Map<_, _> = life.sends.iter().filter_map(reason).collect();
    console_error!("{}", json!({ "event": "dead", "id": id, "reasons": reasons }));
}

/// What the inbox could not do. No reason contains what came from outside.
pub(crate) fn inbox_failed(reason: &str) {
    console_error!("{}", json!({ "event": "inbox_failed", "reason": reason }));
}

/// An alert that was not posted.
pub(crate) fn alert_failed(cause: &str, reason: &str) {
    console_error!("{}", json!({ "event": "alert_failed", "cause": cause, "reason": reason }));
}

/// When each key last matched, and what there is to do about that.
pub(crate) fn keys(keys: KeyTimes, now: u64) {
    let warnings = keys.warnings(now);
    let line = json!({
        "event": "keys",
        "current": keys.current,
        "previous": keys.previous,
        "previousUntil": keys.previous_until,
        "warnings": warnings,
    });
    if warnings.is_empty() {
        console_log!("{line}");
    } else {
        console_warn!("{line}");
    }
}
