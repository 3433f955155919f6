//! Safely receives webhooks from [Walnut](https://www.walnut.io), the interactive demo platform.
//!
//! A [`Key`] signs a body. A [`Signature`] proves that a body was signed. A [`Delivery`] is a verified and typed body.
//!
//! ```
//! use walnut_webhooks::{Event, Key, Verifier};
//!
//! let key = Key::new("the key shown in Walnut's settings")?;
//! let body = br#"{"event":"demo_session_started","data":{}}"#;
//! let header = key.sign(body).to_string(); // what Walnut sends as X-Walnut-Signature
//!
//! let verifier = Verifier::new(key);
//! let delivery = verifier.verify(body, &header)?.delivery()?;
//! assert_eq!(delivery.name.as_deref(), Some("demo_session_started"));
//! assert_eq!(delivery.event, Event::Unknown); // genuine, but not documented
//! # Ok::<(), walnut_webhooks::Error>(())
//! ```
//!
//! The crate does no I/O, reads no clock, and has no reachable panic. If memory is exhausted, the process ends as any Rust
//! program does. In WebAssembly, the call traps.
//!
//! # Features
//!
//! - `edge`: for a host that has its own SHA-256, and for reading a body without the event's fields. It adds `EVENT_NAMES`,
//!   `Verifier::inner_blocks`, `Verifier::verify_hashed`, `Verified::summary`, `Summary` and `Value::parse_any`.
//! - `http`: for a server that has an `http::HeaderMap`, such as axum or hyper. [`Verifier::verify`] and
//!   [`Stream::finish`] accept the whole map, and reject a request with two signatures.

#![cfg_attr(docsrs, feature(doc_cfg))]

// Runs the example of docs/rust.md.
#[cfg(doctest)]
#[doc = include_str!("../docs/rust.md")]
mod readme {}

mod age;
#[cfg(feature = "contract")]
#[doc(hidden)]
pub mod contract;
mod delivery;
mod error;
mod event;
mod json;
mod key;
mod reading;
mod shape;
mod signature;
mod verify;
#[cfg(feature = "wasm")]
mod wasm;

#[cfg(feature = "edge")]
pub use delivery::Summary;
pub use delivery::{Delivery, Event};
pub use error::{Error, MalformedSignature, NotJson};
pub use event::{
    Demo, DemoData, DemoEngagement, DemoSessionFinished, DemoUser, Playlist, PlaylistData,
    PlaylistItem, PlaylistSessionFinished, PlaylistUser,
};
pub use json::{MAX_DEPTH, Number, Value};
pub use key::{Key, KeyIndex, Keys, MAX_KEYS};
#[cfg(feature = "edge")]
pub use reading::EVENT_NAMES;
pub use shape::{Drift, DriftKind, MAX_DRIFT};
pub use signature::{Header, SIGNATURE_HEADER, Signature};
pub use verify::{MAX_BODY_BYTES, Stream, Verified, Verifier};
