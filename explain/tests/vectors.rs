//! Checks explanations against the vectors of `tests/vectors/`.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "../../tests/core/cases.rs"]
mod cases;

use cases::{each, header, joined, key_bytes};
use serde_json::{Value, json};
use walnut_webhooks_explain::explain;

fn explanation(case: &Value, keys: &Value) -> Value {
    let others = case["others"].as_object().into_iter().flatten();
    let others = others.map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes()));
    let body = joined(&case["body"], b"");
    let explanation = explain(&key_bytes(case, keys), &body, header(case).as_deref(), others);
    serde_json::to_value(explanation).unwrap()
}

#[test]
fn every_mistake_has_its_explanation() {
    let mut cases = 0;
    let mut failures = Vec::new();
    each(|name, case, keys| {
        if let Some(expected) = case.get("explain") {
            let mut got = explanation(case, keys);
            let mut expected = expected.clone();
            // If a case states no difference, the explanation must have none.
            expected.as_object_mut().unwrap().entry("difference").or_insert(Value::Null);
            got.as_object_mut().unwrap().retain(|field, _| expected.get(field).is_some());
            if got != expected {
                failures.push(format!("{name}\n  {got}\n  {expected}"));
            }
            cases += 1;
        }
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases >= 150, "only {cases} cases were found");
}

#[test]
fn never_contradicts_the_verdict() {
    each(|name, case, keys| {
        let (verdict, explanation) = (&case["expect"], explanation(case, keys));
        // `explain` has no limit on the length of a body.
        if verdict["code"] != "body_too_large" {
            let right = verdict.get("keyIndex").is_some();
            assert_eq!(explanation["ok"], right, "{name}");
            let code = if right { &json!(null) } else { &verdict["code"] };
            assert_eq!(explanation["code"], *code, "{name}");
        }
    });
}
