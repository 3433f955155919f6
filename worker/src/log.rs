//! The log: one line of JSON for each decision. A line has IDs and codes, but never a body, a key or personal data.

use std::cell::RefCell;

use walnut_webhooks_explain::Cause;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::Mistakes;
use crate::failure::Failure;
use crate::forward::{Headline, Outcome};
use crate::js::{self, Problem};
use crate::json::{self, Item};
use crate::keys::{KeyStatus, LastMatch};
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

/// The code that counts requests to an unused path. They are answered `not_found`.
pub(crate) const WRONG_PATH: &str = "wrong_path";

/// The level of a line.
#[derive(Clone, Copy, Default)]
pub(crate) enum Level {
    #[default]
    Log,
    Warn,
    Error,
}

/// A line of the log: a JSON object. An empty one is not written.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) level: Level,
    pub(crate) json: String,
}

impl Line {
    fn new(level: Level, fields: &[(&str, Item<'_>)]) -> Self {
        Self { level, json: json::object(fields) }
    }

    /// Writes the line at its level.
    pub(crate) fn write(&self) {
        match self.level {
            Level::Log => console::log(&self.json),
            Level::Warn => console::warn(&self.json),
            Level::Error => console::error(&self.json),
        }
    }
}

/// The shortest time between two lines about mistakes in the configuration, in milliseconds.
const MISCONFIGURED_MS: u64 = 60_000;

/// The lines about the configuration that were written.
#[derive(Clone, Copy, Default)]
struct Reported {
    /// When mistakes were last written.
    mistakes: Option<u64>,
    warnings: bool,
}

impl Reported {
    /// Returns whether to write mistakes now, and notes that they are written.
    fn mistakes_are_due(&mut self, now: u64) -> bool {
        let is_due = self.mistakes.is_none_or(|last| now.saturating_sub(last) >= MISCONFIGURED_MS);
        if is_due {
            self.mistakes = Some(now);
        }
        is_due
    }

    /// Returns whether to write warnings, and notes that they are written.
    fn warnings_are_due(&mut self) -> bool {
        !std::mem::replace(&mut self.warnings, true)
    }
}

thread_local! {
    static REPORTED: RefCell<Reported> = RefCell::default();
}

/// Writes the problems of the configuration: mistakes at most once a minute, and warnings once for each isolate.
pub(crate) fn configuration(mistakes: &Mistakes, warnings: &[String], now: u64) {
    if !mistakes.is_empty() && REPORTED.with_borrow_mut(|it| it.mistakes_are_due(now)) {
        write_mistakes(mistakes);
    }
    if !warnings.is_empty() && REPORTED.with_borrow_mut(Reported::warnings_are_due) {
        let fields =
            [("event", "configuration_warnings".into()), ("warnings", sentences(warnings))];
        Line::new(Level::Warn, &fields).write();
    }
}

/// The configuration has mistakes. The line is written at most once a minute.
pub(crate) fn misconfigured(mistakes: &Mistakes) {
    if REPORTED.with_borrow_mut(|it| it.mistakes_are_due(js::now())) {
        write_mistakes(mistakes);
    }
}

fn write_mistakes(mistakes: &Mistakes) {
    let fields = [("event", "misconfigured".into()), ("mistakes", sentences(mistakes))];
    Line::new(Level::Error, &fields).write();
}

fn sentences(sentences: &[String]) -> Item<'static> {
    Item::Json(json::list(sentences.iter().map(|sentence| sentence.as_str().into())))
}

/// A request was rejected.
pub(crate) fn refused(failure: &Failure) -> Line {
    Line::new(Level::Warn, &[("event", "refused".into()), ("code", failure.code().into())])
}

/// A rejected request is kept. `code` is the code of its answer.
pub(crate) fn kept(code: &str) -> Line {
    Line::new(Level::Warn, &[("event", "kept".into()), ("code", code.into())])
}

/// A request was accepted during set-up: it is `kept`, or was `unsigned`.
pub(crate) fn accepted_in_setup(how: &str) -> Line {
    Line::new(Level::Warn, &[("event", how.into()), ("setup", Item::Bool(true))])
}

/// A new key has verified `count` kept requests.
pub(crate) fn recovered(count: u64) {
    let fields = [("event", "recovered_from_quarantine".into()), ("count", count.into())];
    Line::new(Level::Warn, &fields).write();
}

/// A request that Walnut may have signed was posted to an unused path.
pub(crate) fn wrong_path() -> Line {
    Line::new(Level::Warn, &[("event", "refused".into()), ("code", WRONG_PATH.into())])
}

/// The explanation of a rejected signature, without the difference between the bodies.
pub(crate) fn explained(code: Option<&'static str>, cause: Cause, problem: &str, fix: &str) {
    let fields = [
        ("event", "explained".into()),
        ("code", code.into()),
        ("cause", cause.as_str().into()),
        ("problem", problem.into()),
        ("fix", fix.into()),
    ];
    Line::new(Level::Warn, &fields).write();
}

/// The inbox stored a delivery.
pub(crate) fn stored(headline: &Headline, stored: Stored) -> Line {
    let Headline { id, event_type, key_slot, .. } = headline;
    let fields = [
        ("event", stored.as_str().into()),
        ("id", id.as_str().into()),
        ("type", event_type.as_str().into()),
        ("key", key_slot.as_str().into()),
    ];
    Line::new(Level::Log, &fields)
}

/// A destination accepted a delivery, or an attempt failed. `origin` is the status of the destination's response, if there
/// was one.
pub(crate) fn forwarded(headline: &Headline, destination: &str, outcome: &Outcome) -> Line {
    let Headline { id, event_type, key_slot, .. } = headline;
    let (level, event) = match outcome.failure {
        None => (Level::Log, "delivered"),
        Some(_) => (Level::Warn, "not_delivered"),
    };
    let fields = [
        ("event", event.into()),
        ("id", id.as_str().into()),
        ("type", event_type.as_str().into()),
        ("key", key_slot.as_str().into()),
        ("destination", destination.into()),
        ("origin", outcome.status.map(u64::from).into()),
        ("code", outcome.failure.as_ref().map(Failure::code).into()),
        ("how", outcome.how.map_or(Item::Missing, |how| how.as_str().into())),
    ];
    Line::new(level, &fields)
}

/// Some destinations will not receive a delivery. The line has the reason for each destination.
pub(crate) fn dead(id: &str, died: &[&Send]) {
    let mut reasons = Vec::new();
    for send in died {
        if let Progress::Dead(reason) = send.progress {
            let destination = send.destination.as_str();
            let index = reasons.partition_point(|(before, _)| *before < destination);
            reasons.insert(index, (destination, reason.as_str().into()));
        }
    }
    let reasons = Item::Json(json::object(&reasons));
    let fields = [("event", "dead".into()), ("id", id.into()), ("reasons", reasons)];
    Line::new(Level::Error, &fields).write();
}

/// The inbox failed. No reason contains external data.
pub(crate) fn inbox_failed(problem: &Problem) {
    let reason = problem.to_string();
    let fields = [("event", "inbox_failed".into()), ("reason", reason.as_str().into())];
    Line::new(Level::Error, &fields).write();
}

/// An alert was not posted. `status` is the status of the response, if there was one.
pub(crate) fn alert_failed(cause: &str, status: Option<u16>) {
    let fields = [
        ("event", "alert_failed".into()),
        ("cause", cause.into()),
        ("status", status.map(u64::from).into()),
    ];
    Line::new(Level::Error, &fields).write();
}

/// When each key last verified a delivery.
pub(crate) fn keys(keys: &KeyStatus) {
    let LastMatch { current, previous } = keys.last_match();
    let level = if keys.warnings.is_empty() { Level::Log } else { Level::Warn };
    let warnings = json::list(keys.warnings.iter().map(|warning| (*warning).into()));
    let fields = [
        ("event", "keys".into()),
        ("current", current.into()),
        ("previous", previous.into()),
        ("previousUntil", keys.previous_until.into()),
        ("warnings", Item::Json(warnings)),
    ];
    Line::new(level, &fields).write();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_written_once_a_minute() {
        let mut reported = Reported::default();
        let due = [0, 1, 59_999, 60_000, 60_001, 119_999, 120_000, 300_000, 200_000]
            .map(|now| reported.mistakes_are_due(now));
        assert_eq!(due, [true, false, false, true, false, false, true, true, false]);
    }

    #[test]
    fn warnings_are_written_once() {
        let mut reported = Reported::default();
        assert!(reported.warnings_are_due());
        assert!(reported.mistakes_are_due(0));
        assert!(!reported.warnings_are_due());
    }
}
