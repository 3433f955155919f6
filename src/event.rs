//! The events that Walnut documents. Each struct is also the documented shape that deliveries are compared
//! with, and the source of the TypeScript types, the JSON Schemas and the form fields of the page.

use serde::Deserialize;

#[cfg(feature = "contract")]
use crate::contract::{self, Type};
use crate::shape::{Field, Shape};

/// A type with a documented shape.
pub(crate) trait Documented {
    const SHAPE: Shape;
    #[cfg(feature = "contract")]
    const TYPE: Type;
}

impl Documented for bool {
    const SHAPE: Shape = Shape::Boolean;
    #[cfg(feature = "contract")]
    const TYPE: Type = Type::Boolean;
}

/// Every number that Walnut documents is an integer. The fields are still doubles, like all numbers in JSON:
/// a fraction is only drift, and an integer type could not hold it.
impl Documented for f64 {
    const SHAPE: Shape = Shape::Integer;
    #[cfg(feature = "contract")]
    const TYPE: Type = Type::Integer;
}

impl Documented for Option<f64> {
    const SHAPE: Shape = Shape::NullableInteger;
    #[cfg(feature = "contract")]
    const TYPE: Type = Type::Nullable(&Type::Integer);
}

impl Documented for String {
    const SHAPE: Shape = Shape::String;
    #[cfg(feature = "contract")]
    const TYPE: Type = Type::String;
}

impl Documented for Option<String> {
    const SHAPE: Shape = Shape::NullableString;
    #[cfg(feature = "contract")]
    const TYPE: Type = Type::Nullable(&Type::String);
}

impl<T: Documented> Documented for Vec<T> {
    const SHAPE: Shape = Shape::Array(&T::SHAPE);
    #[cfg(feature = "contract")]
    const TYPE: Type = Type::Array(&T::TYPE);
}

/// Declares structs together with their shapes. If a field may be absent, `if present` states the type of a present one.
/// `holds` states the content of a string, for the form fields of the page.
macro_rules! documented {
    ($($(#[doc = $doc:literal])* struct $name:ident {
        $($(#[doc = $field_doc:literal])* $field:ident: $type:ty
            $(, if present: $present:ty)? $(, holds: $format:ident)?;)*
    })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[doc = $field_doc])* pub $field: $type,)*
        }

        impl Documented for $name {
            const SHAPE: Shape = Shape::object(&[$(Field {
                name: member_name(stringify!($field)),
                optional: documented!(@optional $($present)?),
                shape: <documented!(@present $type $(, $present)?)>::SHAPE,
            }),*]);

            #[cfg(feature = "contract")]
            const TYPE: Type = Type::Object(&contract::Object {
                name: stringify!($name),
                doc: concat!($($doc, "\n"),*),
                fields: &[$(contract::Field {
                    name: member_name(stringify!($field)),
                    doc: concat!($($field_doc, "\n"),*),
                    optional: documented!(@optional $($present)?),
                    format: documented!(@format $($format)?),
                    r#type: <documented!(@present $type $(, $present)?)>::TYPE,
                }),*],
            });
        }
    )*};
    (@optional) => { false };
    (@optional $present:ty) => { true };
    (@present $type:ty) => { $type };
    (@present $type:ty, $present:ty) => { $present };
    (@format) => { None };
    (@format $format:ident) => { Some(stringify!($format)) };
}

/// Returns the name of a field's member in JSON: the identifier without the `r#` of a raw identifier.
const fn member_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', name @ ..] => match core::str::from_utf8(name) {
            Ok(name) => name,
            Err(_) => identifier,
        },
        _ => identifier,
    }
}

documented! {
    /// A visitor's session in a demo has ended. Walnut sends the event up to two hours later.
    ///
    /// Source: the payload sample on Walnut's help page on webhooks. Where the table on that page
    /// contradicts the sample, the sample counts.
    struct DemoSessionFinished {
        /// The event's name: `demo_session_finished`.
        event: String;
        /// When Walnut sent the event, in RFC 3339.
        timestamp: String, holds: time;
        /// Whether this is a test event, sent from Walnut's settings.
        is_test: Option<bool>, if present: bool;
        /// The payload.
        data: DemoData;
    }

    /// The payload of [`DemoSessionFinished`].
    struct DemoData {
        /// The demo that the visitor saw.
        demo: Demo;
        /// What the visitor did.
        demo_engagement: DemoEngagement;
        /// The session's ID, a UUID.
        session_id: String;
        /// When the session began, in RFC 3339.
        session_started: String, holds: time;
        /// The visitor.
        user: DemoUser;
    }

    /// The demo that the visitor saw.
    struct Demo {
        /// The demo's ID.
        id: String;
        /// The demo's name.
        name: String;
        /// The template's ID.
        template_id: String;
        /// The template's name.
        template_name: String;
        /// The demo's URL.
        url: String, holds: url;
    }

    /// What the visitor of a demo did.
    struct DemoEngagement {
        /// The number of clicks on the floating action button.
        fab_clicks: f64;
        /// The completed part of the guides, in percent.
        guides_completion_rate: f64;
        /// The last guide that the visitor saw.
        last_guide_shown: Option<String>;
        /// The last section that the visitor saw.
        last_section_viewed: Option<String>;
        /// The completed part of the screens, in percent.
        screen_completion_rate: f64;
        /// The session's duration, in seconds.
        session_duration: f64;
    }

    /// The visitor of a demo.
    struct DemoUser {
        /// The visitor's e-mail address, if Walnut knows it.
        email: Option<String>, if present: Option<String>, holds: email;
        /// The browser's user agent.
        user_agent: String;
    }

    /// A visitor's session in a playlist has ended.
    ///
    /// Source: a transcription of Walnut's help page on webhooks. Every string but the event's name may be
    /// null.
    struct PlaylistSessionFinished {
        /// The event's name: `playlist_session_finished`.
        event: String;
        /// When Walnut sent the event, in RFC 3339.
        timestamp: Option<String>, holds: time;
        /// Whether this is a test event, sent from Walnut's settings.
        is_test: Option<bool>, if present: bool;
        /// The payload.
        data: PlaylistData;
    }

    /// The payload of [`PlaylistSessionFinished`].
    struct PlaylistData {
        /// The playlist that the visitor saw.
        playlist: Playlist;
        /// The session's ID.
        session_id: Option<String>;
        /// When the session began, in RFC 3339.
        session_started: Option<String>, holds: time;
        /// When the session ended, in RFC 3339.
        session_ended: Option<String>, holds: time;
        /// The session's duration, in seconds.
        session_duration_secs: f64;
        /// The playlist's items.
        items: Vec<PlaylistItem>;
        /// The visitor.
        user: PlaylistUser;
    }

    /// The playlist that the visitor saw.
    struct Playlist {
        /// The playlist's ID.
        id: Option<String>;
        /// The playlist's name.
        name: Option<String>;
        /// The playlist's description.
        description: Option<String>, if present: Option<String>;
        /// The playlist's URL.
        url: Option<String>, holds: url;
    }

    /// An item of a playlist.
    struct PlaylistItem {
        /// The item's ID.
        id: Option<String>;
        /// The item's name.
        name: Option<String>;
        /// The item's description.
        description: Option<String>, if present: Option<String>;
        /// The item's type.
        r#type: Option<String>;
        /// How long the visitor viewed the item, in seconds.
        duration_secs: Option<f64>, if present: Option<f64>;
        /// How often the visitor viewed the item.
        number_of_views: f64;
        /// The item's position in the playlist.
        position: f64;
        /// Whether the visitor selected the item.
        selected: bool;
        /// Whether the visitor visited the item.
        visited: bool;
        /// The demo's ID, if the item is a demo.
        demo_id: Option<String>, if present: Option<String>;
        /// The file's URL, if the item is a file.
        file_url: Option<String>, if present: Option<String>, holds: url;
        /// The URL of a screenshot of the item.
        screenshot_uri: Option<String>, if present: Option<String>, holds: url;
    }

    /// The visitor of a playlist.
    struct PlaylistUser {
        /// The visitor's e-mail address, if Walnut knows it.
        email: Option<String>, if present: Option<String>, holds: email;
        /// The visitor's domain.
        domain: Option<String>;
        /// How Walnut identified the visitor.
        identification_method: Option<String>;
        /// The visitor's IP address.
        ip: Option<String>;
        /// The visitor's type.
        r#type: Option<String>;
        /// The browser's user agent.
        user_agent: Option<String>;
    }
}
