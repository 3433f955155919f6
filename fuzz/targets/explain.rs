//! Checks that an explanation has the verdict of the verification; that its texts do not depend on the keys and
//! the signatures; that it shows only parts of the bodies; and that every text is short.

#![no_main]

use libfuzzer_sys::fuzz_target;
use walnut_webhooks::{Key, Keys, Verifier};
use walnut_webhooks_explain::{
    Cause, Explanation, MAX_EXPLAINED_BODY_BYTES, MAX_EXPLAINED_HEADERS, explain,
};
use walnut_webhooks_fuzz::{Input, REPLACED, sign, spoil, verdict};

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let how = input.byte();
    let signer = usize::from(input.byte());
    let size = input.byte();
    let keys = input.keys();
    let with = input.part();
    let signing = input.part();
    let signed = input.part();
    let others = others(&mut input);
    let received = input.rest();

    // The fuzzer makes the mistake: another key signed, or another body was signed, or neither.
    let signing = if signing.is_empty() { &keys[signer % keys.len()] } else { signing };
    let signed = if signed.is_empty() { received } else { signed };
    let [received, signed] = [received, signed].map(|body| sized(body, size));
    let signature = sign(signing, &signed);
    let header = spoil(&signature, how, with);
    let header = header.as_deref();
    let others: Vec<_> = others
        .iter()
        .map(|(name, how, with)| (name.as_str(), spoil(&signature, *how, with).unwrap_or_default()))
        .collect();

    let explanation = explain(
        &keys,
        &received,
        header,
        others.iter().map(|(name, value)| (*name, value.as_slice())),
    );

    let verdict = verdict(&keys, &received, header, usize::MAX);
    assert_eq!(explanation.ok, verdict.is_ok());
    assert_eq!(explanation.code, verdict.err());
    let made = keys.iter().map(|key| Key::new(key).unwrap());
    let verifier = Verifier::new(Keys::new(made).unwrap()).with_max_body_bytes(usize::MAX);
    let verified = verifier.verify(&received, header).map(|verified| verified.key_index().get());
    assert_eq!(explanation.ok, verified.is_ok());
    assert_eq!(explanation.cause == Cause::Genuine, verified == Ok(0));
    assert_eq!(explanation.cause == Cause::PreviousKey, verified.is_ok_and(|index| index > 0));

    let names = others.iter().take(MAX_EXPLAINED_HEADERS).map(|(name, _)| *name);
    assert_no_secret(&explanation, &keys, signing, names);
    if how % 8 != REPLACED && header.is_some() {
        assert_mistake(&explanation, &received, &signed);
    }
    assert_eq!(explanation.difference.is_some(), has_difference(explanation.cause));
    if received.len() > MAX_EXPLAINED_BODY_BYTES {
        assert!(explanation.difference.is_none());
    }
});

/// Reads the names of other headers, and how each changes the signature.
fn others<'i>(input: &mut Input<'i>) -> Vec<(String, u8, &'i [u8])> {
    (0..input.byte())
        .map(|_| (String::from_utf8_lossy(input.part()).into_owned(), input.byte(), input.part()))
        .collect()
}

/// Makes a body too long to be explained if the fuzzer chooses so: it would not find such a body itself.
fn sized(body: &[u8], size: u8) -> Vec<u8> {
    let mut body = body.to_vec();
    if size == u8::MAX {
        body.resize(body.len() + MAX_EXPLAINED_BODY_BYTES, b' ');
    }
    body
}

/// Returns whether an explanation with this cause has a difference.
fn has_difference(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::BodyWhitespace
            | Cause::BodyLineEndings
            | Cause::BodyByteOrderMark
            | Cause::BodyReformatted
    )
}

fn assert_no_secret<'n>(
    explanation: &Explanation,
    keys: &[Vec<u8>],
    signing: &[u8],
    mut names: impl Iterator<Item = &'n str>,
) {
    let mut problem = explanation.problem.as_str();
    if explanation.cause == Cause::OtherHeader {
        // Only an untrusted header name may follow this text.
        let shown = |name: &str| -> String {
            name.chars().filter(char::is_ascii_graphic).take(64).collect()
        };
        let text = "The signature is in a header other than X-Walnut-Signature: ";
        let name = problem.strip_prefix(text).and_then(|rest| rest.strip_suffix('.')).unwrap();
        assert!(names.any(|other| shown(other) == name), "{problem:?}");
        problem = text;
    }
    for text in [problem, explanation.fix] {
        assert!((1..=150).contains(&text.len()), "{text:?}");
        assert!(text.bytes().all(|c| (b' '..=b'~').contains(&c)), "{text:?}");

        // A longer run of hex digits than in a word could be a part of a signature.
        let longest = text.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max();
        assert!(longest < Some(9), "{text:?}");
    }
    // A key is recognizable in a sentence only if it has a character that no sentence has. `explain` does not treat such
    // keys differently.
    let is_recognizable = |key: &[u8]| key.iter().any(|c| b"!#$%&*@^~{}|<>\"\\".contains(c));
    for key in keys.iter().map(Vec::as_slice).chain([signing]) {
        let is_shown = problem.as_bytes().windows(key.len()).any(|window| window == key);
        assert!(!is_recognizable(key) || !is_shown, "{problem:?}");
    }
}

/// Checks a calculated cause against the mistake that was made: no two inputs have the same signature.
fn assert_mistake(explanation: &Explanation, received: &[u8], signed: &[u8]) {
    let is_key = matches!(
        explanation.cause,
        Cause::KeyWhitespace
            | Cause::KeyInvisible
            | Cause::KeyQuoted
            | Cause::KeyAssignment
            | Cause::KeyEscaped
            | Cause::KeyCharset
            | Cause::KeyDecoded
            | Cause::KeyEncoded
    );
    assert!(!is_key || received == signed, "{:?}", explanation.cause);
    if matches!(explanation.cause, Cause::BodyBase64 | Cause::BodyEncodedTwice) {
        assert_ne!(received, signed);
    }
    if let Some(difference) = &explanation.difference {
        assert_ne!(received, signed);
        let at = received.iter().zip(signed).position(|(received, signed)| received != signed);
        assert_eq!(difference.at, at.unwrap_or(received.len().min(signed.len())));
        assert_eq!(difference.received, visible(&received[difference.at..]));
        assert_eq!(difference.signed, visible(&signed[difference.at..]));
    }
}

/// Writes the first 16 bytes as an explanation shows them.
fn visible(bytes: &[u8]) -> String {
    let show = |byte: &u8| match byte {
        b'\t' => "\\t".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().take(16).map(show).collect()
}
