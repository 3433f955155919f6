//! The Worker's side of the inbox: finds the shard of a delivery, and sends requests to shards.

use std::cell::Cell;

use js_sys::Array;
use sha2::{Digest, Sha256};
use worker::Env;

use crate::config::{Mistakes, Settings};
use crate::failure::Failure;
use crate::js::{Problem, Result, get, items, now, text};
use crate::protocol::{
    self, Arrival, ConfirmShards, Confirmed, GetShards, Question, Reply, Request, Stored, Wake,
};
use crate::{host, log, quarantine};

/// The shard that keeps the data of all shards.
pub(crate) const FIRST: u32 = 0;

/// How many times a delivery is sent to a shard: two replies may name another shard.
const MOST_STORES: u32 = 3;

thread_local! {
    /// The number of shards that the inbox has stored, once this isolate knows it. It never changes.
    static STORED: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Returns the number of shards, as [`stored_or_set`] does, or else `SHARDS` if the first shard can't be read. The other
/// shards can still answer.
pub(crate) async fn count(env: &Env, settings: &Settings) -> Result<u32> {
    match stored_or_set(env, settings).await {
        Err(problem) if settings.knows_shards => {
            log::inbox_failed(&problem);
            Ok(settings.shards)
        }
        shards => shards,
    }
}

/// Returns the number of shards: the stored one, or the one that the first delivery would store. Everything that
/// concerns more than the first shard uses this number instead of `SHARDS`.
pub(crate) async fn stored_or_set(env: &Env, settings: &Settings) -> Result<u32> {
    if let Some(shards) = STORED.get() {
        return Ok(shards);
    }
    match ask(env, settings, FIRST, GetShards).await? {
        Some(shards) => Ok(note_stored(shards, settings)),
        // It is unknown whether the number is the intended one, so it is not stored. The first shard always exists.
        None if !settings.knows_shards => Ok(1),
        None => Ok(settings.shards),
    }
}

fn note_stored(shards: u32, settings: &Settings) -> u32 {
    if STORED.replace(Some(shards)) != Some(shards) {
        log::configuration(&mistakes(settings), &settings.warnings, now());
    }
    shards
}

/// Returns the mistake of a `SHARDS` that is not the stored number, if this isolate knows the stored number.
fn mistake(settings: &Settings) -> Option<String> {
    let shards = STORED.get().filter(|shards| *shards != settings.shards)?;
    Some(format!(
        "SHARDS was {shards} when the inbox was created, and cannot be changed, because each shard keeps its own \
         deliveries: set SHARDS to {shards}"
    ))
}

/// Lists the mistakes in the configuration. They include mistakes that only the inbox knows, once [`count`] and
/// [`quarantine::is_in_setup`] have asked it.
pub(crate) fn mistakes(settings: &Settings) -> Mistakes {
    let asked = mistake(settings).into_iter().chain(quarantine::mistake(settings));
    settings.mistakes.iter().cloned().chain(asked).collect()
}

/// Returns the number of shards for choosing the shard of a delivery: the stored number, or else a valid `SHARDS`. Without
/// either, returns `None`, and the first shard holds the deliveries.
async fn known(env: &Env, settings: &Settings) -> Result<Option<u32>> {
    let known = STORED.get().or_else(|| settings.knows_shards.then_some(settings.shards));
    if known.is_none() {
        stored_or_set(env, settings).await?;
        return Ok(STORED.get());
    }
    Ok(known)
}

/// Finds the shard of an idempotency key, as far as this isolate knows the number of shards.
pub(crate) async fn find(env: &Env, settings: &Settings, id: &str) -> Result<u32> {
    Ok(shard_for(id, known(env, settings).await?.unwrap_or(1)))
}

/// Stores a delivery in the shard of its idempotency key.
///
/// # Errors
///
/// No shard has confirmed that it stored the delivery.
pub(crate) async fn store(
    env: &Env,
    settings: &Settings,
    arrival: &Arrival<'_>,
) -> std::result::Result<Stored, Failure> {
    let reply = store_or_ask(env, settings, arrival).await.unwrap_or_else(|problem| {
        log::inbox_failed(&problem);
        Reply::Unconfirmed
    });
    match reply {
        Reply::Stored(stored) => Ok(stored),
        Reply::Loop => Err(Failure::Loop),
        Reply::Unconfirmed | Reply::Shards(_) => Err(Failure::StoreFailed),
    }
}

/// Asks a shard to store a delivery. If the shard uses another number of shards, or has none yet, its reply says so.
/// Therefore no other shard is needed while the numbers are equal.
async fn store_or_ask(env: &Env, settings: &Settings, arrival: &Arrival<'_>) -> Result<Reply> {
    let mut shards = known(env, settings).await?;
    let mut instance = None;
    for _ in 0..MOST_STORES {
        let shard = shard_for(arrival.id, shards.unwrap_or(1));
        let reply = host::store(env, settings, shard, arrival, shards, instance.as_deref()).await?;
        let stored = match text(&reply).and_then(|reply| Reply::parse(&reply)) {
            Some(Reply::Unconfirmed) => {
                let shards = shards.unwrap_or(settings.shards);
                let question = ConfirmShards { shards, wants_instance: Some(true) };
                match ask(env, settings, FIRST, question).await? {
                    Confirmed::Both { shards, instance: id } => {
                        instance = Some(id);
                        shards
                    }
                    Confirmed::Shards(shards) => shards,
                }
            }
            Some(Reply::Shards(stored)) => stored,
            Some(reply) => {
                if let Some(shards) = shards {
                    note_stored(shards, settings);
                }
                return Ok(reply);
            }
            None => break,
        };
        shards = Some(note_stored(stored, settings));
    }
    Err(Problem::new("the inbox did not confirm that it stored the delivery"))
}

/// Sends a request to one shard; returns its reply.
pub(crate) async fn ask<Q: Question>(
    env: &Env,
    settings: &Settings,
    shard: u32,
    question: Q,
) -> Result<Q::Reply> {
    let request: Request = question.into();
    protocol::read(&host::ask(env, settings, shard, &protocol::write(&request)?).await?)
}

/// The replies of the shards that answered, in their order, and the numbers of the others.
pub(crate) struct Replies<T> {
    pub(crate) all: Vec<T>,
    pub(crate) broken: Vec<u32>,
}

/// Sends one request to each shard at the same time.
///
/// # Errors
///
/// No shard has answered.
pub(crate) async fn ask_all<Q: Question>(
    env: &Env,
    settings: &Settings,
    shards: u32,
    question: impl Fn(u32) -> Q,
) -> Result<Replies<Q::Reply>> {
    let requests = Array::new();
    for shard in 0..shards {
        let request: Request = question(shard).into();
        requests.push(&protocol::write(&request)?);
    }
    let settled = host::ask_all(env, settings, &requests).await?;
    let mut replies = Replies { all: Vec::new(), broken: Vec::new() };
    for (shard, settled) in (0..).zip(items(&settled)) {
        let reason = get(&settled, "reason");
        let reply = if reason.is_undefined() {
            protocol::read(&get(&settled, "value"))
        } else {
            Err(reason.into())
        };
        match reply {
            Ok(reply) => replies.all.push(reply),
            Err(problem) if shards == 1 => return Err(problem),
            Err(problem) => {
                log::inbox_failed(&problem);
                replies.broken.push(shard);
            }
        }
    }
    if replies.all.is_empty() {
        return Err(Problem::new("no shard has answered"));
    }
    Ok(replies)
}

/// Wakes every shard.
pub(crate) async fn wake(env: &Env, settings: &Settings) {
    let shards = count(env, settings).await.unwrap_or_else(|problem| {
        log::inbox_failed(&problem);
        settings.shards
    });
    let mut wake = Wake { shards: None, instance: None };
    // A single shard creates its own data.
    if shards > 1 {
        match identity(env, settings).await {
            Ok(identity) => wake = identity,
            Err(problem) => log::inbox_failed(&problem),
        }
    }
    for shard in 0..shards {
        if let Err(problem) = ask(env, settings, shard, wake.clone()).await {
            log::inbox_failed(&problem);
        }
    }
}

/// Returns the shared data, if the first shard has created it.
async fn identity(env: &Env, settings: &Settings) -> Result<Wake> {
    if let Some(shards) = ask(env, settings, FIRST, GetShards).await? {
        let question = ConfirmShards { shards, wants_instance: Some(true) };
        if let Confirmed::Both { shards, instance } = ask(env, settings, FIRST, question).await? {
            return Ok(Wake { shards: Some(shards), instance: Some(instance) });
        }
    }
    Ok(Wake { shards: None, instance: None })
}

/// Chooses the shard of an idempotency key. The choice must never change, or duplicates would not be recognized.
fn shard_for(id: &str, shards: u32) -> u32 {
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
    fn the_shard_of_an_id_never_changes() {
        assert_eq!(shard_for("anything", 1), 0);
        assert_eq!(shard_for("demo_session_finished:a", 256), 221);
        let all: std::collections::BTreeSet<u32> =
            (0..100).map(|n| shard_for(&format!("demo_session_finished:{n}"), 4)).collect();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
