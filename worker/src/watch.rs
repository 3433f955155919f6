//! What was refused, counted in the isolate and written down once a minute at most, so that strangers
//! can't make the edge write; and why, for one a minute.

use std::cell::RefCell;
use std::collections::BTreeMap;

use worker::{Context, Env};

use crate::answer::Failure;
use crate::config::{Mode, Settings};
use crate::{log, shards};

/// How often counts are written down, in milliseconds.
const EVERY_MS: u64 = 60_000;

#[derive(Default)]
struct Counts {
    by_code: BTreeMap<&'static str, u64>,
    written: u64,
}

thread_local! {
    static COUNTS: RefCell<Counts> = RefCell::default();
}

/// Counts a refusal; if it is time, all that were counted are written down after the answer.
pub(crate) fn refused(
    failure: &Failure,
    env: &Env,
    context: &Context,
    settings: &Settings,
    now: u64,
) {
    log::refused(failure);
    if settings.mode == Mode::Direct {
        return;
    }
    let due = COUNTS.with_borrow_mut(|counts| {
        let times = counts.by_code.entry(failure.code()).or_default();
        *times = times.saturating_add(1);
        if now.saturating_sub(counts.written) < EVERY_MS {
            return None;
        }
        counts.written = now;
        Some(std::mem::take(&mut counts.by_code))
    });
    if let Some(by_code) = due {
        let env = env.clone();
        context.wait_until(async move {
            let report = serde_json::json!(by_code).to_string();
            if let Err(error) =
                shards::call(&env, shards::FIRST, "refused", report.as_bytes()).await
            {
                log::inbox_failed(&error.to_string());
            }
        });
    }
}
