use std::time::{Duration, SystemTime};

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::reading::{EventType, Reading, UNKNOWN};
use crate::shape::Node as _;
use crate::{DemoSessionFinished, Drift, Error, KeyIndex, PlaylistSessionFinished, Value, age};

/// A verified and typed body.
///
/// It serializes with the fields that a delivery has in JavaScript: `type`, `event` (the whole body), `name`, `id`,
/// `timestamp`, `isTest`, `keyIndex` and `drift`.
///
/// ```
/// # use walnut_webhooks::{Key, Verifier};
/// # let key = Key::new("key")?;
/// let body = br#"{"event":"demo_session_started"}"#;
/// # let header = key.sign(body).to_string();
/// let delivery = Verifier::new(key).verify(body, &header)?.delivery()?;
/// let json = serde_json::to_value(&delivery)?;
/// assert_eq!(json["type"], "unknown");
/// assert_eq!(json["event"]["event"], "demo_session_started");
/// assert_eq!(json["keyIndex"], 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// The idempotency key: `<name>:<session_id>` for a documented event, `body:<sha256>` for any other and for a test event.
    /// It is made from signed bytes only.
    pub id: String,
    /// The event's name as sent; `None` if it is absent or not a string.
    pub name: Option<String>,
    /// The event, typed if it has its documented shape.
    pub event: Event,
    /// The signed time as sent, usually RFC 3339; `None` if it is absent or not a string.
    pub timestamp: Option<String>,
    /// Whether `is_test` is `true`. No other value counts.
    pub is_test: bool,
    /// The differences between the event and its documentation. For an undocumented event, only the name is
    /// compared.
    pub drift: Vec<Drift>,
    /// The key that matched.
    pub key_index: KeyIndex,
    /// The whole body as JSON, including undocumented fields.
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
    /// An event that is not documented, or does not have its documented shape. It is still genuine: see
    /// [`Delivery::name`], [`Delivery::payload`] and [`Delivery::drift`].
    Unknown,
}

impl Event {
    /// Returns the name of the type: the event's name, or `unknown`.
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
    ) -> Result<Self, Error> {
        let reading = Reading::new::<true>(&&payload)?;
        let id = reading.id(body_id);
        let Reading { event_type, name, timestamp, is_test, drift, .. } = reading;
        // An event with its documented shape can be deserialized: the shape and the struct come from one declaration.
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
        };
        Ok(Self {
            id,
            name: name.and_then(|name| name.text()),
            event: event.unwrap_or(Event::Unknown),
            timestamp: timestamp.and_then(|timestamp| timestamp.text()),
            is_test,
            drift,
            key_index,
            payload,
        })
    }

    /// Returns the name of the event's type: `demo_session_finished`, `playlist_session_finished` or `unknown`.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        self.event.as_str()
    }

    /// Checks the signed time against the caller's clock.
    ///
    /// `skew` is how far ahead of `now` the signed time may be. A delivery without a readable timestamp is never
    /// stale: see [`Delivery::require_timestamp`]. The shortest safe `max_age` is 72 hours:
    /// retries may arrive up to 48 hours late.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] if the event is older than `max_age`, or further ahead than `skew`.
    pub fn check_age(
        &self,
        now: SystemTime,
        max_age: Duration,
        skew: Duration,
    ) -> Result<(), Error> {
        age::check(self.timestamp.as_deref(), now, max_age, skew)
    }

    /// Checks that the delivery has a timestamp in the format of RFC 3339.
    ///
    /// # Errors
    ///
    /// [`Error::NoTimestamp`] if it has none, or one in another format.
    pub fn require_timestamp(&self) -> Result<(), Error> {
        age::check_readable(self.timestamp.as_deref())
    }
}

impl Serialize for Delivery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, name, event, timestamp, is_test, drift, key_index, payload } = self;
        let mut fields = serializer.serialize_struct("Delivery", 8)?;
        fields.serialize_field("type", event.as_str())?;
        fields.serialize_field("event", payload)?;
        fields.serialize_field("name", name)?;
        fields.serialize_field("id", id)?;
        fields.serialize_field("timestamp", timestamp)?;
        fields.serialize_field("isTest", is_test)?;
        fields.serialize_field("keyIndex", key_index)?;
        fields.serialize_field("drift", drift)?;
        fields.end()
    }
}

/// The facts of a verified body that a host needs to store or forward it, without the fields of its event.
#[cfg(feature = "edge")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The idempotency key: see [`Delivery::id`].
    pub id: String,
    /// The event's name as sent: see [`Delivery::name`].
    pub name: Option<String>,
    /// The name of the event's type: see [`Delivery::event_type`].
    pub event_type: &'static str,
    /// The signed time as sent: see [`Delivery::timestamp`].
    pub timestamp: Option<String>,
    /// Whether `is_test` is `true`. No other value counts.
    pub is_test: bool,
    /// The differences between the event and its documentation: see [`Delivery::drift`]. A path has no indexes, as in
    /// `data.items[].name`, and `*` instead of a name that may be an e-mail address. Numbers are not parsed, so a number with
    /// a negative exponent counts as a fraction.
    pub drift: Vec<Drift>,
}

#[cfg(feature = "edge")]
impl Summary {
    pub(crate) fn new(payload: &Value, body_id: impl FnOnce() -> String) -> Result<Self, Error> {
        let reading = Reading::new::<false>(&payload)?;
        let id = reading.id(body_id);
        let Reading { event_type, name, timestamp, is_test, drift, .. } = reading;
        Ok(Self {
            id,
            name: name.and_then(|name| name.text()),
            event_type: event_type.map_or(UNKNOWN, EventType::as_str),
            timestamp: timestamp.and_then(|timestamp| timestamp.text()),
            is_test,
            drift,
        })
    }

    /// Checks the signed time against the caller's clock: see [`Delivery::check_age`].
    ///
    /// # Errors
    ///
    /// Only [`Error::Stale`].
    pub fn check_age(
        &self,
        now: SystemTime,
        max_age: Duration,
        skew: Duration,
    ) -> Result<(), Error> {
        age::check(self.timestamp.as_deref(), now, max_age, skew)
    }
}
