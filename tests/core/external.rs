//! Runs Wycheproof's vectors of `tests/external/` through the Rust API.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use serde_json::{Map, Value};
use walnut_webhooks::{Key, KeyIndex, Verifier};

const WYCHEPROOF: &str = include_str!("../external/wycheproof.json");
const EXCEPTIONS: &str = include_str!("../external/exceptions.json");

fn bytes(test: &Value, name: &str) -> Vec<u8> {
    hex::decode(test[name].as_str().unwrap()).unwrap()
}

/// Returns the common verdict of `verify` and of streams.
fn verdict(key: &Key, body: &[u8], tag: &str) -> Result<usize, &'static str> {
    let verifier = Verifier::new(key.clone());
    let verified = verifier.verify(body, tag).map(|verified| verified.key_index());
    for size in [1, 64] {
        let mut stream = verifier.stream();
        body.chunks(size).for_each(|piece| stream.update(piece).unwrap());
        assert_eq!(stream.finish(tag), verified);
    }
    verified.map(KeyIndex::get).map_err(|error| error.code())
}

#[test]
fn every_vector_of_wycheproof_has_its_verdict() {
    let file: Value = serde_json::from_str(WYCHEPROOF).unwrap();
    let exceptions: Map<String, Value> = serde_json::from_str(EXCEPTIONS).unwrap();
    let mut exceptional = Vec::new();
    let mut cases = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let is_cut = group["tagSize"] != 256;
        for test in group["tests"].as_array().unwrap() {
            let (id, tag) = (test["tcId"].to_string(), test["tag"].as_str().unwrap());
            let (key, body) = (Key::new(bytes(test, "key")).unwrap(), bytes(test, "msg"));
            let expected = match test["result"].as_str().unwrap() {
                _ if is_cut => Err("malformed_signature"),
                "valid" => Ok(0),
                "invalid" => Err("signature_mismatch"),
                other => panic!("{other} is not a result"),
            };
            let begins = key.sign(&body).to_string().starts_with(tag);
            let agrees = begins == (test["result"] == "valid");
            if !agrees || verdict(&key, &body, tag) != expected {
                exceptional.push(id);
            }
            cases += 1;
        }
    }
    assert_eq!(cases, file["numberOfTests"]);
    assert_eq!(cases, 174);
    exceptional.sort();
    assert_eq!(exceptional, exceptions.keys().cloned().collect::<Vec<_>>());
}
