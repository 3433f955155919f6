//! The events that Walnut documents. Each struct is also the documented shape that deliveries are
//! compared with, so the two can't differ.

use serde::Deserialize;

use crate::shape::{Field, Shape};

/// A type whose documented shape is known.
pub(crate) trait Documented {
    const SHAPE: Shape;
}

impl Documented for bool {
    const SHAPE: Shape = Shape::Boolean;
}

/// Every number that Walnut documents is an Integer; JSON's are doubles.
impl Documented for f64 {
    const SHAPE: Shape = Shape::Integer;
}

impl Documented for String {
    const SHAPE: Shape = Shape::String;
}

impl Documented for Option<String> {
    const SHAPE: Shape = Shape::NullableString;
}

impl<T: Documented> Documented for Vec<T> {
    const SHAPE: Shape = Shape::Array(&T::SHAPE);
}

/// Declares structs and their shapes at once. A field that may be absent says after `if present` what
/// it is when it is there.
macro_rules! documented {
    ($($(#[$doc:meta])* struct $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty $(, if present: $present:ty)?;)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Documented for $name {
            const SHAPE: Shape = Shape::object(&[$(documented!(@field $field $type $(, $present)?)),*]);
        }
    )*};
    (@field $field:ident $type:ty) => {
        Field { name: plain(stringify!($field)), optional: false, shape: <$type>::SHAPE }
    };
    (@field $field:ident $type:ty, $present:ty) => {
        Field { name: plain(stringify!($field)), optional: true, shape: <$present>::SHAPE }
    };
}

/// Takes the `r#` off a raw identifier.
const fn plain(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', name @ ..] => match core::str::from_utf8(name) {
            Ok(name) => name,
            Err(_) => identifier,
        },
        _ => identifier,
    }
}

documented! {
    /// A visitor's session in a demo has ended. Sent up to two hours later.
    ///
    /// Source: the payload sample on Walnut's help page on webhooks, which goes before the table
    /// there where the two contradict each other.
    struct DemoSessionFinished {
        /// `demo_session_finished`
        event: String;
        /// When the event was sent, RFC 3339.
        timestamp: String;
        /// Whether it is a test event, sent from the settings.
        is_test: Option<bool>, if present: bool;
        /// The payload.
        data: DemoData;
    }

    /// The payload of [`DemoSessionFinished`].
    struct DemoData {
        /// The demo that was shown.
        demo: Demo;
        /// What the visitor did.
        demo_engagement: DemoEngagement;
        /// Identifies the session: a UUID.
        session_id: String;
        /// When the session began, RFC 3339.
        session_started: String;
        /// The visitor.
        user: DemoUser;
    }

    /// The demo that was shown.
    struct Demo {
        /// Identifies the demo.
        id: String;
        /// The demo's name.
        name: String;
        /// Identifies the template.
        template_id: String;
        /// The template's name.
        template_name: String;
        /// Where the demo is.
        url: String;
    }

    /// What the visitor of a demo did.
    struct DemoEngagement {
        /// Clicks on the floating action button.
        fab_clicks: f64;
        /// Guides completed, in percent.
        guides_completion_rate: f64;
        /// The last guide seen.
        last_guide_shown: Option<String>;
        /// The last section seen.
        last_section_viewed: Option<String>;
        /// Screens completed, in percent.
        screen_completion_rate: f64;
        /// How long the session was. Walnut states no unit.
        session_duration: f64;
    }

    /// The visitor of a demo.
    struct DemoUser {
        /// The e-mail address, if it is known.
        email: Option<String>, if present: Option<String>;
        /// The browser's user agent.
        user_agent: String;
    }

    /// A visitor's session in a playlist has ended.
    ///
    /// Source: a transcription of Walnut's help page; any of its strings may be null.
    struct PlaylistSessionFinished {
        /// `playlist_session_finished`
        event: String;
        /// When the event was sent, RFC 3339.
        timestamp: Option<String>;
        /// Whether it is a test event, sent from the settings.
        is_test: Option<bool>, if present: bool;
        /// The payload.
        data: PlaylistData;
    }

    /// The payload of [`PlaylistSessionFinished`].
    struct PlaylistData {
        /// The playlist that was shown.
        playlist: Playlist;
        /// Identifies the session.
        session_id: Option<String>;
        /// When the session began, RFC 3339.
        session_started: Option<String>;
        /// When the session ended, RFC 3339.
        session_ended: Option<String>;
        /// How long the session was, in seconds.
        session_duration_secs: f64;
        /// The playlist's items.
        items: Vec<PlaylistItem>;
        /// The visitor.
        user: PlaylistUser;
    }

    /// The playlist that was shown.
    struct Playlist {
        /// Identifies the playlist.
        id: Option<String>;
        /// The playlist's name.
        name: Option<String>;
        /// The playlist's description.
        description: Option<String>;
        /// Where the playlist is.
        url: Option<String>;
    }

    /// One item of a playlist.
    struct PlaylistItem {
        /// Identifies the item.
        id: Option<String>;
        /// The item's name.
        name: Option<String>;
        /// The item's description.
        description: Option<String>;
        /// The item's type.
        r#type: Option<String>;
        /// How long it was viewed, in seconds.
        duration_secs: f64;
        /// How often it was viewed.
        number_of_views: f64;
        /// Its place in the playlist.
        position: f64;
        /// Whether the visitor selected it.
        selected: bool;
        /// Whether the visitor visited it.
        visited: bool;
        /// Identifies the demo, where the item is one.
        demo_id: Option<String>;
        /// Where the file is, where the item is one.
        file_url: Option<String>;
        /// Where a picture of it is.
        screenshot_uri: Option<String>;
    }

    /// The visitor of a playlist.
    struct PlaylistUser {
        /// The e-mail address, if it is known.
        email: Option<String>, if present: Option<String>;
        /// The domain.
        domain: Option<String>;
        /// How the visitor was identified.
        identification_method: Option<String>;
        /// The IP address.
        ip: Option<String>;
        /// The kind of visitor.
        r#type: Option<String>;
        /// The browser's user agent.
        user_agent: Option<String>;
    }
}
