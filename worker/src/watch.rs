//! What an isolate has seen: which keys have matched, and what was refused. It is counted in memory, and
//! told to the first shard once a minute at most for each of the two, so that strangers can't make the
//! edge write.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use worker::{Context, Env};

use crate::config::{Mode, Settings};
use crate::js::{number, object, set};
use crate::{host, log, shards};

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
pub(crate) fn note(check: Check, env: &Env, context: &Context, settings: &Rc<Settings>, now: u64) {
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
        let refused = counts(std::mem::take(&mut seen.refused));
        let matched = counts(std::mem::take(&mut seen.matched));
        Some(object([("refused", refused), ("matched", matched)]))
    });
    if let Some(report) = report {
        let (env, settings) = (env.clone(), Rc::clone(settings));
        context.wait_until(async move {
            let told = host::ask(&env, &settings, shards::FIRST, "seen", &report).await;
            if let Err(problem) = told {
                log::inbox_failed(&problem);
            }
        });
    }
}

fn counts(counts: BTreeMap<&'static str, u64>) -> JsValue {
    let all = object([]);
    for (name, count) in counts {
        set(&all, name, &number(count));
    }
    all
}

/// How long before its end it is said of the previous key, in milliseconds.
const SOON_MS: u64 = 24 * 60 * 60 * 1000;

/// When each key last matched, and the end of the previous one, in milliseconds since the Unix epoch.
#[derive(Clone, Copy)]
pub(crate) struct KeyTimes {
    pub(crate) current: Option<u64>,
    pub(crate) previous: Option<u64>,
    pub(crate) previous_until: Option<u64>,
}

impl KeyTimes {
    /// Says what there is to do about the keys: `only_previous`, it is what matches now, and
    /// `previous_ends_soon`, in less than a day, though it is.
    pub(crate) fn warnings(self, now: u64) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if self.previous > self.current && self.previous_until.is_some() {
            warnings.push("only_previous");
            if self.previous_until.is_some_and(|until| until.saturating_sub(now) < SOON_MS) {
                warnings.push("previous_ends_soon");
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_warned_about_while_the_previous_one_matches() {
        let warnings = |current, previous, previous_until| {
            KeyTimes { current, previous, previous_until }.warnings(0)
        };
        assert_eq!(warnings(Some(2), Some(1), Some(9)), [""; 0]);
        assert_eq!(warnings(Some(1), Some(2), None), [""; 0]);
        assert_eq!(warnings(None, Some(1), Some(SOON_MS)), ["only_previous"]);
        let both = ["only_previous", "previous_ends_soon"];
        assert_eq!(warnings(Some(1), Some(2), Some(SOON_MS - 1)), both);
    }
}
