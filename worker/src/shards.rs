//! The inbox, seen from the Worker: its shards, and which one a delivery belongs to.

use std::cell::Cell;

use js_sys::Array;
use sha2::{Digest, Sha256};
use wasm_bindgen::JsValue;
use worker::Env;

use crate::answer::Failure;
use crate::config::Settings;
use crate::js::{Problem, whole};
use crate::{host, log};

/// The shard that keeps what is true of all of them.
pub(crate) const FIRST: u32 = 0;

thread_local! {
    /// Whether the number of shards was found to be what it was at first: once in an isolate.
    static CONFIRMED: Cell<bool> = const { Cell::new(false) };
}

/// Stores a delivery in the shard of its idempotency key, and says what became of it.
pub(crate) async fn store(
    env: &Env,
    settings: &Settings,
    id: &str,
    arrival: &Array,
) -> Result<String, Failure> {
    let failed = |problem: Problem| {
        log::inbox_failed(&problem);
        Failure::StoreFailed
    };
    if !CONFIRMED.get() {
        let question = settings.shards.into();
        let shards = host::ask(env, settings, FIRST, "shards", &question).await.map_err(failed)?;
        if shards != question {
            let shards = whole(&shards).unwrap_or(0);
            log::misconfigured(&vec![format!(
                "SHARDS was {shards} at first: it can't be changed, since each shard keeps its own"
            )]);
            return Err(Failure::Misconfigured);
        }
        CONFIRMED.set(true);
    }
    host::store(env, settings, of(id, settings.shards), arrival).await.map_err(failed)
}

/// Wakes every shard.
pub(crate) async fn wake(env: &Env, settings: &Settings) {
    for shard in 0..settings.shards {
        if let Err(problem) = host::ask(env, settings, shard, "wake", &JsValue::UNDEFINED).await {
            log::inbox_failed(&problem);
        }
    }
}

/// Chooses the shard of an idempotency key. It must never choose another.
fn of(id: &str, shards: u32) -> u32 {
    if shards <= 1 {
        return FIRST;
    }
    let digest = Sha256::digest(id);
    let first = digest.first_chunk().copied().map_or(0, u32::from_be_bytes);
    first.checked_rem(shards).unwrap_or(FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_chosen_for_ever() {
        assert_eq!(of("anything", 1), 0);
        assert_eq!(of("demo_session_finished:a", 256), 221);
        let all: std::collections::BTreeSet<u32> =
            (0..100).map(|n| of(&format!("demo_session_finished:{n}"), 4)).collect();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
