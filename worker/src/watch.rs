//! What an isolate has seen: which keys have matched, and what was refused. It is counted in memory, and
//! told to the first shard once a minute at most for each of the two, so that strangers can't make the
//! edge write.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::json;
use worker::{Context, Env};

use crate::config::{Mode, Settings};
use crate::{log, shards};

/// How often it is told, in milliseconds.
const EVERY_MS: u64 = 60_000;

#[derive(Default)]
struct Seen {
    /// How many requests were refused, by code.
    refused: BTreeMap<&'static str, u64>,
    /// When each key last matched, in milliseconds since the Unix epoch.
    matched: BTreeMap<&'static str, u64>,
    /// When it was last told for a refusal, and for a match.
    told_refused: u64,
    told_matched: u64,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

/// What has become of a request's check.
#[derive(Clone, Copy)]
pub(crate) enum Check {
    /// This key has matched: `current` or `previous`.
    Matched(&'static str),
    /// It was refused with this code.
    Refused(&'static str),
}

/// Notes a check. If it is time, all that was noted is told, after the answer.
pub(crate) fn note(check: Check, env: &Env, context: &Context, settings: &Settings, now: u64) {
    if settings.mode == Mode::Direct {
        return;
    }
    let report = SEEN.with_borrow_mut(|seen| {
        let told = match check {
            Check::Matched(key) => {
                seen.matched.insert(key, now);
                &mut seen.told_matched
            }
            Check::Refused(code) => {
                let times = seen.refused.entry(code).or_default();
                *times = times.saturating_add(1);
                &mut seen.told_refused
            }
        };
        if now.saturating_sub(*told) < EVERY_MS {
            return None;
        }
        *told = now;
        let refused = std::mem::take(&mut seen.refused);
        let matched = std::mem::take(&mut seen.matched);
        Some(json!({ "refused": refused, "matched": matched }).to_string())
    });
    if let Some(report) = report {
        let env = env.clone();
        context.wait_until(async move {
            if let Err(error) = shards::call(&env, shards::FIRST, "seen", report.as_bytes()).await {
                log::inbox_failed(&error.to_string());
            }
        });
    }
}
