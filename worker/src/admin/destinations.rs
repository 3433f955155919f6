//! Pauses and resumes destinations, in all shards.

use serde::Serialize;
use web_sys::Response;

use super::question::unknown_destination;
use super::{Answer, Shards, inbox_failed};
use crate::answer::value;
use crate::failure::Failure;
use crate::host;
use crate::protocol::{Hasten, SetPaused};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    name: String,
    paused_since: Option<u64>,
    /// The shards that could not be read. They are unchanged.
    broken_shards: Vec<u32>,
}

impl Shards<'_> {
    pub(super) async fn pause(&self, name: &str) -> Answer<Response> {
        Ok(value(&self.set_paused(name, true).await?))
    }

    /// Resumes a destination. All its pending deliveries are due at once.
    pub(super) async fn resume(&self, name: &str) -> Answer<Response> {
        let paused = self.set_paused(name, false).await?;
        for shard in (0..self.count).filter(|shard| !paused.broken_shards.contains(shard)) {
            while self.ask(shard, Hasten { destination: name.to_owned() }).await? {
                host::pause().await.map_err(|problem| inbox_failed(&problem))?;
            }
        }
        Ok(value(&paused))
    }

    async fn set_paused(&self, name: &str, is_paused: bool) -> Answer<State> {
        if !self.settings.has_destination(name) {
            return Err(Failure::Missing(unknown_destination(name, self.settings)));
        }
        let question = SetPaused { destination: name.to_owned(), is_paused };
        let replies = self.ask_all(|_| question.clone()).await?;
        let paused_since = replies.all.into_iter().flatten().min();
        let name = name.to_owned();
        Ok(State { name, paused_since, broken_shards: replies.broken })
    }
}
