//! Explains why the signature of a Walnut webhook fails, in words a person can act on.
//!
//! The crate builds on the public API of [`walnut_webhooks`], which alone decides whether a request is genuine.

mod base64;
mod body;
mod cause;
mod characters;
mod difference;
mod header;
mod json;
mod key;
mod search;
#[cfg(feature = "wasm")]
mod wasm;

use serde::Serialize;
use walnut_webhooks::{Error, Key, Keys, Signature};

pub use cause::Cause;
pub use difference::Difference;
use search::Search;

/// The longest body in which [`explain`] looks for mistakes, in bytes: 64 KiB.
pub const MAX_EXPLAINED_BODY_BYTES: usize = 64 << 10;

/// How many of the other headers [`explain`] examines.
pub const MAX_EXPLAINED_HEADERS: usize = 100;

/// How many bytes of another header's name an explanation shows.
const MAX_NAME_BYTES: usize = 64;

/// A mistake, and a function that undoes it: the function writes the original, or nothing if the mistake cannot have been
/// made.
type Undo = (Cause, fn(&[u8], &mut Vec<u8>));

const BLANKS: &[u8] = b" \t\r\n";

/// Says whether a request is genuine, and if not, why: the result of [`explain`].
///
/// It contains no key and no calculated signature, so it may be logged. Leave `difference` out of a log that
/// must not contain parts of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Whether the signature is right, by the rules of [`Verifier::verify`](walnut_webhooks::Verifier::verify).
    pub ok: bool,
    /// The [`code`](Error::code) of the error that verification fails with; `None` if it succeeds.
    pub code: Option<&'static str>,
    /// The mistake.
    pub cause: Cause,
    /// The problem, as a sentence.
    pub problem: String,
    /// The fix, as a sentence.
    pub fix: &'static str,
    /// Where the body differs from the signed one, if calculation found the signed one.
    ///
    /// `None` for every cause of a key or a header, because it would reveal a key or a calculated signature;
    /// for [`Cause::BodyBase64`], [`Cause::BodyEncodedTwice`] and [`Cause::BodyCharset`], because the body differs
    /// throughout; and for every cause that is only likely.
    pub difference: Option<Difference>,
}

impl Explanation {
    fn verified(cause: Cause) -> Self {
        let (problem, fix) = (cause.problem().to_owned(), cause.fix());
        Self { ok: true, code: None, cause, problem, fix, difference: None }
    }

    fn rejected(error: &Error, cause: Cause) -> Self {
        Self { ok: false, code: Some(error.code()), ..Self::verified(cause) }
    }

    /// Explains an error without a search for its cause. Writes numbers without `core::fmt`, which would be a large part of
    /// the WebAssembly.
    fn from_error(error: &Error) -> Self {
        let (cause, problem) = match *error {
            Error::MissingSignature => (Cause::MissingSignature, None),
            Error::MalformedSignature(reason) => {
                (Cause::MalformedSignature, header::problem(reason))
            }
            Error::InvalidKey { keys } => (Cause::InvalidKey, Some(key::problem(keys))),
            Error::BodyTooLarge { limit } => (
                Cause::BodyTooLarge,
                Some(
                    ["The body is longer than the limit of ", &limit.to_string(), " bytes."]
                        .concat(),
                ),
            ),
            _ => (Cause::Unknown, None),
        };
        let explanation = Self::rejected(error, cause);
        Self { problem: problem.unwrap_or(explanation.problem), ..explanation }
    }
}

/// Explains why a request is rejected, by undoing common mistakes until the signature is right.
///
/// Use it to look for a mistake, not for every request: it calculates at most 450 signatures for each key, and about
/// 150 for a usual event. If the body is longer than [`MAX_EXPLAINED_BODY_BYTES`], it examines only the header and the
/// keys. It stops undoing mistakes in a body once it has hashed 6 MiB with each key. It never accepts a signature that
/// verification rejects: `ok` is true if and only if the signature is right as it is. No limit on the body's length
/// applies, and neither JSON nor age is checked.
///
/// `keys` are as configured, the current one first. `others` are the request's other headers, if any. The first
/// [`MAX_EXPLAINED_HEADERS`] are examined: one may hold the signature if its own header is absent, and `content-encoding`
/// may say that the body was compressed. Mistakes are tried one at a time. If a request has two, only one in its header is
/// found.
///
/// ```
/// use walnut_webhooks::Key;
/// use walnut_webhooks_explain::{Cause, explain};
///
/// let body = br#"{"event":"demo_session_finished"}"#;
/// let header = Key::new("opensesame")?.sign(body).to_string();
///
/// let explanation = explain(&["opensesame\n"], body, Some(header.as_bytes()), []);
/// assert!(!explanation.ok);
/// assert_eq!(explanation.code, Some("signature_mismatch"));
/// assert_eq!(explanation.cause, Cause::KeyWhitespace);
/// assert_eq!(explanation.problem, "The key has a newline or blanks around it.");
/// assert_eq!(explanation.fix, "Configure the key exactly as Walnut's settings show it.");
/// # Ok::<(), walnut_webhooks::Error>(())
/// ```
pub fn explain<'o>(
    keys: &[impl AsRef<[u8]>],
    body: &[u8],
    header: Option<&[u8]>,
    others: impl IntoIterator<Item = (&'o str, &'o [u8])>,
) -> Explanation {
    let signing = match signing_keys(keys) {
        Ok(signing) => signing,
        Err(error) => return Explanation::from_error(&error),
    };
    let mut others = others.into_iter().take(MAX_EXPLAINED_HEADERS);
    let expected: Vec<_> = signing.iter().map(|key| key.sign(body)).collect();
    let error = match Signature::parse(header) {
        Ok(received) => {
            return match expected.iter().position(|signature| *signature == received) {
                Some(0) => Explanation::verified(Cause::Genuine),
                Some(_) => Explanation::verified(Cause::PreviousKey),
                None => {
                    let error = Error::SignatureMismatch { keys: signing.len() };
                    let has_encoding = others.any(|(name, value)| header::is_encoding(name, value));
                    let mut search = Search::new(&signing, &received);
                    let (cause, difference) = search.explain(keys, body, has_encoding);
                    Explanation { difference, ..Explanation::rejected(&error, cause) }
                }
            };
        }
        Err(error) => error,
    };
    if let Some(value) = header {
        return match header::find_mistake(value, &expected) {
            Some(cause) => Explanation::rejected(&error, cause),
            None => Explanation::from_error(&error),
        };
    }
    if let Some((name, _)) =
        others.find(|(_, value)| header::find_mistake(value, &expected).is_some())
    {
        let mut explanation = Explanation::rejected(&error, Cause::OtherHeader);
        // The name is untrusted: only characters that a header name can have are shown.
        let name = name.bytes().filter(u8::is_ascii_graphic).take(MAX_NAME_BYTES);
        explanation.problem.extend(name.map(char::from).chain(['.']));
        return explanation;
    }
    Explanation::from_error(&error)
}

/// Explains a request whose body is longer than a limit, by its keys and its header alone.
pub fn explain_too_large(
    keys: &[impl AsRef<[u8]>],
    header: Option<&[u8]>,
    limit: usize,
) -> Explanation {
    let error = match (signing_keys(keys), Signature::parse(header)) {
        (Err(error), _) | (_, Err(error)) => error,
        (Ok(_), Ok(_)) => Error::BodyTooLarge { limit },
    };
    Explanation::from_error(&error)
}

/// Makes keys from their bytes, and checks their number as verification does.
fn signing_keys(keys: &[impl AsRef<[u8]>]) -> Result<Vec<Key>, Error> {
    let keys = keys.iter().map(|key| Key::new(key.as_ref())).collect::<Result<Vec<_>, _>>()?;
    Keys::new(keys.iter().cloned())?;
    Ok(keys)
}

/// Removes bytes from both ends.
fn trimmed<'t>(mut text: &'t [u8], removed: &[u8]) -> &'t [u8] {
    while let [first, rest @ ..] = text
        && removed.contains(first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && removed.contains(last)
    {
        text = rest;
    }
    text
}
