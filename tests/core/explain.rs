//! What explanations tell, and what they must not.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use walnut_webhooks::{Cause, Explanation, Key, Keys, MAX_EXPLAINED_HEADERS, Verifier, explain};

const KEY: &str = "opensesame";
const BODY: &[u8] = br#"{"event":"e"}"#;

fn signed(key: &str, body: &[u8]) -> String {
    Key::new(key).unwrap().sign(body).to_string()
}

fn missing(others: &[(&str, &str)]) -> Explanation {
    let others = others.iter().map(|(name, value)| (*name, value.as_bytes()));
    explain(&[KEY], BODY, None::<&str>, others)
}

#[test]
fn neither_a_key_nor_a_calculated_signature_is_told() {
    let right = signed(KEY, BODY);
    let others = [("x-other", right.as_bytes())];
    let (cut, _) = right.split_at(40);
    let headers = [None, Some(cut), Some("zz"), Some(right.as_str())];
    for keys in [&[KEY][..], &["opensesame\n"], &["wrong", KEY], &["wrong"], &[""], &[]] {
        for header in headers {
            for body in [BODY, b"{\"event\": \"e\"}", b""] {
                let explanation = explain(keys, body, header, others);
                let told = format!("{explanation:?}");
                assert!(!told.contains(KEY), "{told}");
                for key in keys.iter().filter(|key| !key.is_empty()) {
                    let secret = signed(key, body);
                    let (start, end) = secret.split_at(32);
                    assert!(!told.contains(start) && !told.contains(end), "{told}");
                }
            }
        }
    }
}

#[test]
fn another_header_is_named() {
    let signature = signed(KEY, BODY);
    let found = missing(&[("host", "example.com"), ("X-Signature", &signature)]);
    assert_eq!(found.cause, Cause::OtherHeader);
    assert_eq!(
        found.hint,
        "the signature is not in X-Walnut-Signature; read it from, or stop what renames it to, X-Signature"
    );

    assert_eq!(missing(&[("digest", &signed(KEY, b"other"))]).cause, Cause::MissingSignature);
}

#[test]
fn the_name_of_another_header_is_shown_as_far_as_it_can_be_one() {
    let signature = signed(KEY, BODY);
    let name = format!("a b\r\n\u{1b}é{}", "c".repeat(100));
    let shown = missing(&[(&name, &signature)]).hint;
    assert!(shown.ends_with(&format!(" ab{}", "c".repeat(62))), "{shown}");
}

#[test]
fn the_number_of_other_headers_has_two_sides() {
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
fn other_headers_count_only_where_the_signature_is_absent() {
    let signature = signed(KEY, BODY);
    let others = [("x-signature", signature.as_bytes())];
    assert_eq!(explain(&[KEY], BODY, "zz", others).cause, Cause::MalformedSignature);
    assert_eq!(explain(&[KEY], BODY, &"0".repeat(64), others).cause, Cause::Unknown);
}

#[test]
fn where_nothing_better_is_known_the_error_says_it() {
    for (keys, header) in [
        (&[KEY][..], None),
        (&[KEY], Some("zz")),
        (&[KEY], Some(&*"0".repeat(64))),
        (&[KEY, "other"], Some(&*"0".repeat(64))),
    ] {
        let made = keys.iter().map(|key| Key::new(key).unwrap());
        let error = Verifier::new(Keys::new(made).unwrap()).verify(BODY, header).unwrap_err();
        assert_eq!(explain(keys, BODY, header, []).hint, error.to_string());
    }
    assert_eq!(explain(&[""], BODY, "", []).hint, Key::new("").unwrap_err().to_string());
}
