//! Why a check failed, in words a person can act on.

mod base64;
mod body;
mod cause;
mod header;
mod json;
mod key;

use core::ops::ControlFlow;

use hmac::Mac;

pub use cause::Cause;

use crate::key::signature;
use crate::{Error, Header, Key, Keys, Signature};

/// The longest body whose own mistakes [`explain`] looks for, in bytes: 64 KiB.
pub const MAX_EXPLAINED_BODY_BYTES: usize = 64 << 10;

/// How many of the other headers [`explain`] looks into.
pub const MAX_EXPLAINED_HEADERS: usize = 100;

/// A mistake, and what undoes it.
type Undo<T> = (Cause, fn(&[u8]) -> T);

/// Tells whether a mistake is it: breaks with its cause if undoing it makes the signature right.
type Check<'c> = dyn FnMut(Cause, &[u8]) -> ControlFlow<Cause> + 'c;

/// Says whether a delivery is genuine, and if not, why: made by [`explain`].
///
/// It contains no key and no calculated signature, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Whether the signature is right, by the same rules as [`Verifier::verify`](crate::Verifier::verify).
    pub ok: bool,
    /// The [`code`](Error::code) of the error that a check fails with; `None` where it does not.
    pub code: Option<&'static str>,
    /// What was found.
    pub cause: Cause,
    /// What was found and what to do, in a sentence or two.
    pub hint: String,
}

/// Says why a delivery is refused, by undoing the mistakes that are often made until the signature is
/// right.
///
/// It is for a person who looks for a mistake, not for the path of requests: for each key it signs the
/// body at most 16 times, and at most 48 other bodies, each with three ends of line, where the body is no
/// longer than [`MAX_EXPLAINED_BODY_BYTES`]. It never accepts what a check refuses: `ok` is true if and
/// only if the signature is right as it stands. No limit on the body's length applies, and its JSON and
/// age are not looked at.
///
/// `keys` are as configured, the current one first. `others` are the request's other headers, of which
/// the first [`MAX_EXPLAINED_HEADERS`] are looked into where the signature's own is absent; there may be
/// none. Mistakes are tried one at a time: of two at once, at most the header's is found, since it is
/// checked before the others.
///
/// ```
/// use walnut_webhooks::{Cause, Key, explain};
///
/// let body = br#"{"event":"demo_session_finished"}"#;
/// let header = Key::new("opensesame")?.sign(body).to_string();
///
/// let explanation = explain(&["opensesame\n"], body, &header, []);
/// assert!(!explanation.ok);
/// assert_eq!(explanation.code, Some("signature_mismatch"));
/// assert_eq!(explanation.cause, Cause::KeyWhitespace);
/// assert_eq!(
///     explanation.hint,
///     "The key has a newline or blanks around it. Configure the key exactly as Walnut's settings show it.",
/// );
/// # Ok::<(), walnut_webhooks::Error>(())
/// ```
pub fn explain<'h, 'o>(
    keys: &[impl AsRef<[u8]>],
    body: &[u8],
    header: impl Into<Header<'h>>,
    others: impl IntoIterator<Item = (&'o str, &'o [u8])>,
) -> Explanation {
    let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
    of(&keys, body, header.into(), &mut others.into_iter())
}

fn of(
    bytes: &[&[u8]],
    body: &[u8],
    header: Header<'_>,
    others: &mut dyn Iterator<Item = (&str, &[u8])>,
) -> Explanation {
    let keys = match keyed(bytes) {
        Ok(keys) => keys,
        Err(error) => return explanation(Some(&error), Cause::InvalidKey, ""),
    };
    let keys = keys.as_slice();
    let expected: Vec<Signature> = keys.iter().map(|key| key.sign(body)).collect();
    match Signature::parse(header) {
        Ok(found) => match expected.iter().position(|signature| *signature == found) {
            Some(0) => explanation(None, Cause::Genuine, ""),
            Some(_) => explanation(None, Cause::PreviousKey, ""),
            None => {
                let error = Error::SignatureMismatch { keys: keys.len() };
                explanation(Some(&error), mismatch(bytes, keys, body, &found), "")
            }
        },
        Err(error) => match (&error, header.value()) {
            (Error::MalformedSignature(reason), Some(value)) => {
                match header::mistake(value, &expected) {
                    Some(cause) => explanation(Some(&error), cause, ""),
                    None => explanation(
                        Some(&error),
                        Cause::MalformedSignature,
                        header::reason(*reason),
                    ),
                }
            }
            _ => missing(&error, others, &expected),
        },
    }
}

fn keyed(bytes: &[&[u8]]) -> Result<Keys, Error> {
    let mut keys = Vec::new();
    for key in bytes {
        keys.push(Key::new(*key)?);
    }
    Keys::new(keys)
}

fn mismatch(bytes: &[&[u8]], keys: &[Key], body: &[u8], found: &Signature) -> Cause {
    for key in bytes {
        for (cause, meant) in key::MEANT {
            let meant = meant(key);
            // What is no other key was tried before, and an empty one is none.
            if **key != **meant && Key::new(&**meant).is_ok_and(|key| key.sign(body) == *found) {
                return cause;
            }
        }
    }
    if body.len() > MAX_EXPLAINED_BODY_BYTES {
        return Cause::BodyTooLargeToExplain;
    }
    let by_body = body::originals(body, &mut |cause, original| {
        // A newline at the end is lost so often, and costs so little, that it is tried with all else.
        for hmac in keys.iter().map(|key| key.hmac().chain_update(original)) {
            for end in ["", "\n", "\r\n"] {
                if !original.is_empty() && signature(hmac.clone().chain_update(end)) == *found {
                    return ControlFlow::Break(cause);
                }
            }
        }
        ControlFlow::Continue(())
    });
    match by_body {
        ControlFlow::Break(cause) => cause,
        ControlFlow::Continue(()) => body::likely(body).unwrap_or(Cause::Unknown),
    }
}

fn missing(
    error: &Error,
    others: &mut dyn Iterator<Item = (&str, &[u8])>,
    expected: &[Signature],
) -> Explanation {
    let mut alike = None;
    for (name, value) in others.take(MAX_EXPLAINED_HEADERS) {
        let exact = Signature::parse(value).is_ok_and(|found| expected.contains(&found));
        if exact || header::mistake(value, expected).is_some() {
            return explanation(Some(error), Cause::OtherHeader, &shown(name));
        }
        if alike.is_none() && header::has_digits(value) {
            alike = Some(name);
        }
    }
    let mut explanation = explanation(Some(error), Cause::MissingSignature, "");
    if let Some(name) = alike {
        explanation.hint.push_str(
            " Another header has 64 hex digits, but they are not the signature of this body by \
             this key: ",
        );
        explanation.hint.push_str(&shown(name));
        explanation.hint.push('.');
    }
    explanation
}

/// A header's name as far as it can be one: it comes from a stranger.
fn shown(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(64).collect()
}

fn explanation(error: Option<&Error>, cause: Cause, detail: &str) -> Explanation {
    let [what, fix] = cause.hint();
    let hint = [what, detail, fix].concat();
    Explanation { ok: error.is_none(), code: error.map(Error::code), cause, hint }
}
