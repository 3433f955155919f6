//! What may be asked, and what is asked wrongly.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Answer, STATES};
use crate::answer::Failure;
use crate::config::Settings;

const DEFAULT_LIMIT: usize = 50;
const MOST_LIMIT: usize = 200;
const EMAIL_BYTES: std::ops::RangeInclusive<usize> = 3..=254;

fn invalid<T>(what: &'static str) -> Answer<T> {
    Err(Failure::InvalidRequest(what))
}

/// A delivery's key, as it is written in addresses: `<shard>-<key>`.
pub(super) struct Key {
    pub(super) shard: u32,
    pub(super) key: u64,
}

impl Key {
    /// What is no key is the key of nothing.
    pub(super) fn parse(text: &str) -> Answer<Self> {
        let parts = text.split_once('-').and_then(|(shard, key)| {
            Some(Self { shard: shard.parse().ok()?, key: key.parse().ok()? })
        });
        parts.ok_or(Failure::NotFound)
    }
}

/// Where a list goes on: before this delivery, written `<received>.<shard>.<key>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    received: u64,
    shard: u32,
    key: u64,
}

impl Cursor {
    /// Before all that is to come.
    const NEWEST: Self = Self { received: u64::MAX, shard: u32::MAX, key: u64::MAX };

    pub(super) fn of(shard: u32, item: &Json) -> Self {
        let key = item["key"].as_str().and_then(|key| Key::parse(key).ok()).map_or(0, |it| it.key);
        Self { received: item["received"].as_u64().unwrap_or(0), shard, key }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (received, shard, key) = (parts.next()?, parts.next()?, parts.next()?);
        let cursor = Self {
            received: received.parse().ok()?,
            shard: shard.parse().ok()?,
            key: key.parse().ok()?,
        };
        parts.next().is_none().then_some(cursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.received, self.shard, self.key)
    }
}

/// Which deliveries are listed.
pub(super) struct Listed {
    pub(super) limit: usize,
    state: Option<String>,
    name: Option<String>,
    since: Option<u64>,
    until: Option<u64>,
    cursor: Cursor,
}

impl Listed {
    pub(super) fn of(query: &[(String, String)]) -> Answer<Self> {
        let mut listed = Self {
            limit: DEFAULT_LIMIT,
            state: None,
            name: None,
            since: None,
            until: None,
            cursor: Cursor::NEWEST,
        };
        for (name, value) in query {
            match name.as_str() {
                "limit" => match value.parse() {
                    Ok(limit) if (1..=MOST_LIMIT).contains(&limit) => listed.limit = limit,
                    _ => return invalid("limit must be a number from 1 to 200"),
                },
                "state" if STATES.contains(&value.as_str()) => listed.state = Some(value.clone()),
                "state" => {
                    return invalid(
                        "state must be pending, delivered, dead, unrouted, variant, forgotten or \
                         erased",
                    );
                }
                "name" => listed.name = Some(value.clone()),
                "since" => listed.since = Some(time_of(value)?),
                "until" => listed.until = Some(time_of(value)?),
                "cursor" => match Cursor::parse(value) {
                    Some(cursor) => listed.cursor = cursor,
                    None => return invalid("cursor must be one that a list has ended with"),
                },
                _ => {
                    return invalid(
                        "there are only limit, cursor, state, name, since and until to ask by",
                    );
                }
            }
        }
        Ok(listed)
    }

    /// Asks one shard for one more than are wanted, which says whether there are more.
    pub(super) fn question(&self, shard: u32) -> Json {
        let key = match shard.cmp(&self.cursor.shard) {
            std::cmp::Ordering::Less => u64::MAX,
            std::cmp::Ordering::Equal => self.cursor.key,
            std::cmp::Ordering::Greater => 0,
        };
        json!({
            "shard": shard,
            "limit": self.limit.saturating_add(1),
            "state": self.state,
            "name": self.name,
            "since": self.since,
            "until": self.until,
            "before": [self.cursor.received, key],
        })
    }
}

/// From when on, and until when.
pub(super) struct Period {
    pub(super) since: u64,
    pub(super) until: u64,
}

impl Period {
    pub(super) fn of(body: &[u8]) -> Answer<Self> {
        let fields = fields(body)?;
        let time = |name: &str| match &fields[name] {
            Json::Number(number) => number.as_u64().map_or_else(no_time, Ok),
            Json::String(text) => time_of(text),
            _ => no_time(),
        };
        Ok(Self { since: time("since")?, until: time("until")? })
    }
}

fn no_time<T>() -> Answer<T> {
    invalid("since and until must be times: milliseconds since the Unix epoch, or RFC 3339")
}

fn time_of(text: &str) -> Answer<u64> {
    if let Ok(milliseconds) = text.parse() {
        return Ok(milliseconds);
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    let milliseconds = time.and_then(|time| time.unix_timestamp_nanos().checked_div(1_000_000));
    milliseconds.and_then(|it| u64::try_from(it).ok()).map_or_else(no_time, Ok)
}

/// Reads a body: an object, or nothing.
fn fields(body: &[u8]) -> Answer<Json> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(fields @ Json::Object(_)) => Ok(fields),
        _ => invalid("the body must be a JSON object"),
    }
}

/// Reads the destination that is named, if one is.
pub(super) fn destination(body: &[u8], settings: &Settings) -> Answer<Option<String>> {
    match &fields(body)?["destination"] {
        Json::Null => Ok(None),
        Json::String(name) if settings.destinations.iter().any(|it| it.name == *name) => {
            Ok(Some(name.clone()))
        }
        _ => invalid("destination must be the name of one that is configured"),
    }
}

/// Reads whose deliveries are meant, and where to go on.
pub(super) fn person(body: &[u8]) -> Answer<(String, Key)> {
    let fields = fields(body)?;
    let email = match &fields["email"] {
        Json::String(email) if EMAIL_BYTES.contains(&email.len()) && email.contains('@') => email,
        _ => return invalid("email must be an e-mail address of 3 to 254 bytes"),
    };
    let from = match &fields["cursor"] {
        Json::Null => Key { shard: 0, key: 0 },
        Json::String(text) => match Key::parse(text) {
            Ok(key) => key,
            Err(_) => return invalid("cursor must be one that an erasure has ended with"),
        },
        _ => return invalid("cursor must be one that an erasure has ended with"),
    };
    Ok((email.clone(), from))
}

/// Returns the bytes of a delivery's body, if it is there.
pub(super) fn body_of(delivery: &Json) -> Option<Vec<u8>> {
    let body = &delivery["body"];
    match (body["text"].as_str(), body["base64"].as_str()) {
        (Some(text), _) => Some(text.as_bytes().to_vec()),
        (_, Some(encoded)) => STANDARD.decode(encoded).ok(),
        _ => None,
    }
}
