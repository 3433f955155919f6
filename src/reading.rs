use crate::event::Documented;
use crate::shape::{Comparison, Field, Kind, Node, Shape};
use crate::{DemoSessionFinished, Drift, Error, NotJson, PlaylistSessionFinished};

/// The type of an event that is not documented, or does not have its documented shape.
pub(crate) const UNKNOWN: &str = "unknown";

/// The events that Walnut documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventType {
    DemoSessionFinished,
    PlaylistSessionFinished,
}

/// The names of the events that Walnut documents.
#[cfg(feature = "edge")]
pub const EVENT_NAMES: [&str; 2] =
    [EventType::DemoSessionFinished.as_str(), EventType::PlaylistSessionFinished.as_str()];

impl EventType {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::DemoSessionFinished => "demo_session_finished",
            Self::PlaylistSessionFinished => "playlist_session_finished",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
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

/// The properties of a verified body after this crate or the JavaScript host has parsed it.
pub(crate) struct Reading<N> {
    /// `None` stands for `unknown`.
    pub(crate) event_type: Option<EventType>,
    /// A string.
    pub(crate) name: Option<N>,
    /// A string.
    pub(crate) timestamp: Option<N>,
    /// A string that is part of the idempotency key; `None` if that key is the [`body_id`].
    pub(crate) session_id: Option<N>,
    pub(crate) is_test: bool,
    pub(crate) drift: Vec<Drift>,
}

impl<N: Node> Reading<N> {
    /// Reads a body. [`Comparison`] explains `EXACT`.
    ///
    /// # Errors
    ///
    /// [`Error::NotJson`] if the top is not an object.
    pub(crate) fn new<const EXACT: bool>(top: &N) -> Result<Self, Error> {
        const ENVELOPE: &[Field] = &[
            Field { name: "event", optional: false, shape: Shape::String },
            Field { name: "timestamp", optional: false, shape: Shape::String },
            Field { name: "is_test", optional: true, shape: Shape::Boolean },
            Field { name: "data", optional: false, shape: Shape::Object(&[]) },
        ];
        const SESSION: &[Field] =
            &[Field { name: "session_id", optional: false, shape: Shape::String }];

        if top.kind() != Kind::Object {
            return Err(Error::NotJson(NotJson::NotAnObject));
        }
        let ([name, timestamp, is_test, data, ..], _) = top.documented(ENVELOPE);
        let [name, timestamp] =
            [name, timestamp].map(|value| value.filter(|value| value.kind() == Kind::String));
        let is_test = is_test.is_some_and(|is_test| is_test.kind() == Kind::Boolean(true));
        let known = name.as_ref().and_then(N::text).and_then(|name| EventType::from_name(&name));

        let comparison = match known {
            Some(event_type) => Comparison::<EXACT>::new(top, event_type.shape()),
            None => Comparison::name_only(top),
        };
        let session_id = || {
            let data = data.filter(|data| data.kind() == Kind::Object)?;
            let ([session_id, ..], _) = data.documented(SESSION);
            session_id.filter(|id| id.text().is_some_and(|id| is_identifying(&id)))
        };
        let session_id = known.filter(|_| !is_test).and_then(|_| session_id());
        Ok(Self {
            event_type: known.filter(|_| !comparison.broken),
            name,
            timestamp,
            session_id,
            is_test,
            drift: comparison.drift,
        })
    }

    /// Returns the idempotency key.
    pub(crate) fn id(&self, body_id: impl FnOnce() -> String) -> String {
        let [name, session_id] = [&self.name, &self.session_id].map(|text| text.as_ref()?.text());
        match (name, session_id) {
            (Some(name), Some(session_id)) => String::from_iter([&name, ":", &session_id]),
            _ => body_id(),
        }
    }
}

/// Whether a session id can be part of an idempotency key: 1 to 128 visible ASCII characters without `:`.
fn is_identifying(session_id: &str) -> bool {
    (1..=128).contains(&session_id.len())
        && session_id.bytes().all(|c| c.is_ascii_graphic() && c != b':')
}

/// Returns the idempotency key of a body that is identified by its SHA-256 alone.
pub(crate) fn body_id(sha256: &[u8]) -> String {
    String::from_iter(["body:", &hex::encode(sha256)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_a_session_id_of_1_to_128_visible_characters() {
        assert!(!is_identifying(""));
        assert!(is_identifying("s"));
        assert!(is_identifying(&"s".repeat(128)));
        assert!(!is_identifying(&"s".repeat(129)));
        for bad in ["a b", "a:b", "a\tb", "\u{7f}", "é"] {
            assert!(!is_identifying(bad), "{bad:?}");
        }
    }
}
