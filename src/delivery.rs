use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::event::Documented;
use crate::joined::joined;
use crate::json::{Digits, Number};
use crate::shape::{Comparison, Field, Kind, MAX_FIELDS, Node, Shape};
use crate::{
    DemoSessionFinished, Drift, Error, KeyIndex, PlaylistSessionFinished, Value, hex, timestamp,
};

/// The type of what is not documented.
pub(crate) const UNKNOWN: &str = "unknown";

/// A verified body, read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// The idempotency key: `<name>:<session_id>` for a known event, else `body:<sha256>`. Nothing
    /// but signed bytes goes in.
    pub id: String,
    /// The event's name as sent, whatever it is; `None` when it is absent or no string.
    pub name: Option<String>,
    /// The event, typed as far as it has its documented shape.
    pub event: Event,
    /// The signed time as sent, RFC 3339 in all that was seen.
    pub timestamp: Option<String>,
    /// Whether `is_test` is `true`: nothing else counts.
    pub is_test: bool,
    /// Where the event differs from the documentation; empty when it does not. Of an event that is
    /// not documented, only the name is compared.
    pub drift: Vec<Drift>,
    /// Which key matched.
    pub key_index: KeyIndex,
    /// The whole body as JSON, unknown fields included.
    pub payload: Value,
}

/// An event with its documented shape, or `Unknown`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A visitor's session in a demo has ended.
    DemoSessionFinished(Box<DemoSessionFinished>),
    /// A visitor's session in a playlist has ended.
    PlaylistSessionFinished(Box<PlaylistSessionFinished>),
    /// An event that is not documented, or not as it came. It is authentic all the same: look at
    /// [`Delivery::name`], [`Delivery::payload`] and [`Delivery::drift`].
    Unknown,
}

impl Event {
    /// Returns the type's name: that of the event, or `unknown`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::DemoSessionFinished(_) => EventType::DemoSessionFinished.as_str(),
            Self::PlaylistSessionFinished(_) => EventType::PlaylistSessionFinished.as_str(),
            Self::Unknown => UNKNOWN,
        }
    }
}

impl Delivery {
    pub(crate) fn new(
        payload: Value,
        body_id: impl FnOnce() -> String,
        key_index: KeyIndex,
    ) -> Self {
        let Reading { event_type, name, id, is_test, drift } = Reading::of(&&payload);
        let timestamp = timestamp_of(&payload);
        // What has its documented shape can be deserialized: both come from one declaration.
        let event = match event_type {
            Some(EventType::DemoSessionFinished) => DemoSessionFinished::deserialize(&payload)
                .ok()
                .map(Box::new)
                .map(Event::DemoSessionFinished),
            Some(EventType::PlaylistSessionFinished) => {
                PlaylistSessionFinished::deserialize(&payload)
                    .ok()
                    .map(Box::new)
                    .map(Event::PlaylistSessionFinished)
            }
            None => None,
        }
        .unwrap_or(Event::Unknown);
        let id = id.unwrap_or_else(body_id);
        Self { id, name, event, timestamp, is_test, drift, key_index, payload }
    }

    /// Returns the name of the event's type: `demo_session_finished`, `playlist_session_finished` or
    /// `unknown`.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        self.event.as_str()
    }

    /// Checks the signed time against the caller's clock.
    ///
    /// `skew` is how far ahead of `now` it may be. A delivery without a timestamp that can be read
    /// is never stale.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] when the event is older than `max_age`, or further ahead than `skew`.
    pub fn check_age(
        &self,
        now: SystemTime,
        max_age: Duration,
        skew: Duration,
    ) -> Result<(), Error> {
        check_age_at(self.timestamp.as_deref(), now, max_age, skew)
    }
}

/// A verified body, read without the fields of its event: enough to store it, or to pass it on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The idempotency key, as in [`Delivery::id`].
    pub id: String,
    /// The event's name as sent, as in [`Delivery::name`].
    pub name: Option<String>,
    /// The name of the event's type, as by [`Delivery::event_type`].
    pub event_type: &'static str,
    /// The signed time as sent, as in [`Delivery::timestamp`].
    pub timestamp: Option<String>,
    /// Whether `is_test` is `true`: nothing else counts.
    pub is_test: bool,
}

impl Summary {
    pub(crate) fn new(payload: &Value<Digits>, body_id: impl FnOnce() -> String) -> Self {
        let Reading { event_type, name, id, is_test, .. } = Reading::of(&payload);
        Self {
            id: id.unwrap_or_else(body_id),
            name,
            event_type: event_type.map_or(UNKNOWN, EventType::as_str),
            timestamp: timestamp_of(payload),
            is_test,
        }
    }

    /// Checks the signed time against the caller's clock, as [`Delivery::check_age`] does.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`], and no other.
    pub fn check_age(
        &self,
        now: SystemTime,
        max_age: Duration,
        skew: Duration,
    ) -> Result<(), Error> {
        check_age_at(self.timestamp.as_deref(), now, max_age, skew)
    }
}

fn timestamp_of<N>(payload: &Value<N>) -> Option<String> {
    payload.get("timestamp").and_then(Value::as_str).map(str::to_owned)
}

fn check_age_at(
    timestamp: Option<&str>,
    now: SystemTime,
    max_age: Duration,
    skew: Duration,
) -> Result<(), Error> {
    let now = match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => nanos(before.duration()).saturating_neg(),
    };
    check_age(timestamp, now, nanos(max_age), nanos(skew))
}

/// All times are nanoseconds, `now` since the Unix epoch; more than 292 years count as 292.
pub(crate) fn check_age(
    timestamp: Option<&str>,
    now: i64,
    max_age: i64,
    skew: i64,
) -> Result<(), Error> {
    let Some((text, signed)) =
        timestamp.and_then(|text| timestamp::parse(text).map(|signed| (text, signed)))
    else {
        return Ok(());
    };
    let stale = |future| Err(Error::Stale { timestamp: text.to_owned(), future });
    if now.saturating_sub(signed) > max_age {
        return stale(false);
    }
    if signed.saturating_sub(now) > skew {
        return stale(true);
    }
    Ok(())
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// The idempotency key of a body of which nothing but its SHA-256 counts.
pub(crate) fn body_id(sha256: &[u8]) -> String {
    let mut id = String::from("body:");
    id.push_str(&hex::encode(sha256));
    id
}

/// The events that Walnut documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventType {
    DemoSessionFinished,
    PlaylistSessionFinished,
}

impl EventType {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::DemoSessionFinished => "demo_session_finished",
            Self::PlaylistSessionFinished => "playlist_session_finished",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::DemoSessionFinished, Self::PlaylistSessionFinished]
            .into_iter()
            .find(|known| known.as_str() == name)
    }

    fn shape(self) -> &'static Shape {
        match self {
            Self::DemoSessionFinished => &DemoSessionFinished::SHAPE,
            Self::PlaylistSessionFinished => &PlaylistSessionFinished::SHAPE,
        }
    }
}

/// All that is decided about a body once it is JSON, whoever parsed it.
pub(crate) struct Reading {
    /// `None` is `unknown`.
    pub(crate) event_type: Option<EventType>,
    pub(crate) name: Option<String>,
    /// `None` when the id is that of the body's bytes.
    pub(crate) id: Option<String>,
    pub(crate) is_test: bool,
    pub(crate) drift: Vec<Drift>,
}

impl Reading {
    pub(crate) fn of<N: Node>(root: &N) -> Self {
        const ENVELOPE: &[Field] = &[
            Field { name: "event", optional: false, shape: Shape::String },
            Field { name: "is_test", optional: true, shape: Shape::Boolean },
            Field { name: "data", optional: false, shape: Shape::Object(&[]) },
        ];
        const SESSION: &[Field] =
            &[Field { name: "session_id", optional: false, shape: Shape::String }];

        let [name, is_test, data, ..] = root.documented(ENVELOPE);
        let name = name.and_then(|name| name.text());
        let known = name.as_deref().and_then(EventType::named);
        let is_test = is_test.is_some_and(|is_test| is_test.kind() == Kind::Boolean(true));

        let comparison = match known {
            Some(event_type) => Comparison::of(root, event_type.shape()),
            None => Comparison::of_name(root),
        };
        let session = || {
            let [session, ..] = data?.documented(SESSION);
            session?.text()
        };
        let id = match known {
            Some(event_type) if !is_test => session()
                .filter(|session| is_identifying(session))
                .map(|session| joined(&[event_type.as_str(), ":", &session])),
            _ => None,
        };
        Self {
            event_type: known.filter(|_| !comparison.broken),
            name,
            id,
            is_test,
            drift: comparison.drift,
        }
    }
}

/// Whether a session id can stand in an idempotency key: 1 to 128 visible ASCII characters, no `:`.
fn is_identifying(session: &str) -> bool {
    (1..=128).contains(&session.len()) && session.bytes().all(|c| c.is_ascii_graphic() && c != b':')
}

impl<N: Number> Node for &Value<N> {
    fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Boolean(*value),
            Value::Number(value) => Kind::Number { whole: value.is_whole() },
            Value::String(_) => Kind::String,
            Value::Array(_) => Kind::Array,
            Value::Object(_) => Kind::Object,
        }
    }

    fn text(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
    }

    fn documented(&self, fields: &'static [Field]) -> [Option<Self>; MAX_FIELDS] {
        core::array::from_fn(|index| self.get(fields.get(index)?.name))
    }

    fn size(&self) -> usize {
        match self {
            Value::Object(members) => members.len(),
            _ => 0,
        }
    }

    fn members(&self) -> impl Iterator<Item = (String, Self)> {
        let members = match self {
            Value::Object(members) => Some(members),
            _ => None,
        };
        members.into_iter().flatten().map(|(name, value)| (name.clone(), value))
    }

    fn items(&self) -> impl Iterator<Item = Self> {
        match self {
            Value::Array(items) => items.iter(),
            _ => [].iter(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(timestamp: &str, now: u64) -> Result<(), &'static str> {
        let seconds = |seconds| nanos(Duration::from_secs(seconds));
        check_age(Some(timestamp), seconds(now), seconds(100), seconds(10))
            .map_err(|error| error.code())
    }

    #[test]
    fn age_has_two_sides_at_both_ends() {
        let signed = "1970-01-01T01:00:00Z"; // 3600
        assert_eq!(age(signed, 3700), Ok(()));
        assert_eq!(age("1970-01-01T00:59:59.999999999Z", 3700), Err("stale"));
        assert_eq!(age(signed, 3701), Err("stale"));
        assert_eq!(age(signed, 3590), Ok(()));
        assert_eq!(age(signed, 3589), Err("stale"));
        assert_eq!(age("1970-01-01T02:00:00+01:00", 3700), Ok(()));
        assert_eq!(age("yesterday", 3700), Ok(()));
    }

    #[test]
    fn what_identifies_a_session_has_two_sides() {
        assert!(!is_identifying(""));
        assert!(is_identifying("s"));
        assert!(is_identifying(&"s".repeat(128)));
        assert!(!is_identifying(&"s".repeat(129)));
        for bad in ["a b", "a:b", "a\tb", "\u{7f}", "é"] {
            assert!(!is_identifying(bad), "{bad:?}");
        }
    }
}
