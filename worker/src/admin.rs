//! The admin API, which requires `ADMIN_TOKEN`, and its page: the delivery log, redelivery, erasure and status. It asks
//! every shard, and merges the replies.

mod destinations;
mod drift;
mod metrics;
mod page;
mod question;
mod redeliver;
mod rejected;
mod search;
mod status;

use base64ct::{Base64, Encoding};
use js_sys::Uint8Array;
use serde::Serialize;
use sha2::{Digest, Sha256};
use web_sys::{Request, Response, Url};
use worker::Env;

use crate::answer::{failed, logged, value};
use crate::config::{Mode, Settings};
use crate::failure::Failure;
use crate::host::BODY_MS;
use crate::ids::{DeliveryId, RowId};
use crate::js::{Problem, now};
use crate::protocol::{Attempt, Delivery, Details, Erase, EraseEmail, GetStatus, Question, Show};
use crate::shards::Replies;
use crate::{host, log, quarantine, shards};
use question::{Body, Cursor};
use status::Status;

/// The longest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 65_536;

type Answer<T> = Result<T, Failure>;

/// Answers a request to a path below `/admin`.
pub(crate) async fn respond(
    request: &Request,
    url: &Url,
    path: &str,
    env: &Env,
    settings: &Settings,
) -> Response {
    // Direct mode stores nothing, so it has no admin API.
    let (Mode::Durable, Some(token)) = (settings.mode, &settings.admin_token) else {
        return failed(&Failure::NotFound);
    };
    let method = request.method();
    if let Some(response) = page::file(path) {
        return match method.as_str() {
            "GET" | "HEAD" => response,
            _ => failed(&Failure::MethodNotAllowed("GET, HEAD")),
        };
    }
    if !is_authorized(request, token) {
        let failure = Failure::Unauthorized;
        return logged(log::refused(&failure), Some(&failure));
    }
    let answer = async {
        let count = shards::count(env, settings).await.map_err(|problem| inbox_failed(&problem))?;
        Shards { env, settings, count }.answer(request, &method, path, url).await
    };
    answer.await.unwrap_or_else(|failure| failed(&failure))
}

/// Compares digests, so that the time of the comparison reveals nothing about the token.
fn is_authorized(request: &Request, token: &str) -> bool {
    let header = request.headers().get("authorization").ok().flatten().unwrap_or_default();
    let given = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token);
    Sha256::digest(given) == Sha256::digest(token)
}

/// The shards of the inbox.
struct Shards<'a> {
    env: &'a Env,
    settings: &'a Settings,
    count: u32,
}

impl Shards<'_> {
    async fn answer(
        &self,
        request: &Request,
        method: &str,
        path: &str,
        url: &Url,
    ) -> Answer<Response> {
        let mut segments = path.split('/').skip(1);
        let segments = [(); 4].map(|()| segments.next());
        match (method, segments) {
            ("GET", [Some("deliveries"), None, ..]) => self.list(url).await,
            ("GET", [Some("deliveries"), Some(id), None, _]) => self.show(id).await,
            ("GET", [Some("deliveries"), Some(id), Some("body"), None]) => {
                let body = self.details(parse_id(id)?).await?.payload.body();
                body.map(page::download).ok_or(Failure::Forgotten)
            }
            ("POST", [Some("deliveries"), Some(id), Some("redeliver"), None]) => {
                self.redeliver(id, &body(request, &["destination", "state"]).await?).await
            }
            ("DELETE", [Some("deliveries"), Some(id), None, _]) => self.erase(id).await,
            ("POST", [Some("redeliver"), None, ..]) => {
                let fields = ["state", "destination", "from", "since", "until"];
                self.redeliver_many(&body(request, &fields).await?).await
            }
            ("POST", [Some("search"), None, ..]) => {
                let fields = ["id", "session_id", "email", "cursor"];
                self.search(&body(request, &fields).await?).await
            }
            ("GET", [Some("export"), None, ..]) => self.export(url),
            ("POST", [Some("erase"), None, ..]) => {
                self.erase_email(&body(request, &["email", "cursor"]).await?).await
            }
            ("POST", [Some("destinations"), Some(name), Some("pause"), None]) => {
                self.pause(name).await
            }
            ("POST", [Some("destinations"), Some(name), Some("resume"), None]) => {
                self.resume(name).await
            }
            ("GET", [Some("rejected"), None, ..]) => self.list_rejected(url).await,
            ("GET", [Some("rejected"), Some(id), None, _]) => self.show_rejected(id).await,
            ("GET", [Some("rejected"), Some(id), Some("body"), None]) => {
                self.rejected_body(id).await
            }
            ("POST", [Some("rejected"), Some(id), Some("deliver"), None]) => {
                self.deliver_rejected(id).await
            }
            ("DELETE", [Some("rejected"), Some(id), None, _]) => self.erase_rejected(id).await,
            ("GET", [Some("drift"), None, ..]) => self.list_drift().await,
            ("GET", [Some("status"), None, ..]) => Ok(value(&self.status().await?)),
            ("GET", [Some("metrics"), None, ..]) => {
                Ok(page::metrics(metrics::text(&self.status().await?)))
            }
            (
                _,
                [
                    Some("deliveries" | "rejected" | "export" | "drift" | "status" | "metrics"),
                    None,
                    ..,
                ]
                | [Some("deliveries" | "rejected"), Some(_), Some("body"), None],
            ) => Err(Failure::MethodNotAllowed("GET")),
            (_, [Some("deliveries" | "rejected"), Some(_), None, _]) => {
                Err(Failure::MethodNotAllowed("GET, DELETE"))
            }
            (
                _,
                [Some("redeliver" | "search" | "erase"), None, ..]
                | [Some("deliveries"), Some(_), Some("redeliver"), None]
                | [Some("rejected"), Some(_), Some("deliver"), None]
                | [Some("destinations"), Some(_), Some("pause" | "resume"), None],
            ) => Err(Failure::MethodNotAllowed("POST")),
            _ => Err(Failure::NotFound),
        }
    }

    async fn ask<Q: Question>(&self, shard: u32, question: Q) -> Answer<Q::Reply> {
        if shard >= self.count {
            return Err(Failure::NoDelivery);
        }
        shards::ask(self.env, self.settings, shard, question)
            .await
            .map_err(|problem| inbox_failed(&problem))
    }

    /// Asks every shard. The answer names the shards that can't be read.
    async fn ask_all<Q: Question>(&self, question: impl Fn(u32) -> Q) -> Answer<Replies<Q::Reply>> {
        shards::ask_all(self.env, self.settings, self.count, question)
            .await
            .map_err(|problem| inbox_failed(&problem))
    }

    async fn details(&self, DeliveryId { shard, row }: DeliveryId) -> Answer<Details> {
        self.ask(shard, Show { row }).await?.ok_or(Failure::NoDelivery)
    }

    async fn show(&self, id: &str) -> Answer<Response> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Shown {
            #[serde(flatten)]
            delivery: Delivery,
            content_type: Option<String>,
            signature: Option<String>,
            body: Option<ShownBody>,
            attempts: Vec<Attempt>,
            related: Vec<DeliveryId>,
        }
        let Details { delivery, payload, attempts, related } = self.details(parse_id(id)?).await?;
        Ok(value(&Shown {
            delivery,
            body: payload.body().as_ref().map(ShownBody::new),
            content_type: payload.content_type,
            signature: payload.signature,
            attempts,
            related,
        }))
    }

    async fn erase(&self, id: &str) -> Answer<Response> {
        #[derive(Serialize)]
        struct Done {
            erased: u32,
        }
        let id = parse_id(id)?;
        // Only a delivery that exists can be erased; any other is not found.
        self.details(id).await?;
        let erased = self.ask(id.shard, Erase { row: id.row }).await?;
        Ok(value(&Done { erased }))
    }

    /// Erases shard by shard: each call searches one batch of one shard.
    async fn erase_email(&self, body: &Body) -> Answer<Response> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Done {
            erased: u64,
            cursor: Option<DeliveryId>,
            broken_shards: Vec<u32>,
        }
        let (email, DeliveryId { shard, row }) = body.email()?;
        let reply = self.ask(shard, EraseEmail { email, after: row }).await;
        let mut broken_shards = Vec::new();
        let (erased, last) = match reply {
            Ok(reply) => (reply.erased, reply.last),
            // The deliveries of the other shards can still be erased.
            Err(_) if shard < self.count && self.count > 1 => {
                broken_shards.push(shard);
                (0, None)
            }
            Err(failure) => return Err(failure),
        };
        let next = shard.saturating_add(1);
        let cursor = match last {
            Some(row) => Some(DeliveryId { shard, row }),
            None if next < self.count => Some(DeliveryId { shard: next, row: RowId::FIRST }),
            None => None,
        };
        Ok(value(&Done { erased, cursor, broken_shards }))
    }

    async fn status(&self) -> Answer<Status> {
        // Only the inbox knows whether there has been a key.
        if let Err(problem) = quarantine::is_in_setup(self.env, self.settings).await {
            log::inbox_failed(&problem);
        }
        let replies = self.ask_all(|_| GetStatus).await?;
        Ok(Status::new(self.settings, replies, now()))
    }
}

/// Merges the lists of all shards, the newest first, and returns where the list continues. If a shard was searched only
/// down to a row, the merged list ends there.
fn merge<T>(
    lists: Vec<(Vec<T>, Option<RowId>)>,
    at: impl Fn(&T) -> Cursor,
    limit: usize,
) -> (Vec<T>, Option<Cursor>) {
    let end = lists.iter().filter_map(|(_, searched)| *searched).max().map(Cursor::older_than);
    let items = lists.into_iter().flat_map(|(items, _)| items);
    let mut items: Vec<T> = items.filter(|it| end.is_none_or(|end| at(it) >= end)).collect();
    let mut merged = Vec::new();
    while merged.len() < limit
        && let Some((newest, _)) = items.iter().map(&at).enumerate().max_by_key(|(_, at)| *at)
    {
        merged.push(items.swap_remove(newest));
    }
    let more = !items.is_empty();
    let cursor = if more { merged.last().map(at) } else { end };
    (merged, cursor)
}

/// A body in a form that JSON can represent.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum ShownBody {
    Text(String),
    Base64(String),
}

impl ShownBody {
    fn new(body: &Uint8Array) -> Self {
        match String::from_utf8(body.to_vec()) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(Base64::encode_string(error.as_bytes())),
        }
    }
}

async fn body(request: &Request, fields: &[&str]) -> Answer<Body> {
    let body = host::read(request, 0, MAX_BODY_BYTES, 0, BODY_MS).await?;
    Body::parse(&body.to_vec(), fields)
}

fn parse_id(text: &str) -> Answer<DeliveryId> {
    DeliveryId::parse(text).ok_or(Failure::NotDeliveryId)
}

fn inbox_failed(problem: &Problem) -> Failure {
    log::inbox_failed(problem);
    Failure::InboxFailed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Merges lists of rows, by shard; returns the rows and the cursor.
    fn merged(lists: &[(&[u64], Option<u64>)], limit: usize) -> (Vec<u64>, Option<String>) {
        let lists = (0..).zip(lists).map(|(shard, (rows, searched))| {
            let ids = rows.iter().map(|row| DeliveryId { shard, row: RowId(*row) }).collect();
            (ids, searched.map(RowId))
        });
        let (all, cursor) = merge(lists.collect(), Cursor::from_id, limit);
        (all.iter().map(|id| id.row.0).collect(), cursor.map(|cursor| cursor.to_string()))
    }

    #[test]
    fn a_list_ends_at_the_last_row_to_which_every_shard_was_searched() {
        assert_eq!(merged(&[(&[9, 4], None), (&[8], None)], 3), (vec![9, 8, 4], None));
        let shorter = (vec![9, 8], Some("8.1".to_owned()));
        assert_eq!(merged(&[(&[9, 4], None), (&[8], None)], 2), shorter);
        let searched = (vec![9, 8], Some("5.0".to_owned()));
        assert_eq!(merged(&[(&[9, 4], Some(3)), (&[8], Some(5))], 3), searched);
        assert_eq!(merged(&[(&[], Some(3)), (&[4], None)], 3), (vec![4], Some("3.0".to_owned())));
    }
}
