//! Checks the texts of explanations, and that they contain no secret.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use serde_json::json;
use walnut_webhooks::Key;
use walnut_webhooks_explain::{
    Cause, Explanation, MAX_EXPLAINED_HEADERS, explain, explain_too_large,
};

const KEY: &str = "opensesame";
const BODY: &[u8] = br#"{"event":"e"}"#;

fn signed(key: &str, body: &[u8]) -> String {
    Key::new(key).unwrap().sign(body).to_string()
}

fn missing(others: &[(&str, &str)]) -> Explanation {
    let others = others.iter().map(|(name, value)| (*name, value.as_bytes()));
    explain(&[KEY], BODY, None, others)
}

#[test]
fn contains_no_key_and_no_calculated_signature() {
    let right = signed(KEY, BODY);
    let others = [("x-other", right.as_bytes())];
    let (cut, _) = right.split_at(40);
    let headers = [None, Some(cut), Some("zz"), Some(right.as_str())];
    let mistaken =
        ["opensesame\n", "\u{feff}opensesame", "KEY=opensesame", "“opensesame”", "&#111;pensesame"];
    for keys in
        [&[KEY][..], &mistaken[..1], &mistaken[1..], &["wrong", KEY], &["wrong"], &[""], &[]]
    {
        for header in headers {
            for body in [BODY, b"{\"event\": \"e\"}", b"{\0", b""] {
                let explanation = explain(keys, body, header.map(str::as_bytes), others);
                let shown = format!("{explanation:?}");
                assert!(!shown.contains(KEY), "{shown}");
                for key in keys.iter().filter(|key| !key.is_empty()) {
                    let secret = signed(key, body);
                    let (start, end) = secret.split_at(32);
                    assert!(!shown.contains(start) && !shown.contains(end), "{shown}");
                }
            }
        }
    }
}

#[test]
fn names_another_header_that_has_the_signature() {
    let signature = signed(KEY, BODY);
    let explanation = missing(&[("host", "example.com"), ("X-Signature", &signature)]);
    assert_eq!(explanation.cause, Cause::OtherHeader);
    assert_eq!(
        explanation.problem,
        "The signature is in a header other than X-Walnut-Signature: X-Signature."
    );

    assert_eq!(missing(&[("digest", &signed(KEY, b"other"))]).cause, Cause::MissingSignature);
}

#[test]
fn shows_the_first_64_visible_ascii_characters_of_a_header_name() {
    let signature = signed(KEY, BODY);
    let name = format!("a b\r\n\u{1b}é{}", "c".repeat(100));
    let problem = missing(&[(&name, &signature)]).problem;
    assert!(problem.ends_with(&format!(" ab{}.", "c".repeat(62))), "{problem}");
}

#[test]
fn examines_100_other_headers() {
    let signature = signed(KEY, BODY);
    let at = |place: usize| {
        let mut others = vec![("host", "example.com"); place - 1];
        others.push(("x-signature", &signature));
        missing(&others).cause
    };
    assert_eq!(at(MAX_EXPLAINED_HEADERS), Cause::OtherHeader);
    assert_eq!(at(MAX_EXPLAINED_HEADERS + 1), Cause::MissingSignature);
}

#[test]
fn looks_for_a_signature_in_other_headers_only_without_one() {
    let signature = signed(KEY, BODY);
    let others = [("x-signature", signature.as_bytes())];
    assert_eq!(explain(&[KEY], BODY, Some(b"zz"), others).cause, Cause::MalformedSignature);
    assert_eq!(explain(&[KEY], BODY, Some(&[b'0'; 64]), others).cause, Cause::Unknown);
}

#[test]
fn looks_for_a_content_encoding_in_100_headers_after_a_mismatch() {
    let cause = |before: usize, name: &str, value: &str| {
        let mut others = vec![("host", &b"example.com"[..]); before];
        others.push((name, value.as_bytes()));
        explain(&[KEY], BODY, Some(&[b'0'; 64]), others).cause
    };
    assert_eq!(cause(0, "content-encoding", "gzip"), Cause::BodyDecompressed);
    assert_eq!(cause(99, "Content-Encoding", " br "), Cause::BodyDecompressed);
    assert_eq!(cause(100, "content-encoding", "gzip"), Cause::Unknown);
    for value in ["", " ", "identity", "Identity"] {
        assert_eq!(cause(0, "content-encoding", value), Cause::Unknown, "{value:?}");
    }
    assert_eq!(cause(0, "accept-encoding", "gzip"), Cause::Unknown);

    let encoded = [("content-encoding", &b"gzip"[..])];
    let right = signed(KEY, BODY);
    assert_eq!(explain(&[KEY], BODY, Some(right.as_bytes()), encoded).cause, Cause::Genuine);
    assert_eq!(explain(&[KEY], BODY, None, encoded).cause, Cause::MissingSignature);
}

#[test]
fn finds_a_mistake_in_a_key_before_a_likely_cause() {
    let right = signed(KEY, BODY);
    let encoded = [("content-encoding", &b"gzip"[..])];
    let explanation = explain(&["KEY=opensesame"], BODY, Some(right.as_bytes()), encoded);
    assert_eq!(explanation.cause, Cause::KeyAssignment);
}

#[test]
fn describes_a_header_in_no_known_form() {
    for (header, problem) in [
        (String::new(), "The X-Walnut-Signature header is empty."),
        ("zz".to_owned(), "The X-Walnut-Signature header has 2 bytes instead of 64."),
        (
            format!("0{}", "z".repeat(63)),
            "Byte 1 of the X-Walnut-Signature header is not a hex digit.",
        ),
        ("AB".repeat(32), "The X-Walnut-Signature header is not 64 lowercase hex digits."),
    ] {
        let explanation = explain(&[KEY], BODY, Some(header.as_bytes()), []);
        assert_eq!(explanation.cause, Cause::MalformedSignature);
        assert_eq!(explanation.problem, problem);
    }
}

#[test]
fn describes_a_wrong_number_of_keys() {
    for (keys, problem) in [
        (&[][..], "No key was given."),
        (&[""], "The key is empty."),
        (&[KEY, ""], "The key is empty."),
        (&[KEY; 5], "5 keys were given, but at most 4 can be used."),
    ] {
        let explanation = explain(keys, BODY, None, []);
        assert_eq!(explanation.code, Some("invalid_key"));
        assert_eq!(explanation.cause, Cause::InvalidKey);
        assert_eq!(explanation.problem, problem);
    }
    assert!(explain(&[KEY; 4], BODY, Some(signed(KEY, BODY).as_bytes()), []).ok);
}

#[test]
fn explains_a_body_over_a_limit_after_its_key_and_its_header() {
    let right = signed(KEY, BODY);
    for (key, header, code) in [
        ("", None, "invalid_key"),
        (KEY, None, "missing_signature"),
        (KEY, Some("zz"), "malformed_signature"),
        (KEY, Some(right.as_str()), "body_too_large"),
    ] {
        let explanation = explain_too_large(&[key], header.map(str::as_bytes), 12);
        assert_eq!((explanation.ok, explanation.code), (false, Some(code)));
        assert_eq!(explanation.cause.as_str(), code);
    }
    let explanation = explain_too_large(&[KEY], Some(right.as_bytes()), 12);
    assert_eq!(explanation.problem, "The body is longer than the limit of 12 bytes.");
}

#[test]
fn serializes_with_the_words_of_the_contract() {
    let header = signed(KEY, b"{\"event\": \"e\"}");
    assert_eq!(
        serde_json::to_value(explain(&[KEY], BODY, Some(header.as_bytes()), [])).unwrap(),
        json!({
            "ok": false,
            "code": "signature_mismatch",
            "cause": "body_reformatted",
            "problem": "The JSON of the body was parsed and written again.",
            "fix": "Pass the bytes as received, before anything parses or decodes them.",
            "difference": {"at": 9, "received": "\"e\"}", "signed": " \"e\"}"},
        })
    );
    let genuine =
        serde_json::to_value(explain(&[KEY], BODY, Some(signed(KEY, BODY).as_bytes()), []));
    assert_eq!(genuine.unwrap()["code"], json!(null));
}
