//! The admin API: the delivery log, redelivery, erasure and status, guarded by `ADMIN_TOKEN`; and the page
//! for it. It asks every shard, and puts their answers together.

mod metrics;
mod page;
mod question;

use base64ct::{Base64, Encoding};
use js_sys::Uint8Array;
use sha2::{Digest, Sha256};
use wasm_bindgen::JsValue;
use web_sys::{Request, Response, Url};
use worker::Env;

use crate::answer::{self, Failure, failed};
use crate::config::{Mode, Settings};
use crate::js::{Problem, get, items, list, now, number, object, or_null, set, text, whole};
use crate::receive::BODY_MS;
use crate::watch::KeyTimes;
use crate::{host, log};
use question::{Asked, Cursor, Key, Listed, Period};

/// The states that a delivery may be in, as they are listed and counted.
const STATES: [&str; 7] =
    ["pending", "delivered", "dead", "unrouted", "variant", "forgotten", "erased"];

/// The most bytes of a question's body.
const MOST_BYTES: usize = 65_536;

type Answer<T> = Result<T, Failure>;

/// Answers what is asked at a path below `/admin`.
pub(crate) async fn respond(
    request: &Request,
    url: &str,
    path: &str,
    env: &Env,
    settings: &Settings,
) -> Response {
    // In direct mode nothing is stored: there is nothing to ask.
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
        log::refused(&Failure::Unauthorized);
        return failed(&Failure::Unauthorized);
    }
    let shards = Shards { env, settings };
    let answer = shards.answer(request, &method, path, url).await;
    answer.unwrap_or_else(|failure| failed(&failure))
}

/// Compares digests: how long that takes says nothing of the token.
fn is_authorized(request: &Request, token: &str) -> bool {
    let header = request.headers().get("authorization").ok().flatten().unwrap_or_default();
    let given = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token);
    Sha256::digest(given) == Sha256::digest(token)
}

/// All the shards there are.
struct Shards<'a> {
    env: &'a Env,
    settings: &'a Settings,
}

impl Shards<'_> {
    async fn answer(
        &self,
        request: &Request,
        method: &str,
        path: &str,
        url: &str,
    ) -> Answer<Response> {
        let mut segments = path.split('/').skip(1);
        let segments = [(); 4].map(|()| segments.next());
        let value = match (method, segments) {
            ("GET", [Some("deliveries"), None, ..]) => self.list(url).await?,
            ("GET", [Some("deliveries"), Some(key), None, _]) => {
                let delivery = self.one(key).await?;
                set(&delivery, "body", &shown(&get(&delivery, "body")));
                delivery
            }
            ("GET", [Some("deliveries"), Some(key), Some("body"), None]) => {
                let body = get(&self.one(key).await?, "body");
                return if body.is_null() {
                    Err(Failure::Forgotten)
                } else {
                    Ok(page::download(body))
                };
            }
            ("POST", [Some("deliveries"), Some(key), Some("redeliver"), None]) => {
                self.redeliver(key, &self.asked(request).await?).await?
            }
            ("DELETE", [Some("deliveries"), Some(key), None, _]) => self.erase(key).await?,
            ("POST", [Some("redeliver"), None, ..]) => {
                self.redeliver_dead(&self.asked(request).await?).await?
            }
            ("POST", [Some("erase"), None, ..]) => {
                self.erase_email(&self.asked(request).await?).await?
            }
            ("GET", [Some("status"), None, ..]) => self.status().await?,
            ("GET", [Some("metrics"), None, ..]) => {
                return Ok(page::metrics(metrics::text(&self.status().await?)));
            }
            (
                _,
                [Some("deliveries" | "status" | "metrics"), None, ..]
                | [Some("deliveries"), Some(_), Some("body"), None],
            ) => {
                return Err(Failure::MethodNotAllowed("GET"));
            }
            (_, [Some("deliveries"), Some(_), None, _]) => {
                return Err(Failure::MethodNotAllowed("GET, DELETE"));
            }
            (
                _,
                [Some("redeliver" | "erase"), None, ..]
                | [Some("deliveries"), Some(_), Some("redeliver"), None],
            ) => {
                return Err(Failure::MethodNotAllowed("POST"));
            }
            _ => return Err(Failure::NotFound),
        };
        Ok(answer::value(&value))
    }

    /// Reads the body of a question.
    async fn asked(&self, request: &Request) -> Answer<Asked> {
        let body = host::read(request, 0, MOST_BYTES, 0, BODY_MS).await?;
        Asked::of(&body.to_vec())
    }

    async fn ask(&self, shard: u32, operation: &str, question: &JsValue) -> Answer<JsValue> {
        if shard >= self.settings.shards {
            return Err(Failure::NotFound);
        }
        host::ask(self.env, self.settings, shard, operation, question).await.map_err(|it| lost(&it))
    }

    /// Asks all of them at the same time; answers come in the order of the shards.
    async fn ask_all(
        &self,
        operation: &str,
        question: impl Fn(u32) -> JsValue,
    ) -> Answer<impl Iterator<Item = JsValue>> {
        let questions = list((0..self.settings.shards).map(question));
        let answers = host::ask_all(self.env, self.settings, operation, &questions).await;
        Ok(items(&answers.map_err(|it| lost(&it))?))
    }

    async fn list(&self, url: &str) -> Answer<JsValue> {
        let url = Url::new(url).map_err(|_| Failure::NotFound)?;
        let listed = Listed::of(&url.search_params())?;
        let mut all: Vec<(Cursor, JsValue)> = Vec::new();
        for (shard, answer) in (0..).zip(self.ask_all("list", |it| listed.question(it)).await?) {
            all.extend(items(&answer).map(|item| (Cursor::of(shard, &item), item)));
        }
        all.sort_unstable_by_key(|(cursor, _)| std::cmp::Reverse(*cursor));
        let more = all.len() > listed.limit;
        all.truncate(listed.limit);
        let cursor = all.last().filter(|_| more).map(|(cursor, _)| cursor.to_string());
        let deliveries = list(all.into_iter().map(|(_, item)| item));
        Ok(object([("deliveries", deliveries), ("cursor", or_null(cursor))]))
    }

    /// Says all of a delivery, its body as bytes.
    async fn one(&self, key: &str) -> Answer<JsValue> {
        let Key { shard, key } = Key::parse(key)?;
        let delivery = self.ask(shard, "one", &object([("key", number(key))])).await?;
        if delivery.is_null() { Err(Failure::NotFound) } else { Ok(delivery) }
    }

    async fn redeliver(&self, key: &str, asked: &Asked) -> Answer<JsValue> {
        let Key { shard, key } = Key::parse(key)?;
        let destination = or_null(asked.destination(self.settings)?);
        let question = object([("key", number(key)), ("destination", destination)]);
        let answer = self.ask(shard, "redeliver", &question).await?;
        if answer.is_null() {
            Err(Failure::NotFound)
        } else if answer.is_falsy() {
            Err(Failure::Forgotten)
        } else {
            Ok(answer)
        }
    }

    async fn redeliver_dead(&self, asked: &Asked) -> Answer<JsValue> {
        let Period { since, until } = asked.period()?;
        let question = object([
            ("since", number(since)),
            ("until", number(until)),
            ("destination", or_null(asked.destination(self.settings)?)),
        ]);
        let mut redelivered: u64 = 0;
        for shard in 0..self.settings.shards {
            let mut last = Some(0);
            while let Some(key) = last {
                set(&question, "key", &number(key));
                let answer = self.ask(shard, "redeliver-dead", &question).await?;
                let some = whole(&get(&answer, "redelivered")).unwrap_or(0);
                redelivered = redelivered.saturating_add(some);
                last = whole(&get(&answer, "last"));
            }
        }
        Ok(object([("redelivered", number(redelivered))]))
    }

    async fn erase(&self, key: &str) -> Answer<JsValue> {
        // Known to be there first: else it is not found, rather than none erased.
        self.one(key).await?;
        let Key { shard, key } = Key::parse(key)?;
        let erased = self.ask(shard, "erase", &object([("key", number(key))])).await?;
        Ok(object([("erased", erased)]))
    }

    /// Goes on from shard to shard: each call looks through one batch of one shard.
    async fn erase_email(&self, asked: &Asked) -> Answer<JsValue> {
        let (email, Key { shard, key }) = asked.person()?;
        let question = object([("email", email.into()), ("key", number(key))]);
        let answer = self.ask(shard, "erase-email", &question).await?;
        let next = shard.saturating_add(1);
        let cursor = match whole(&get(&answer, "last")) {
            Some(last) => Some(format!("{shard}-{last}")),
            None if next < self.settings.shards => Some(format!("{next}-0")),
            None => None,
        };
        Ok(object([("erased", get(&answer, "erased")), ("cursor", or_null(cursor))]))
    }

    async fn status(&self) -> Answer<JsValue> {
        let all: Vec<JsValue> = self.ask_all("status", |_| JsValue::UNDEFINED).await?.collect();
        let each = |field| all.iter().map(move |shard| get(shard, field));
        let latest = |field| or_null(each(field).filter_map(|it| whole(&it)).max().map(number));
        // Lists of names and counts, and the same of all shards together.
        let counts = |field, name: &str| {
            let named = |it: &JsValue| text(&get(it, "name")).as_deref() == Some(name);
            sum(each(field).flat_map(|it| items(&it)).filter(named).map(|it| get(&it, "count")))
        };
        let deliveries = object([]);
        for state in STATES {
            set(&deliveries, state, &counts("deliveries", state));
        }
        let failures = object([]);
        for failure in each("failures").flat_map(|it| items(&it)) {
            if let Some(code) = text(&get(&failure, "name")) {
                set(&failures, &code, &counts("failures", &code));
            }
        }
        let destinations = self.settings.destinations.iter().map(|destination| {
            let name = destination.name.as_str();
            let known: Vec<JsValue> = each("destinations")
                .flat_map(|it| items(&it))
                .filter(|it| text(&get(it, "name")).as_deref() == Some(name))
                .collect();
            let last = |field| {
                known.iter().max_by_key(|it| whole(&get(it, field))).cloned().unwrap_or_default()
            };
            let field =
                |it: &JsValue, name| or_null(Some(get(it, name)).filter(JsValue::is_truthy));
            object([
                ("name", name.into()),
                ("pending", sum(known.iter().map(|it| get(it, "pending")))),
                ("lastTaken", field(&last("lastTaken"), "lastTaken")),
                ("lastFailed", field(&last("lastFailed"), "lastFailed")),
                ("lastCode", field(&last("lastFailed"), "lastCode")),
            ])
        });
        let now = now();
        let key = |name| each(name).filter_map(|it| whole(&it)).max();
        let keys = KeyTimes {
            current: key("current"),
            previous: key("previous"),
            previous_until: self.settings.previous_until,
        };
        let warnings = list(keys.warnings(now).into_iter().map(JsValue::from_str));
        let oldest = each("oldestPending").filter_map(|it| whole(&it)).min();
        Ok(object([
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("mode", "durable".into()),
            ("shards", self.settings.shards.into()),
            ("now", number(now)),
            ("deliveries", deliveries),
            ("duplicates", sum(each("duplicates"))),
            ("oldestPending", or_null(oldest.map(number))),
            ("destinations", list(destinations)),
            (
                "keys",
                object([
                    ("current", or_null(keys.current.map(number))),
                    ("previous", or_null(keys.previous.map(number))),
                    ("previousUntil", or_null(keys.previous_until.map(number))),
                    ("warnings", warnings),
                ]),
            ),
            ("failures", failures),
            ("lastReceived", latest("lastReceived")),
            ("bytes", sum(each("bytes"))),
        ]))
    }
}

fn lost(problem: &Problem) -> Failure {
    log::inbox_failed(problem);
    Failure::InboxFailed
}

fn sum(numbers: impl Iterator<Item = JsValue>) -> JsValue {
    number(numbers.filter_map(|it| whole(&it)).fold(0, u64::saturating_add))
}

/// A body as JSON can show it: `text`, or if it is none, `base64`.
fn shown(body: &JsValue) -> JsValue {
    if body.is_null() {
        return JsValue::NULL;
    }
    match String::from_utf8(Uint8Array::new(body).to_vec()) {
        Ok(text) => object([("text", text.into())]),
        Err(error) => object([("base64", Base64::encode_string(error.as_bytes()).into())]),
    }
}
