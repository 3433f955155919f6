//! Structured logs: JSON, one line a decision, with id and code; never a body, a key or personal data.

use serde_json::json;
use worker::{console_error, console_log, console_warn};

use crate::answer::Failure;
use crate::config::Mistakes;
use crate::forward::Headline;

pub(crate) fn misconfigured(mistakes: &Mistakes) {
    console_error!("{}", json!({ "event": "misconfigured", "mistakes": mistakes }));
}

pub(crate) fn refused(failure: &Failure) {
    console_warn!("{}", json!({ "event": "refused", "code": failure.code() }));
}

/// `origin` is the status that the origin answered with, if it did.
pub(crate) fn forwarded(headline: &Headline, origin: Option<u16>, failure: Option<&Failure>) {
    let line = json!({
        "event": if failure.is_none() { "delivered" } else { "not_delivered" },
        "id": headline.id,
        "type": headline.event_type,
        "key": headline.key,
        "origin": origin,
        "code": failure.map(Failure::code),
    });
    if failure.is_none() {
        console_log!("{line}");
    } else {
        console_warn!("{line}");
    }
}
