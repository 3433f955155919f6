//! The inbox, seen from the Worker: its shards, and which one a delivery belongs to.

use std::cell::Cell;

use js_sys::{Function, Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::JsCast;
use worker::{Env, EnvBinding, Error, Method, ObjectNamespace, Request, RequestInit, Result};

use crate::answer::Failure;
use crate::config::Settings;
use crate::inbox::BINDING;
use crate::inbox::store::Arrival;
use crate::log;

/// The shard that keeps what is true of all of them.
pub(crate) const FIRST: u32 = 0;

thread_local! {
    /// Whether the number of shards was found to be what it was at first: once in an isolate.
    static CONFIRMED: Cell<bool> = const { Cell::new(false) };
}

/// Stores a delivery in its shard, and says what became of it.
pub(crate) async fn store(
    env: &Env,
    settings: &Settings,
    arrival: &Arrival,
    body: &[u8],
) -> std::result::Result<String, Failure> {
    let failed = |error: Error| {
        log::inbox_failed(&error.to_string());
        Failure::StoreFailed
    };
    if !CONFIRMED.get() {
        let asked = settings.shards.to_string();
        let shards =
            call(env, settings, FIRST, "shards", asked.as_bytes()).await.map_err(failed)?;
        if shards != asked {
            log::misconfigured(&vec![format!(
                "SHARDS was {shards} at first: it can't be changed, since each shard keeps its own"
            )]);
            return Err(Failure::Misconfigured);
        }
        CONFIRMED.set(true);
    }
    let shard = of(&arrival.id, settings.shards);
    call(env, settings, shard, "store", &arrival.to_bytes(body)).await.map_err(failed)
}

/// Wakes every shard.
pub(crate) async fn wake(env: &Env, settings: &Settings) {
    for shard in 0..settings.shards {
        if let Err(error) = call(env, settings, shard, "wake", &[]).await {
            log::inbox_failed(&error.to_string());
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

/// Returns where the shards are: all of them within the jurisdiction, if there is one.
fn namespace(env: &Env, jurisdiction: Option<&str>) -> Result<ObjectNamespace> {
    let Some(jurisdiction) = jurisdiction else { return env.durable_object(BINDING) };
    let all = Reflect::get(env.as_ref(), &BINDING.into())?;
    // <https://developers.cloudflare.com/durable-objects/reference/data-location/>
    let within: Function = Reflect::get(&all, &"jurisdiction".into())?.dyn_into()?;
    ObjectNamespace::get(within.call1(&all, &jurisdiction.into())?)
}

/// Asks a shard to do something.
pub(crate) async fn call(
    env: &Env,
    settings: &Settings,
    shard: u32,
    operation: &str,
    body: &[u8],
) -> Result<String> {
    let stub =
        namespace(env, settings.jurisdiction.as_deref())?.get_by_name(&format!("shard-{shard}"))?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(Uint8Array::from(body).into()));
    let request = Request::new_with_init(&format!("https://inbox/{shard}/{operation}"), &init)?;
    let mut response = stub.fetch_with_request(request).await?;
    match response.status_code() {
        200 => response.text().await,
        status => Err(Error::from(format!("the inbox answered {status}"))),
    }
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
