//! The admin API's requests for redelivery.

use serde::Serialize;
use web_sys::Response;

use super::question::Body;
use super::{Answer, Shards, inbox_failed, parse_id};
use crate::answer::value;
use crate::failure::Failure;
use crate::host;
use crate::ids::{DeliveryId, RowId};
use crate::protocol::{Redeliver, RedeliverMany, Redelivered};

impl Shards<'_> {
    pub(super) async fn redeliver(&self, id: &str, body: &Body) -> Answer<Response> {
        #[derive(Serialize)]
        struct Sent {
            destinations: Vec<String>,
        }
        let DeliveryId { shard, row } = parse_id(id)?;
        self.check_destinations()?;
        let destination = body.destination(self.settings)?;
        let question = Redeliver { row, destination, state: body.state_of_one()? };
        match self.ask(shard, question).await? {
            Redelivered::NotFound => Err(Failure::NoDelivery),
            Redelivered::Forgotten => Err(Failure::Forgotten),
            Redelivered::To(destinations) => Ok(value(&Sent { destinations })),
        }
    }

    /// Redelivers the deliveries of a period, shard by shard: each call changes one batch of one shard.
    pub(super) async fn redeliver_many(&self, body: &Body) -> Answer<Response> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Sent {
            redelivered: u64,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            broken_shards: Vec<u32>,
        }
        self.check_destinations()?;
        let first = body.redelivery(self.settings)?;
        let mut sent = Sent { redelivered: 0, broken_shards: Vec::new() };
        for shard in 0..self.count {
            let mut next = Some(RowId::FIRST);
            while let Some(after) = next {
                next = None;
                match self.ask(shard, RedeliverMany { after, ..first.clone() }).await {
                    Ok(reply) => {
                        sent.redelivered = sent.redelivered.saturating_add(reply.redelivered);
                        next = reply.last;
                    }
                    Err(failure) if self.count == 1 => return Err(failure),
                    Err(_) => sent.broken_shards.push(shard),
                }
                host::pause().await.map_err(|problem| inbox_failed(&problem))?;
            }
        }
        Ok(value(&sent))
    }

    /// Fails while the configuration has mistakes, because the list of destinations may be incomplete.
    fn check_destinations(&self) -> Answer<()> {
        if self.settings.holds() { Err(Failure::Misconfigured) } else { Ok(()) }
    }
}
