//! What an isolate has seen: which keys verified deliveries, and which requests were rejected. It is counted in memory,
//! and reported to the first shard at most once a minute for matches and once for rejections. That shard writes it now and
//! then, so strangers can't make the edge write more.

use std::cell::RefCell;
use std::rc::Rc;

use worker::{Context, Env};

use crate::config::{Mode, Settings};
use crate::keys::{KeySlot, LastMatch};
use crate::protocol::{Count, Report};
use crate::{log, shards};

/// How many networks are reported at once.
const MOST_NETWORKS: usize = 50;

/// The shortest time between two reports of the same kind, in milliseconds.
const REPORT_MS: u64 = 60_000;

#[derive(Default)]
struct Seen {
    /// How many requests were rejected, by code.
    refused: Vec<Count>,
    dropped: u64,
    matched: LastMatch,
    /// The networks that sent something new and genuine.
    networks: Vec<String>,
    /// When a rejection and a match last led to a report.
    reported_refused: u64,
    reported_matched: u64,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

/// The result of verifying a request.
pub(crate) enum Check {
    /// This key verified it. A new delivery also has the network of its sender.
    Matched(KeySlot, Option<String>),
    /// It was rejected with this code.
    Refused(&'static str),
}

/// Counts a request that was not kept, because the room was full. The next report tells it.
pub(crate) fn note_dropped() {
    SEEN.with_borrow_mut(|seen| seen.dropped = seen.dropped.saturating_add(1));
}

/// Notes a check. When it is time, everything noted is reported once the response has been sent.
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
        let is_match = matches!(check, Check::Matched(..));
        match check {
            Check::Matched(slot, network) => {
                seen.matched.set(slot, now);
                if let Some(network) = network
                    && seen.networks.len() < MOST_NETWORKS
                    && !seen.networks.contains(&network)
                {
                    seen.networks.push(network);
                }
                if !is_due(&mut seen.reported_matched) {
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
        };
        // A match is written at once, so a rejection must not have it reported more often.
        let has_matches = seen.matched != LastMatch::default();
        if is_match || (has_matches && is_due(&mut seen.reported_matched)) {
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
