//! What may be asked, and what is asked wrongly.

use std::fmt;

use js_sys::{Array, JSON};
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

use super::{Answer, STATES};
use crate::answer::Failure;
use crate::config::{self, Settings};
use crate::digits;
use crate::js::{get, items, number, object, or_null, text, whole};

const DEFAULT_LIMIT: usize = 50;
const MOST_LIMIT: usize = 200;
const LEAST_EMAIL_BYTES: usize = 3;
const MOST_EMAIL_BYTES: usize = 254;

fn invalid<T>(what: impl Into<String>) -> Answer<T> {
    Err(Failure::InvalidRequest(what.into()))
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
            Some(Self { shard: digits::parse(shard)?, key: digits::parse(key)? })
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

    pub(super) fn of(shard: u32, item: &JsValue) -> Self {
        let key = text(&get(item, "key")).and_then(|key| Key::parse(&key).ok());
        let received = whole(&get(item, "received")).unwrap_or(0);
        Self { received, shard, key: key.map_or(0, |it| it.key) }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (received, shard, key) = (parts.next()?, parts.next()?, parts.next()?);
        let cursor = Self {
            received: digits::parse(received)?,
            shard: digits::parse(shard)?,
            key: digits::parse(key)?,
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
    pub(super) fn of(query: &UrlSearchParams) -> Answer<Self> {
        let mut listed = Self {
            limit: DEFAULT_LIMIT,
            state: None,
            name: None,
            since: None,
            until: None,
            cursor: Cursor::NEWEST,
        };
        for pair in items(&Array::from(query)) {
            let mut pair = items(&pair).filter_map(|it| text(&it));
            let (Some(name), Some(value)) = (pair.next(), pair.next()) else { continue };
            match name.as_str() {
                "limit" => match digits::parse(&value) {
                    Some(limit) if (1..=MOST_LIMIT).contains(&limit) => listed.limit = limit,
                    _ => return invalid(format!("limit must be a number from 1 to {MOST_LIMIT}")),
                },
                "state" if STATES.contains(&value.as_str()) => listed.state = Some(value),
                "state" => {
                    return invalid(format!("state must be one of {}", STATES.join(", ")));
                }
                "name" => listed.name = Some(value),
                "since" => listed.since = Some(time_of(&value)?),
                "until" => listed.until = Some(time_of(&value)?),
                "cursor" => match Cursor::parse(&value) {
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
    pub(super) fn question(&self, shard: u32) -> JsValue {
        let key = match shard.cmp(&self.cursor.shard) {
            std::cmp::Ordering::Less => u64::MAX,
            std::cmp::Ordering::Equal => self.cursor.key,
            std::cmp::Ordering::Greater => 0,
        };
        object([
            ("limit", number(self.limit.saturating_add(1))),
            ("state", or_null(self.state.as_deref())),
            ("name", or_null(self.name.as_deref())),
            ("since", or_null(self.since.map(number))),
            ("until", or_null(self.until.map(number))),
            ("received", number(self.cursor.received)),
            ("key", number(key)),
        ])
    }
}

/// From when on, and until when.
pub(super) struct Period {
    pub(super) since: u64,
    pub(super) until: u64,
}

fn no_time<T>() -> Answer<T> {
    invalid("since and until must be times: milliseconds since the Unix epoch, or RFC 3339")
}

fn time_of(text: &str) -> Answer<u64> {
    let milliseconds = digits::parse(text).or_else(|| config::millis(text));
    milliseconds.map_or_else(no_time, Ok)
}

/// Of what is no question's body.
pub(super) fn no_object<T>() -> Answer<T> {
    invalid("the body must be a JSON object")
}

/// A question's body: an object, or nothing.
pub(super) struct Asked(JsValue);

impl Asked {
    pub(super) fn of(body: &[u8]) -> Answer<Self> {
        if body.is_empty() {
            return Ok(Self(object([])));
        }
        let fields = str::from_utf8(body).ok().and_then(|text| JSON::parse(text).ok());
        match fields.filter(|fields| fields.is_object() && !Array::is_array(fields)) {
            Some(fields) => Ok(Self(fields)),
            None => no_object(),
        }
    }

    fn field(&self, name: &str) -> Option<JsValue> {
        Some(get(&self.0, name)).filter(|value| !value.is_null() && !value.is_undefined())
    }

    pub(super) fn period(&self) -> Answer<Period> {
        let time = |name| {
            let value = get(&self.0, name);
            match text(&value) {
                Some(text) => time_of(&text),
                None => whole(&value).map_or_else(no_time, Ok),
            }
        };
        Ok(Period { since: time("since")?, until: time("until")? })
    }

    /// Reads the destination that is named, if one is.
    pub(super) fn destination(&self, settings: &Settings) -> Answer<Option<String>> {
        let Some(value) = self.field("destination") else { return Ok(None) };
        match text(&value) {
            Some(name) if settings.destinations.iter().any(|it| it.name == name) => Ok(Some(name)),
            _ => invalid("destination must be the name of one that is configured"),
        }
    }

    /// Reads whose deliveries are meant, and where to go on.
    pub(super) fn person(&self) -> Answer<(String, Key)> {
        let email = text(&get(&self.0, "email"))
            .map(|email| email.trim().to_owned())
            .filter(|email| (LEAST_EMAIL_BYTES..=MOST_EMAIL_BYTES).contains(&email.len()))
            .filter(|email| email.contains('@'));
        let Some(email) = email else {
            return invalid(format!(
                "email must be an e-mail address of {LEAST_EMAIL_BYTES} to {MOST_EMAIL_BYTES} bytes"
            ));
        };
        let cursor = self.field("cursor").map(|cursor| text(&cursor).unwrap_or_default());
        match cursor.map(|cursor| Key::parse(&cursor)) {
            None => Ok((email, Key { shard: 0, key: 0 })),
            Some(Ok(key)) => Ok((email, key)),
            Some(Err(_)) => invalid("cursor must be one that an erasure has ended with"),
        }
    }
}
