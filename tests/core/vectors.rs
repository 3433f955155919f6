//! Runs the vectors of `tests/vectors/` through the Rust API.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, str};

use serde_json::{Value, json};
use walnut_webhooks::{Delivery, Error, Key, Keys, Verifier};

const SKEW: Duration = Duration::from_mins(5);

fn vectors() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

fn part(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    let text = |name: &str| value[name].as_str();
    if let Some(digits) = text("hex") {
        return hex::decode(digits).unwrap();
    }
    if let Some(piece) = text("repeat") {
        return piece.repeat(value["times"].as_u64().unwrap().try_into().unwrap()).into_bytes();
    }
    let mut body =
        fs::read_to_string(vectors().join("bodies").join(text("file").unwrap())).unwrap();
    for change in value["replace"].as_array().into_iter().flatten() {
        let (from, to) = (change[0].as_str().unwrap(), change[1].as_str().unwrap());
        assert!(body.contains(from), "{from:?} is not in the file");
        body = body.replace(from, to);
    }
    body.into_bytes()
}

fn joined(value: &Value, between: &[u8]) -> Vec<u8> {
    match value.as_array() {
        Some(parts) => parts.iter().map(part).collect::<Vec<_>>().join(between),
        None => part(value),
    }
}

fn verifier(case: &Value, keys: &Value) -> Result<Verifier, Error> {
    let keys = case.get("keys").unwrap_or(keys).as_array().unwrap();
    let keys = keys.iter().map(|key| Key::new(part(key))).collect::<Result<Vec<_>, _>>()?;
    let verifier = Verifier::new(Keys::new(keys)?);
    Ok(match case["maxBodyBytes"].as_u64() {
        Some(limit) => verifier.with_max_body_bytes(limit.try_into().unwrap()),
        None => verifier,
    })
}

fn refused(error: &Error) -> Value {
    json!({ "code": error.code() })
}

fn accepted(delivery: &Delivery) -> Value {
    let drift: Vec<Value> = delivery
        .drift
        .iter()
        .map(|drift| {
            json!({
                "path": drift.path,
                "kind": drift.kind.as_str(),
                "expected": drift.expected,
                "found": drift.found,
            })
        })
        .collect();
    json!({
        "keyIndex": delivery.key_index.get(),
        "name": delivery.name,
        "type": delivery.event_type(),
        "id": delivery.id,
        "timestamp": delivery.timestamp,
        "isTest": delivery.is_test,
        "drift": drift,
    })
}

fn verdict(case: &Value, keys: &Value) -> Value {
    let verifier = match verifier(case, keys) {
        Ok(verifier) => verifier,
        Err(error) => return refused(&error),
    };
    let body = joined(&case["body"], b"");
    let header = match &case["header"] {
        Value::Null => None,
        // As a list of header lines is combined: RFC 9110, section 5.3.
        header => Some(joined(header, b", ")),
    };
    let verified = match verifier.verify(&body, header.as_deref()) {
        Ok(verified) => verified,
        Err(error) => return refused(&error),
    };
    let late =
        |error: &Error| json!({ "code": error.code(), "keyIndex": verified.key_index().get() });
    let delivery = match verified.delivery() {
        Ok(delivery) => delivery,
        Err(error) => return late(&error),
    };
    if let (Some(max_age), Some(now)) = (case["maxAge"].as_u64(), case["now"].as_u64()) {
        let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now)).unwrap();
        if let Err(error) = delivery.check_age(now, Duration::from_millis(max_age), SKEW) {
            return late(&error);
        }
    }
    accepted(&delivery)
}

fn sorted(mut verdict: Value) -> Value {
    if let Some(drift) = verdict.get_mut("drift").and_then(Value::as_array_mut) {
        drift.sort_by_key(|entry| entry["path"].as_str().unwrap_or_default().to_owned());
    }
    verdict
}

#[test]
fn every_vector_has_its_verdict() {
    let mut cases = 0;
    let mut failures = Vec::new();
    for entry in fs::read_dir(vectors()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let got = sorted(verdict(case, &file["keys"]));
            let expected = sorted(case["expect"].clone());
            if got != expected {
                let name = path.file_stem().unwrap().display();
                failures.push(format!("{name}: {}\n  {got}\n  {expected}", case["name"]));
            }
            cases += 1;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases >= 100, "only {cases} cases were found");
}
