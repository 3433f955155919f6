//! Structured logs: JSON, one line a decision, with id and code; never a body, a key or personal data.

use std::collections::BTreeMap;

use serde::Serialize;
use walnut_webhooks_explain::Cause;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Failure, text};
use crate::config::Mistakes;
use crate::forward::{Headline, Outcome};
use crate::js::Problem;
use crate::life::{Progress, Send};
use crate::watch::KeyTimes;

mod console {
    use super::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = console)]
        pub(super) fn log(line: &str);
        #[wasm_bindgen(js_namespace = console)]
        pub(super) fn warn(line: &str);
        #[wasm_bindgen(js_namespace = console)]
        pub(super) fn error(line: &str);
    }
}

pub(crate) fn misconfigured(mistakes: &Mistakes) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        mistakes: &'a Mistakes,
    }
    console::error(&text(&Line { event: "misconfigured", mistakes }));
}

pub(crate) fn refused(failure: &Failure) {
    #[derive(Serialize)]
    struct Line {
        event: &'static str,
        code: &'static str,
    }
    console::warn(&text(&Line { event: "refused", code: failure.code() }));
}

/// Logs why a signature was rejected, without the difference of the bodies.
pub(crate) fn explained(code: Option<&'static str>, cause: Cause, problem: &str, fix: &str) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        code: Option<&'static str>,
        cause: Cause,
        problem: &'a str,
        fix: &'a str,
    }
    console::warn(&text(&Line { event: "explained", code, cause, problem, fix }));
}

/// What an attempt came to. `origin` is the status that the destination answered with, if it did.
pub(crate) fn forwarded(headline: &Headline, destination: &str, outcome: &Outcome) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        id: &'a str,
        r#type: &'a str,
        key: &'a str,
        destination: &'a str,
        origin: Option<u16>,
        code: Option<&'static str>,
    }
    let code = outcome.failure.as_ref().map(Failure::code);
    let line = text(&Line {
        event: if code.is_none() { "delivered" } else { "not_delivered" },
        id: &headline.id,
        r#type: &headline.event_type,
        key: headline.key,
        destination,
        origin: outcome.status,
        code,
    });
    if code.is_none() {
        console::log(&line);
    } else {
        console::warn(&line);
    }
}

/// What the inbox did with an arrival.
pub(crate) fn stored(headline: &Headline, stored: &str) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'a str,
        id: &'a str,
        r#type: &'a str,
        key: &'a str,
    }
    let Headline { id, event_type, key, .. } = headline;
    console::log(&text(&Line { event: stored, id, r#type: event_type, key }));
}

/// A delivery that destinations will not get from now on, and why, by destination.
pub(crate) fn dead(id: &str, died: &[&Send]) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        id: &'a str,
        reasons: BTreeMap<&'a str, &'static str>,
    }
    let mut reasons = BTreeMap::new();
    for send in died {
        if let Progress::Dead(reason) = send.progress {
            reasons.insert(send.destination.as_str(), reason.as_str());
        }
    }
    console::error(&text(&Line { event: "dead", id, reasons }));
}

/// What the inbox could not do. No reason contains what came from outside.
pub(crate) fn inbox_failed(problem: &Problem) {
    #[derive(Serialize)]
    struct Line {
        event: &'static str,
        reason: String,
    }
    console::error(&text(&Line { event: "inbox_failed", reason: problem.to_string() }));
}

/// An alert that was not posted, and the status that it was answered with, if it was.
pub(crate) fn alert_failed(cause: &str, status: Option<u16>) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        cause: &'a str,
        status: Option<u16>,
    }
    console::error(&text(&Line { event: "alert_failed", cause, status }));
}

/// When each key last matched, and what there is to do about that.
pub(crate) fn keys(keys: KeyTimes, now: u64) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Line<'a> {
        event: &'static str,
        current: Option<u64>,
        previous: Option<u64>,
        previous_until: Option<u64>,
        warnings: &'a [&'static str],
    }
    let KeyTimes { current, previous, previous_until } = keys;
    let warnings = keys.warnings(now);
    let line =
        text(&Line { event: "keys", current, previous, previous_until, warnings: &warnings });
    if warnings.is_empty() {
        console::log(&line);
    } else {
        console::warn(&line);
    }
}
