//! Checks that an explanation has the verdict of a verification; that its texts are the same whatever the keys and
//! signatures are; that it shows only what is in the bodies; and that all of it is short.

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
    let meant = input.part();
    let signed = input.part();
    let others = others(&mut input);
    let body = input.rest();

    // The mistake is the fuzzer's: another key was meant, or another body signed, or neither.
    let meant = if meant.is_empty() { &keys[signer % keys.len()] } else { meant };
    let signed = if signed.is_empty() { body } else { signed };
    let [body, signed] = [body, signed].map(|body| sized(body, size));
    let signature = sign(meant, &signed);
    let header = spoil(&signature, how, with);
    let header = header.as_deref();
    let others: Vec<_> = others
        .iter()
        .map(|(name, how, with)| (name.as_str(), spoil(&signature, *how, with).unwrap_or_default()))
        .collect();

    let told =
        explain(&keys, &body, header, others.iter().map(|(name, value)| (*name, value.as_slice())));

    let verdict = verdict(&keys, &body, header, usize::MAX);
    assert_eq!(told.ok, verdict.is_ok());
    assert_eq!(told.code, verdict.err());
    let made = keys.iter().map(|key| Key::new(key).unwrap());
    let checked = Verifier::new(Keys::new(made).unwrap()).with_max_body_bytes(usize::MAX);
    let checked = checked.verify(&body, header).map(|verified| verified.key_index().get());
    assert_eq!(told.ok, checked.is_ok());
    assert_eq!(told.cause == Cause::Genuine, checked == Ok(0));
    assert_eq!(told.cause == Cause::PreviousKey, checked.is_ok_and(|index| index > 0));

    let names = others.iter().take(MAX_EXPLAINED_HEADERS).map(|(name, _)| *name);
    tells_no_secret(&told, &keys, meant, names);
    if how % 8 != REPLACED && header.is_some() {
        explains_the_mistake(&told, &body, &signed);
    }
    assert_eq!(told.difference.is_some(), is_about_a_place(told.cause));
    if body.len() > MAX_EXPLAINED_BODY_BYTES {
        assert!(told.difference.is_none());
    }
});

/// The names of other headers, and how each spoils the signature.
fn others<'i>(input: &mut Input<'i>) -> Vec<(String, u8, &'i [u8])> {
    (0..input.byte())
        .map(|_| (String::from_utf8_lossy(input.part()).into_owned(), input.byte(), input.part()))
        .collect()
}

/// A body that is too long to be explained, if the fuzzer wants one: it would not come upon it itself.
fn sized(body: &[u8], size: u8) -> Vec<u8> {
    let mut body = body.to_vec();
    if size == u8::MAX {
        body.resize(body.len() + MAX_EXPLAINED_BODY_BYTES, b' ');
    }
    body
}

/// Whether a body was found that differs from the one at hand, in a place.
fn is_about_a_place(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::BodyWhitespace
            | Cause::BodyLineEndings
            | Cause::BodyByteOrderMark
            | Cause::BodyReformatted
    )
}

fn tells_no_secret<'n>(
    told: &Explanation,
    keys: &[Vec<u8>],
    meant: &[u8],
    mut names: impl Iterator<Item = &'n str>,
) {
    let mut problem = told.problem.as_str();
    if told.cause == Cause::OtherHeader {
        // Only a stranger's header name may follow this text.
        let shown = |name: &str| -> String {
            name.chars().filter(char::is_ascii_graphic).take(64).collect()
        };
        let text = "The signature is in another header than X-Walnut-Signature: ";
        let name = problem.strip_prefix(text).and_then(|rest| rest.strip_suffix('.')).unwrap();
        assert!(names.any(|other| shown(other) == name), "{problem:?}");
        problem = text;
    }
    for text in [problem, told.fix] {
        assert!((1..=150).contains(&text.len()), "{text:?}");
        assert!(text.bytes().all(|c| (b' '..=b'~').contains(&c)), "{text:?}");

        // No part of a signature that is longer than a word.
        let longest = text.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max();
        assert!(longest < Some(9), "{text:?}");
    }
    // Of the keys, those that have something in them that no sentence has. Explaining does not know them apart.
    let unlike = |key: &[u8]| key.iter().any(|c| b"!#$%&*@^~{}|<>\"\\".contains(c));
    for key in keys.iter().map(Vec::as_slice).chain([meant]) {
        let is_told = problem.as_bytes().windows(key.len()).any(|window| window == key);
        assert!(!unlike(key) || !is_told, "{problem:?}");
    }
}

/// Whatever was found must be what was done, since no two inputs have one signature.
fn explains_the_mistake(told: &Explanation, body: &[u8], signed: &[u8]) {
    let is_key = matches!(
        told.cause,
        Cause::KeyWhitespace | Cause::KeyQuoted | Cause::KeyDecoded | Cause::KeyEncoded
    );
    assert!(!is_key || body == signed, "{:?}", told.cause);
    if told.cause == Cause::BodyBase64 {
        assert_ne!(body, signed);
    }
    if let Some(difference) = &told.difference {
        assert_ne!(body, signed);
        let at = body.iter().zip(signed).position(|(found, meant)| found != meant);
        assert_eq!(difference.at, at.unwrap_or(body.len().min(signed.len())));
        assert_eq!(difference.received, visible(&body[difference.at..]));
        assert_eq!(difference.signed, visible(&signed[difference.at..]));
    }
}

/// The first 16 bytes as an explanation shows them.
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
