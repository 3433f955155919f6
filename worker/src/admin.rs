//! The admin API: the delivery log, redelivery, erasure and status, guarded by `ADMIN_TOKEN`; and the page
//! for it. It asks every shard, and puts their answers together.
#![expect(
    clippy::indexing_slicing,
    reason = "of JSON by name, which is null where there is nothing"
)]

mod metrics;
mod page;
mod question;

use futures_util::future::try_join_all;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use worker::{Date, Env, Request, Response, Result};

use crate::answer::{self, Failure, failed};
use crate::config::{ADMIN_PATH, Mode, Settings};
use crate::watch::KeyTimes;
use crate::{log, shards};
use question::{Cursor, Key, Listed, Period};

/// The states that a delivery may be in, as they are listed and counted.
const STATES: [&str; 7] =
    ["pending", "delivered", "dead", "unrouted", "variant", "forgotten", "erased"];

type Answer<T> = std::result::Result<T, Failure>;

/// Answers what is asked under `/admin`.
pub(crate) async fn respond(
    mut request: Request,
    env: &Env,
    settings: &Settings,
) -> Result<Response> {
    let Some(token) = &settings.admin_token else { return failed(&Failure::NotFound) };
    let path = request.path();
    let path = path.strip_prefix(ADMIN_PATH).unwrap_or_default();
    let method = request.inner().method();
    if let Some(response) = page::file(path) {
        return if method == "GET" || method == "HEAD" {
            response
        } else {
            failed(&Failure::MethodNotAllowed("GET, HEAD"))
        };
    }
    if !is_authorized(&request, token)? {
        log::refused(&Failure::Unauthorized);
        return failed(&Failure::Unauthorized);
    }
    let body = request.bytes().await?;
    let url = request.url()?;
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let shards = Shards { env, settings };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let answer = match (method.as_str(), segments.as_slice()) {
        ("GET", ["deliveries"]) => shards.list(&query).await,
        ("GET", ["deliveries", key]) => shards.one(key).await,
        ("GET", ["deliveries", key, "body"]) => {
            return match shards.body(key).await {
                Ok(body) => page::download(body),
                Err(failure) => failed(&failure),
            };
        }
        ("POST", ["deliveries", key, "redeliver"]) => shards.redeliver(key, &body).await,
        ("DELETE", ["deliveries", key]) => shards.erase(key).await,
        ("POST", ["redeliver"]) => shards.redeliver_dead(&body).await,
        ("POST", ["erase"]) => shards.erase_email(&body).await,
        ("GET", ["status"]) => shards.status().await,
        ("GET", ["metrics"]) => {
            return match shards.status().await {
                Ok(status) => page::metrics(metrics::text(&status)),
                Err(failure) => failed(&failure),
            };
        }
        (_, ["deliveries" | "status" | "metrics"] | ["deliveries", _, "body"]) => {
            Err(Failure::MethodNotAllowed("GET"))
        }
        (_, ["deliveries", _]) => Err(Failure::MethodNotAllowed("GET, DELETE")),
        (_, ["redeliver" | "erase"] | ["deliveries", _, "redeliver"]) => {
            Err(Failure::MethodNotAllowed("POST"))
        }
        _ => Err(Failure::NotFound),
    };
    match answer {
        Ok(json) => answer::json(&json),
        Err(failure) => failed(&failure),
    }
}

/// Compares digests: how long that takes says nothing of the token.
fn is_authorized(request: &Request, token: &str) -> Result<bool> {
    let header = request.headers().get("authorization")?.unwrap_or_default();
    let given = header.strip_prefix("Bearer ").unwrap_or_default();
    Ok(Sha256::digest(given) == Sha256::digest(token))
}

/// All the shards there are.
struct Shards<'a> {
    env: &'a Env,
    settings: &'a Settings,
}

impl Shards<'_> {
    async fn ask(&self, shard: u32, operation: &str, question: &Json) -> Answer<Json> {
        if self.settings.mode == Mode::Direct || shard >= self.settings.shards {
            return Err(Failure::NotFound);
        }
        let answer = shards::call(
            self.env,
            self.settings,
            shard,
            operation,
            question.to_string().as_bytes(),
        )
        .await;
        let parsed = answer.and_then(|text| Ok(serde_json::from_str(&text)?));
        parsed.map_err(|error| {
            log::inbox_failed(&error.to_string());
            Failure::StoreFailed
        })
    }

    /// Asks all of them at the same time.
    async fn ask_all(
        &self,
        operation: &str,
        question: impl Fn(u32) -> Json,
    ) -> Answer<Vec<(u32, Json)>> {
        try_join_all((0..self.settings.shards).map(|shard| {
            let question = question(shard);
            async move { Ok((shard, self.ask(shard, operation, &question).await?)) }
        }))
        .await
    }

    async fn list(&self, query: &[(String, String)]) -> Answer<Json> {
        let listed = Listed::of(query)?;
        let question = |shard| listed.question(shard);
        let mut all: Vec<(Cursor, Json)> = Vec::new();
        for (shard, items) in self.ask_all("list", question).await? {
            let Json::Array(items) = items else { return Err(Failure::StoreFailed) };
            all.extend(items.into_iter().map(|item| (Cursor::of(shard, &item), item)));
        }
        all.sort_by(|(one, _), (other, _)| other.cmp(one));
        let more = all.len() > listed.limit;
        all.truncate(listed.limit);
        let cursor = all.last().filter(|_| more).map(|(cursor, _)| cursor.to_string());
        let items: Vec<Json> = all.into_iter().map(|(_, item)| item).collect();
        Ok(json!({ "deliveries": items, "cursor": cursor }))
    }

    async fn one(&self, key: &str) -> Answer<Json> {
        let Key { shard, key } = Key::parse(key)?;
        match self.ask(shard, "one", &json!({ "shard": shard, "key": key })).await? {
            Json::Null => Err(Failure::NotFound),
            delivery => Ok(delivery),
        }
    }

    async fn body(&self, key: &str) -> Answer<Vec<u8>> {
        let delivery = self.one(key).await?;
        question::body_of(&delivery).ok_or(Failure::Forgotten)
    }

    async fn redeliver(&self, key: &str, body: &[u8]) -> Answer<Json> {
        let Key { shard, key } = Key::parse(key)?;
        let destination = question::destination(body, self.settings)?;
        let question = json!({ "shard": shard, "key": key, "destination": destination });
        match self.ask(shard, "redeliver", &question).await? {
            Json::Null => Err(Failure::NotFound),
            Json::Bool(_) => Err(Failure::Forgotten),
            answer => Ok(answer),
        }
    }

    async fn redeliver_dead(&self, body: &[u8]) -> Answer<Json> {
        let Period { since, until } = Period::of(body)?;
        let destination = question::destination(body, self.settings)?;
        let question = json!({ "since": since, "until": until, "destination": destination });
        let all = self.ask_all("redeliver-dead", |_| question.clone()).await?;
        Ok(json!({ "redelivered": sum(all.iter().map(|(_, answer)| answer)) }))
    }

    async fn erase(&self, key: &str) -> Answer<Json> {
        // Known to be there first: else it is not found, rather than none erased.
        self.one(key).await?;
        let Key { shard, key } = Key::parse(key)?;
        let erased = self.ask(shard, "erase", &json!({ "shard": shard, "key": key })).await?;
        Ok(json!({ "erased": erased }))
    }

    /// Goes on from shard to shard: each call looks through one batch of one shard.
    async fn erase_email(&self, body: &[u8]) -> Answer<Json> {
        let (email, Key { shard, key }) = question::person(body)?;
        let question = json!({ "email": email, "after": key });
        let answer = self.ask(shard, "erase-email", &question).await?;
        let next = shard.saturating_add(1);
        let cursor = match answer.get("last").and_then(Json::as_u64) {
            Some(last) => Some(format!("{shard}-{last}")),
            None if next < self.settings.shards => Some(format!("{next}-0")),
            None => None,
        };
        Ok(json!({ "erased": answer.get("erased"), "cursor": cursor }))
    }

    async fn status(&self) -> Answer<Json> {
        let all = self.ask_all("status", |_| Json::Null).await?;
        let each = |path: &'static str| all.iter().filter_map(move |(_, it)| it.pointer(path));
        let mut deliveries = Map::new();
        for state in STATES {
            let count: u64 =
                all.iter().filter_map(|(_, it)| it["deliveries"][state].as_u64()).sum();
            deliveries.insert(state.to_owned(), count.into());
        }
        let destinations = self.settings.destinations.iter().map(|destination| {
            let name = destination.name.as_str();
            let of = |field: &str| {
                let value = |(_, it): &(u32, Json)| it["destinations"][name][field].as_u64();
                all.iter().filter_map(value).collect::<Vec<_>>()
            };
            let failed = of("lastFailed").into_iter().max();
            let code = all
                .iter()
                .map(|(_, it)| &it["destinations"][name])
                .find(|it| failed.is_some() && it["lastFailed"].as_u64() == failed);
            json!({
                "name": name,
                "pending": of("pending").into_iter().sum::<u64>(),
                "lastTaken": of("lastTaken").into_iter().max(),
                "lastFailed": failed,
                "lastCode": code.map(|it| &it["lastCode"]),
            })
        });
        let now = Date::now().as_millis();
        let keys = KeyTimes {
            current: each("/keys/current").filter_map(Json::as_u64).max(),
            previous: each("/keys/previous").filter_map(Json::as_u64).max(),
            previous_until: self.settings.previous_until,
        };
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "mode": "durable",
            "shards": self.settings.shards,
            "now": now,
            "deliveries": deliveries,
            "duplicates": sum(each("/duplicates")),
            "oldestPending": each("/oldestPending").filter_map(Json::as_u64).min(),
            "destinations": destinations.collect::<Vec<_>>(),
            "keys": {
                "current": keys.current,
                "previous": keys.previous,
                "previousUntil": keys.previous_until,
                "warnings": keys.warnings(now),
            },
            "failures": all.first().map(|(_, it)| &it["failures"]),
            "lastReceived": each("/lastReceived").filter_map(Json::as_u64).max(),
            "bytes": sum(each("/bytes")),
        }))
    }
}

fn sum<'a>(numbers: impl Iterator<Item = &'a Json>) -> u64 {
    numbers.filter_map(Json::as_u64).sum()
}
