//! The status of the edge: the replies of all shards, merged.

use serde::{Serialize, Serializer};

use crate::config::{Mistakes, Settings};
use crate::keys::{KeyStatus, LastMatch};
use crate::protocol::{Count, DeliveryState, DestinationStatus, QuarantineStatus, ShardStatus};
use crate::shards::{self, Replies};

/// The status of the edge. Times are in milliseconds since the Unix epoch.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    version: &'static str,
    mode: &'static str,
    pub(super) shards: u32,
    /// The shards that did not answer. No count includes them.
    pub(super) broken_shards: Vec<u32>,
    now: u64,
    mistakes: Mistakes,
    warnings: Vec<String>,
    pub(super) deliveries: Counts,
    pub(super) duplicates: u64,
    pub(super) oldest_pending: Option<u64>,
    oldest_dead: Option<u64>,
    pub(super) destinations: Vec<DestinationStatus>,
    pub(super) stranded: Vec<Stranded>,
    pub(super) keys: KeyStatus,
    pub(super) failures: Counts,
    pub(super) quarantine: QuarantineStatus,
    pub(super) drift: u64,
    pub(super) last_received: Option<u64>,
    pub(super) bytes: u64,
}

/// The name of a removed destination, with its pending deliveries.
#[derive(Serialize)]
pub(super) struct Stranded {
    pub(super) name: String,
    pub(super) pending: u64,
}

impl Stranded {
    fn warning(&self) -> String {
        let Self { name, pending } = self;
        format!(
            "pending for {name}, which is not a destination: {pending}. Add it again, or redeliver from it to another \
             one"
        )
    }
}

/// Counts by name; they become a JSON object in this order.
pub(super) struct Counts(pub(super) Vec<Count>);

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|Count { name, count }| (name, count)))
    }
}

impl Status {
    /// Merges the replies of the shards. After they replied, a mistake in `SHARDS` is known.
    pub(super) fn new(settings: &Settings, replies: Replies<ShardStatus>, now: u64) -> Self {
        let states =
            DeliveryState::ALL.map(|state| Count { name: state.as_str().to_owned(), count: 0 });
        let destinations = settings.destinations.iter().map(|it| DestinationStatus::new(&it.name));
        let matched = replies.all.iter().map(|shard| shard.matched);
        let matched = matched.fold(LastMatch::default(), LastMatch::max);
        let mut status = Self {
            version: env!("CARGO_PKG_VERSION"),
            mode: "durable",
            shards: u32::try_from(replies.all.len().saturating_add(replies.broken.len()))
                .unwrap_or(u32::MAX),
            broken_shards: replies.broken,
            now,
            mistakes: shards::mistakes(settings),
            warnings: settings.warnings.clone(),
            deliveries: Counts(states.into()),
            duplicates: 0,
            oldest_pending: None,
            oldest_dead: None,
            destinations: destinations.collect(),
            stranded: Vec::new(),
            keys: KeyStatus::new(matched, settings.previous_until, now),
            failures: Counts(Vec::new()),
            quarantine: QuarantineStatus::default(),
            drift: 0,
            last_received: None,
            bytes: 0,
        };
        for shard in replies.all {
            status.add(shard);
        }
        for stranded in &status.stranded {
            status.warnings.push(stranded.warning());
        }
        status
    }

    fn add(&mut self, shard: ShardStatus) {
        let totals = shard.totals;
        for Count { name, count } in shard.deliveries {
            Count::add(&mut self.deliveries.0, &name, count);
        }
        for Count { name, count } in shard.refused {
            Count::add(&mut self.failures.0, &name, count);
        }
        if let Some(quarantine) = shard.quarantine {
            self.quarantine = quarantine;
        }
        self.drift = self.drift.saturating_add(shard.drift.unwrap_or(0));
        self.duplicates = self.duplicates.saturating_add(totals.duplicates);
        let oldest = |one: Option<u64>, other| one.into_iter().chain(other).min();
        self.oldest_pending = oldest(self.oldest_pending, totals.oldest_pending);
        self.oldest_dead = oldest(self.oldest_dead, totals.oldest_dead);
        self.last_received = self.last_received.max(totals.last_received);
        self.bytes = self.bytes.saturating_add(shard.bytes);
        for other in shard.destinations {
            if let Some(known) = self.destinations.iter_mut().find(|it| it.name == other.name) {
                known.add(other);
            } else if other.pending > 0 {
                self.strand(&other.name, other.pending);
            }
        }
    }

    fn strand(&mut self, name: &str, pending: u64) {
        match self.stranded.iter_mut().find(|it| it.name == name) {
            Some(known) => known.pending = known.pending.saturating_add(pending),
            None => self.stranded.push(Stranded { name: name.to_owned(), pending }),
        }
    }
}
