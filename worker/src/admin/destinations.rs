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
struct Paused {
    name: String,
    paused_since: Option<u64>,
}

impl Shards<'_> {
    pub(super) async fn pause(&self, name: &str) -> Answer<Response> {
        self.set_paused(name, true).await
    }

    /// Resumes a destination. What waits for it is due at once, whatever its schedule was.
    pub(super) async fn resume(&self, name: &str) -> Answer<Response> {
        let response = self.set_paused(name, false).await?;
        for shard in 0..self.count {
            while self.ask(shard, Hasten { destination: name.to_owned() }).await? {
                host::pause().await.map_err(|problem| inbox_failed(&problem))?;
            }
        }
        Ok(response)
    }

    async fn set_paused(&self, name: &str, is_paused: bool) -> Answer<Response> {
        if !self.settings.destinations.iter().any(|it| it.name == name) {
            return Err(Failure::NoDestination(unknown_destination(name, self.settings)));
        }
        let question = SetPaused { destination: name.to_owned(), is_paused };
        let replies = self.ask_all(|_| question.clone()).await?;
        // A shard that can't be read now would go on as before, once it can.
        if !replies.broken.is_empty() {
            return Err(Failure::InboxFailed);
        }
        let paused_since = replies.all.into_iter().flatten().min();
        Ok(value(&Paused { name: name.to_owned(), paused_since }))
    }
}
