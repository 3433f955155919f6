//! Why a check failed, in words a person can act on.

mod base64;
mod body;
mod cause;
mod difference;
mod header;
mod json;
mod key;

use zeroize::Zeroizing;

pub use cause::Cause;
pub use difference::Difference;

use crate::joined::joined;
use crate::{Error, Header, Keys, Signature};

/// The longest body whose own mistakes [`explain`] looks for, in bytes: 64 KiB.
pub const MAX_EXPLAINED_BODY_BYTES: usize = 64 << 10;

/// How many of the other headers [`explain`] looks into.
pub const MAX_EXPLAINED_HEADERS: usize = 100;

/// How much of another header's name a hint shows, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A mistake, and what writes the original: nothing where the mistake can't have been made.
type Undo = (Cause, fn(&[u8], &mut Vec<u8>));

const BLANKS: &[u8] = b" \t\r\n";

/// Says whether a delivery is genuine, and if not, why: made by [`explain`].
///
/// It contains no key and no calculated signature, so it may be logged. Where a log must have nothing of
/// a body, leave the `difference` out.
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
    /// Where the body differs from the one that was signed, if that one was found by calculation.
    ///
    /// `None` for every cause of a key or a header: their difference would tell a key, or a signature that was
    /// calculated. `None` also for [`Cause::BodyBase64`], since the whole body differs, and for all that is
    /// only likely.
    pub difference: Option<Difference>,
}

/// Says why a delivery is refused, by undoing the mistakes that are often made until the signature is
/// right.
///
/// It is for a person who looks for a mistake, not for the path of requests: for each key it signs at most
/// 60 bodies, unless the body is longer than [`MAX_EXPLAINED_BODY_BYTES`]: then only its header and keys are
/// looked into. It never accepts what a check refuses: `ok` is true if and only if the signature is right
/// as it stands. No limit on the body's length applies, and its JSON and age are not looked at.
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
///     "the key has a newline or blanks around it; configure it exactly as Walnut's settings show it",
/// );
/// # Ok::<(), walnut_webhooks::Error>(())
/// ```
pub fn explain<'h, 'o>(
    keys: &[impl AsRef<[u8]>],
    body: &[u8],
    header: impl Into<Header<'h>>,
    others: impl IntoIterator<Item = (&'o str, &'o [u8])>,
) -> Explanation {
    let header = header.into();
    let signing = match Keys::of(keys) {
        Ok(keys) => keys,
        Err(error) => return explanation(Some(&error), Cause::InvalidKey),
    };
    let expected = signing.sign(body);
    let error = match Signature::parse(header) {
        Ok(found) => {
            return match expected.iter().position(|signature| *signature == found) {
                Some(0) => explanation(None, Cause::Genuine),
                Some(_) => explanation(None, Cause::PreviousKey),
                None => {
                    let error = Error::SignatureMismatch { keys: expected.len() };
                    let (cause, difference) = mismatch(keys, &signing, body, &found);
                    Explanation { difference, ..explanation(Some(&error), cause) }
                }
            };
        }
        Err(error) => error,
    };
    if let Some(value) = header.value() {
        let cause = header::mistake(value, &expected).unwrap_or(Cause::MalformedSignature);
        return explanation(Some(&error), cause);
    }
    for (name, value) in others.into_iter().take(MAX_EXPLAINED_HEADERS) {
        if header::mistake(value, &expected).is_some() {
            let mut explanation = explanation(Some(&error), Cause::OtherHeader);
            // As far as it can be a name: it comes from a stranger.
            let name = name.bytes().filter(u8::is_ascii_graphic).take(MAX_NAME_BYTES);
            explanation.hint.extend(name.map(char::from));
            return explanation;
        }
    }
    explanation(Some(&error), Cause::MissingSignature)
}

fn mismatch(
    keys: &[impl AsRef<[u8]>],
    signing: &Keys,
    body: &[u8],
    found: &Signature,
) -> (Cause, Option<Difference>) {
    for key in keys.iter().map(AsRef::as_ref) {
        for (cause, undo) in &key::MEANT {
            // With room for all, so that no copy of a key is left behind by growing.
            let mut meant = Zeroizing::new(Vec::with_capacity(key::room(key)));
            undo(key, &mut meant);
            if Keys::of(&[meant]).is_ok_and(|meant| meant.sign(body).contains(found)) {
                return (*cause, None);
            }
        }
    }
    if body.len() > MAX_EXPLAINED_BODY_BYTES {
        return (Cause::BodyTooLargeToExplain, None);
    }
    let mut original = Vec::new();
    for (cause, undo) in &body::ORIGINALS {
        undo(body, &mut original);
        if is_signed(&mut original, signing, found) {
            // Of base64 all differs.
            let is_telling = *cause != Cause::BodyBase64;
            return (*cause, is_telling.then(|| Difference::between(body, &original)));
        }
    }
    for style in &json::STYLES {
        for ascii in [false, true] {
            json::write(body, style, ascii, &mut original);
            if is_signed(&mut original, signing, found) {
                return (Cause::BodyReformatted, Some(Difference::between(body, &original)));
            }
        }
    }
    (body::likely(body), None)
}

/// Tells whether it is a body that was signed: completes it then, and takes it away otherwise. A newline at
/// the end is lost so often, and costs so little, that it is tried with all else.
fn is_signed(original: &mut Vec<u8>, signing: &Keys, found: &Signature) -> bool {
    let length = original.len();
    let mut signed = None;
    for end in [&b""[..], b"\n", b"\r\n"] {
        original.truncate(length);
        original.extend_from_slice(end);
        if length > 0 && signing.sign(original).contains(found) {
            signed = Some(end);
        }
    }
    original.truncate(signed.map_or(0, |_| length));
    original.extend_from_slice(signed.unwrap_or_default());
    signed.is_some()
}

/// Takes bytes off both ends.
fn bare<'t>(mut text: &'t [u8], what: &[u8]) -> &'t [u8] {
    while let [first, rest @ ..] = text
        && what.iter().any(|byte| byte == first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && what.iter().any(|byte| byte == last)
    {
        text = rest;
    }
    text
}

fn explanation(error: Option<&Error>, cause: Cause) -> Explanation {
    let hint = match error {
        Some(error) if cause.what().is_empty() => error.message(),
        _ => joined(&[cause.what(), cause.fix()]),
    };
    Explanation { ok: error.is_none(), code: error.map(Error::code), cause, hint, difference: None }
}
