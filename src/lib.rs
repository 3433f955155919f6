//! Receive webhooks from [Walnut](https://www.walnut.io), the interactive demo platform, safely.
//!
//! A [`Key`] signs. A [`Signature`] proves a body. A [`Delivery`] is a verified body, typed.
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
//! assert_eq!(delivery.event, Event::Unknown); // authentic, though nobody has seen such an event
//! # Ok::<(), walnut_webhooks::Error>(())
//! ```
//!
//! The crate does no I/O, reads no clock, and has no reachable panic. Exhausted memory is the exception: as anywhere
//! in Rust, it ends the process, and in WebAssembly it traps.

// Runs the example that is there for the crate.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "contract")]
#[doc(hidden)]
pub mod contract;
mod delivery;
mod error;
mod event;
mod hex;
mod joined;
mod json;
mod key;
mod shape;
mod signature;
mod timestamp;
mod verify;
#[cfg(feature = "wasm")]
mod wasm;

pub use delivery::{Delivery, Event, Summary};
pub use error::{Error, MalformedSignature, NotJson};
pub use event::{
    Demo, DemoData, DemoEngagement, DemoSessionFinished, DemoUser, Playlist, PlaylistData,
    PlaylistItem, PlaylistSessionFinished, PlaylistUser,
};
pub use json::{Digits, MAX_DEPTH, Value};
pub use key::{Key, KeyIndex, Keys, MAX_KEYS};
pub use shape::{Drift, DriftKind, MAX_DRIFT};
pub use signature::{Header, SIGNATURE_HEADER, Signature};
pub use timestamp::parse as parse_rfc3339;
pub use verify::{MAX_BODY_BYTES, Stream, Verified, Verifier};
