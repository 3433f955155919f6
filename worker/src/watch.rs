//! What an isolate has seen: which keys verified deliveries, and which requests were rejected. It is counted in memory,
//! and reported to the first shard at most once a minute for matches and once for rejections, so that strangers cannot
//! make the edge write.

use std::cell::RefCell;
use std::rc::Rc;

use worker::{Context, Env};

use crate::config::{Mode, Settings};
use crate::keys::{KeySlot, LastMatch};
use crate::protocol::{Count, Report};
use crate::{log, shards};

/// The shortest time between two reports of the same kind, in milliseconds.
const REPORT_MS: u64 = 60_000;

#[derive(Default)]
struct Seen {
    /// How many requests were rejected, by code.
    refused: Vec<Count>,
    matched: LastMatch,
    /// When a rejection and a match last led to a report.
    reported_refused: u64,
    reported_matched: u64,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

/// The result of verifying a request.
#[derive(Clone, Copy)]
pub(crate) enum Check {
    /// This key verified it.
    Matched(KeySlot),
    /// It was rejected with this code.
    Refused(&'static str),
}

/// Notes a check. When it is time, everything noted is reported once the response has been sent.
pub(crate) fn note(check: Check, env: &Env, context: &Context, settings: &Rc<Settings>, now: u64) {
    if settings.mode == Mode::Direct {
        return;
    }
    let report = SEEN.with_borrow_mut(|seen| {
        let reported = match check {
            Check::Matched(slot) => {
                seen.matched.set(slot, now);
                &mut seen.reported_matched
            }
            Check::Refused(code) => {
                Count::add(&mut seen.refused, code, 1);
                &mut seen.reported_refused
            }
        };
        if now.saturating_sub(*reported) < REPORT_MS {
            return None;
        }
        *reported = now;
        let (refused, matched) = (&mut seen.refused, &mut seen.matched);
        Some(Report { refused: std::mem::take(refused), matched: std::mem::take(matched) })
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
