//! The log: one line of JSON for each decision. A line has IDs and codes, but never a body, a key or personal data.

use std::collections::BTreeMap;

use serde::Serialize;
use walnut_webhooks_explain::Cause;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::Mistakes;
use crate::failure::Failure;
use crate::forward::{Headline, Outcome};
use crate::js::Problem;
use crate::json;
use crate::keys::{KeySlot, KeyStatus};
use crate::life::{Progress, Send};
use crate::protocol::Stored;

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

/// A line of the log; its `event` is the name of the variant.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// The configuration has mistakes.
    Misconfigured {
        mistakes: &'a Mistakes,
    },
    /// A request was rejected.
    Refused {
        code: &'static str,
    },
    /// Why a signature was rejected, without the difference between the bodies.
    Explained {
        code: Option<&'static str>,
        cause: Cause,
        problem: &'a str,
        fix: &'a str,
    },
    /// The inbox stored a delivery: see [`Stored`].
    Accepted(Subject<'a>),
    Unrouted(Subject<'a>),
    Repeat(Subject<'a>),
    Duplicate(Subject<'a>),
    Variant(Subject<'a>),
    /// A destination accepted a delivery.
    Delivered(Attempt<'a>),
    /// An attempt failed.
    NotDelivered(Attempt<'a>),
    /// These destinations will not receive a delivery; with the reason for each.
    Dead {
        id: &'a str,
        reasons: BTreeMap<&'a str, &'static str>,
    },
    /// The inbox failed. No reason contains anything from outside.
    InboxFailed {
        reason: String,
    },
    /// An alert was not posted; with the status of the response, if there was one.
    AlertFailed {
        cause: &'a str,
        status: Option<u16>,
    },
    /// When each key last verified a delivery.
    Keys(&'a KeyStatus),
}

/// The delivery that a line is about.
#[derive(Serialize)]
pub(crate) struct Subject<'a> {
    id: &'a str,
    r#type: &'a str,
    key: KeySlot,
}

/// The attempt that a line is about.
#[derive(Serialize)]
pub(crate) struct Attempt<'a> {
    id: &'a str,
    r#type: &'a str,
    key: KeySlot,
    destination: &'a str,
    /// The status of the destination's response, if there was one.
    origin: Option<u16>,
    code: Option<&'static str>,
}

/// How serious a line is.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    Log,
    Warn,
    Error,
}

impl Line<'_> {
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::Misconfigured { .. }
            | Self::Dead { .. }
            | Self::InboxFailed { .. }
            | Self::AlertFailed { .. } => Level::Error,
            Self::Refused { .. } | Self::Explained { .. } | Self::NotDelivered(_) => Level::Warn,
            Self::Keys(KeyStatus { warnings, .. }) if !warnings.is_empty() => Level::Warn,
            _ => Level::Log,
        }
    }

    /// Writes the line at its level.
    pub(crate) fn write(&self) {
        let text = json::text(self);
        match self.level() {
            Level::Log => console::log(&text),
            Level::Warn => console::warn(&text),
            Level::Error => console::error(&text),
        }
    }
}

pub(crate) fn misconfigured(mistakes: &Mistakes) {
    Line::Misconfigured { mistakes }.write();
}

pub(crate) fn refused(failure: &Failure) -> Line<'static> {
    Line::Refused { code: failure.code() }
}

pub(crate) fn explained(code: Option<&'static str>, cause: Cause, problem: &str, fix: &str) {
    Line::Explained { code, cause, problem, fix }.write();
}

pub(crate) fn stored(headline: &Headline, stored: Stored) -> Line<'_> {
    let Headline { id, event_type, key_slot, .. } = headline;
    let subject = Subject { id, r#type: event_type, key: *key_slot };
    match stored {
        Stored::Accepted => Line::Accepted(subject),
        Stored::Unrouted => Line::Unrouted(subject),
        Stored::Repeat => Line::Repeat(subject),
        Stored::Duplicate => Line::Duplicate(subject),
        Stored::Variant => Line::Variant(subject),
    }
}

pub(crate) fn forwarded<'a>(
    headline: &'a Headline,
    destination: &'a str,
    outcome: &Outcome,
) -> Line<'a> {
    let Headline { id, event_type, key_slot, .. } = headline;
    let attempt = Attempt {
        id,
        r#type: event_type,
        key: *key_slot,
        destination,
        origin: outcome.status,
        code: outcome.failure.as_ref().map(Failure::code),
    };
    match attempt.code {
        None => Line::Delivered(attempt),
        Some(_) => Line::NotDelivered(attempt),
    }
}

pub(crate) fn dead<'a>(id: &'a str, died: &[&'a Send]) {
    let mut reasons = BTreeMap::new();
    for send in died {
        if let Progress::Dead(reason) = send.progress {
            reasons.insert(send.destination.as_str(), reason.as_str());
        }
    }
    Line::Dead { id, reasons }.write();
}

pub(crate) fn inbox_failed(problem: &Problem) {
    Line::InboxFailed { reason: problem.to_string() }.write();
}

pub(crate) fn alert_failed(cause: &str, status: Option<u16>) {
    Line::AlertFailed { cause, status }.write();
}

pub(crate) fn keys(keys: &KeyStatus) {
    Line::Keys(keys).write();
}
