//! The observations of an isolate: which keys verified deliveries, how these differ from their documented shapes, and
//! which requests were rejected. They are counted in memory. The isolate reports matches, known differences and
//! rejections to the first shard, each at most once a minute. A new difference is reported at once. The first shard
//! writes the counts only from time to time, so attackers can't make the edge write more.

use std::cell::RefCell;
use std::rc::Rc;

use walnut_webhooks::Drift;
use worker::{Context, Env};

use crate::config::{Mode, Settings};
use crate::forward::Headline;
use crate::keys::{KeySlot, LastMatch};
use crate::protocol::{Count, Report};
use crate::{log, shards};

/// How many networks one report has at most.
const MOST_NETWORKS: usize = 50;

/// How many differences are counted between two reports, and how many bytes a path has at most.
const MOST_DRIFT: usize = 100;
const MOST_PATH_BYTES: usize = 256;

/// How many differences are noted as reported. The inbox does not count more.
const MOST_KNOWN_DRIFT: usize = 200;

/// The shortest time between two reports of the same kind, in milliseconds.
const REPORT_MS: u64 = 60_000;

#[derive(Default)]
struct Seen {
    /// How many requests were rejected, by code.
    refused: Vec<Count>,
    dropped: u64,
    matched: LastMatch,
    /// The networks that sent a new genuine event.
    networks: Vec<String>,
    /// How many events had a difference, in the form of [`Report`].
    drift: Vec<Count>,
    /// The differences that were reported before.
    known_drift: Vec<String>,
    /// When a rejection, a match and a difference last caused a report.
    reported_refused: u64,
    reported_matched: u64,
    reported_drift: u64,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

/// The result of verifying a request.
pub(crate) enum Check {
    /// A key verified the request. A new delivery also has the network of its sender.
    Matched(KeySlot, Option<String>),
    /// The request was rejected with this code.
    Refused(&'static str),
}

/// Counts a request that was not kept, because the quarantine was full. The next report includes it.
pub(crate) fn note_dropped() {
    SEEN.with_borrow_mut(|seen| seen.dropped = seen.dropped.saturating_add(1));
}

/// Counts the differences of a stored event from its documented shape, each once. The next report includes them.
pub(crate) fn note_drift(headline: &Headline) {
    let event = headline.name.as_deref().unwrap_or("unknown");
    let mut names = Vec::new();
    for Drift { path, kind, .. } in &headline.drift {
        let path = path.get(..path.floor_char_boundary(MOST_PATH_BYTES)).unwrap_or_default();
        let name = [event, " ", path, " ", kind.as_str()].concat();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    SEEN.with_borrow_mut(|seen| {
        for name in names {
            if seen.drift.len() < MOST_DRIFT || seen.drift.iter().any(|it| it.name == name) {
                Count::add(&mut seen.drift, &name, 1);
            }
        }
    });
}

/// Removes and returns the differences that were counted since the last report.
pub(crate) fn take_drift() -> Vec<Count> {
    SEEN.with_borrow_mut(|seen| std::mem::take(&mut seen.drift))
}

/// Notes a check. If a report is due, all notes are reported after the response has been sent.
pub(crate) fn note(check: Check, env: &Env, context: &Context, settings: &Rc<Settings>, now: u64) {
    if settings.mode == Mode::Direct {
        return;
    }
    let report = SEEN.with_borrow_mut(|seen| {
        let is_due = |reported: &mut u64| {
            let is_due = now.saturating_sub(*reported) >= REPORT_MS;
            if is_due {
                *reported = now;
            }
            is_due
        };
        let has_drift = !seen.drift.is_empty();
        let mut is_match_due = false;
        match check {
            Check::Matched(slot, network) => {
                seen.matched.set(slot, now);
                if let Some(network) = network
                    && seen.networks.len() < MOST_NETWORKS
                    && !seen.networks.contains(&network)
                {
                    seen.networks.push(network);
                }
                is_match_due = is_due(&mut seen.reported_matched);
                let is_new = seen.drift.iter().any(|it| !seen.known_drift.contains(&it.name));
                if !(is_match_due || is_new || has_drift && is_due(&mut seen.reported_drift)) {
                    return None;
                }
            }
            Check::Refused(code) => {
                Count::add(&mut seen.refused, code, 1);
                if !is_due(&mut seen.reported_refused) {
                    return None;
                }
            }
        }
        let mut report = Report {
            refused: std::mem::take(&mut seen.refused),
            dropped: Some(std::mem::take(&mut seen.dropped)),
            matched: LastMatch::default(),
            networks: std::mem::take(&mut seen.networks),
            drift: std::mem::take(&mut seen.drift),
        };
        if has_drift {
            seen.reported_drift = now;
            for Count { name, .. } in &report.drift {
                if seen.known_drift.len() < MOST_KNOWN_DRIFT && !seen.known_drift.contains(name) {
                    seen.known_drift.push(name.clone());
                }
            }
        }
        // The first shard writes a match at once, so a rejection must not cause more reports of matches.
        let has_matches = seen.matched != LastMatch::default();
        if is_match_due || (has_matches && is_due(&mut seen.reported_matched)) {
            report.matched = std::mem::take(&mut seen.matched);
        }
        Some(report)
    });
    if let Some(report) = report {
        let (env, settings) = (env.clone(), Rc::clone(settings));
        context.wait_until(async move {
            if let Err(problem) = shards::ask(&env, &settings, shards::FIRST, report).await {
                log::inbox_failed(&problem);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_difference_once_for_each_event_and_at_most_100_differences() {
        let headline = |paths: Vec<String>| Headline {
            id: String::new(),
            message_id: String::new(),
            name: Some("demo_session_finished".to_owned()),
            event_type: String::new(),
            key_slot: KeySlot::Current,
            is_test: false,
            edges: String::new(),
            drift: paths.into_iter().map(added).collect(),
        };
        let long = format!("{}é", "p".repeat(255));
        let paths = ["data.a[].b", "data.a[].b", &long].map(str::to_owned);
        note_drift(&headline(paths.into()));
        note_drift(&headline(vec!["data.a[].b".to_owned()]));
        let seen: Vec<_> = take_drift().into_iter().map(|it| (it.name, it.count)).collect();
        let name = |path: &str| format!("demo_session_finished {path} added");
        assert_eq!(seen, [(name("data.a[].b"), 2), (name(&"p".repeat(255)), 1)]);
        for _ in 0..2 {
            note_drift(&headline((0..101).map(|n| format!("data.f{n}")).collect()));
        }
        let seen = take_drift();
        assert!(seen.len() == 100 && seen.iter().all(|it| it.count == 2));
    }

    fn added(path: String) -> Drift {
        Drift { path, kind: walnut_webhooks::DriftKind::Added, expected: None, found: None }
    }
}
