//! The contract as data: the events of `event.rs` and the error codes of `error.rs`. `tools/contract.mjs`
//! generates types, schemas, form fields and documentation from it. Not part of the crate's API.

use serde::Serialize;

use crate::event::Documented as _;
use crate::reading::EventType;
use crate::{DemoSessionFinished, PlaylistSessionFinished, error};

/// The data for all generated files.
#[derive(Debug, Serialize)]
pub struct Contract {
    /// The documented events.
    pub events: &'static [Event],
    /// The error codes, in the order of their declaration.
    pub codes: &'static [Code],
}

/// The contract of this version.
pub const CONTRACT: Contract = Contract {
    events: &[
        Event { name: EventType::DemoSessionFinished.as_str(), r#type: DemoSessionFinished::TYPE },
        Event {
            name: EventType::PlaylistSessionFinished.as_str(),
            r#type: PlaylistSessionFinished::TYPE,
        },
    ],
    codes: error::CODES,
};

/// Declares an event.
#[derive(Debug, Serialize)]
pub struct Event {
    /// The name that Walnut sends.
    pub name: &'static str,
    /// The type of the whole body, an object.
    pub r#type: Type,
}

/// Declares the type of a value.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// A boolean
    Boolean,
    /// A number that Walnut documents as an integer; a fraction is drift and does not break the type
    Integer,
    /// A string
    String,
    /// The type, or null
    Nullable(&'static Type),
    /// A list of values of the type
    Array(&'static Type),
    /// An object
    Object(&'static Object),
}

/// Declares an object.
#[derive(Debug, Serialize)]
pub struct Object {
    /// The name of its type.
    pub name: &'static str,
    /// Its Rust documentation.
    pub doc: &'static str,
    /// Its members.
    pub fields: &'static [Field],
}

/// Declares a member of an object.
#[derive(Debug, Serialize)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its Rust documentation.
    pub doc: &'static str,
    /// Whether it may be absent.
    pub optional: bool,
    /// The content of a string: `time`, `url` or `email`.
    pub format: Option<&'static str>,
    /// Its type when it is present.
    pub r#type: Type,
}

/// Declares an error code in one of the places that answer with it.
#[derive(Debug, Serialize)]
pub struct Code {
    /// Where it occurs: `verification`, `adapters` or `edge`.
    pub place: &'static str,
    /// The code.
    pub code: &'static str,
    /// The HTTP status to answer with.
    pub status: u16,
    /// When it occurs, in Markdown.
    pub when: &'static str,
    /// What to do about it, in Markdown.
    pub fix: &'static str,
}
