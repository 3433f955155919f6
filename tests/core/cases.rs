//! Reads the cases of `tests/vectors/`, as tests/vectors/README.md describes them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Finds the folder. The tested crate is at the root of the workspace or in a folder below it.
fn vectors() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = crate_folder.ancestors().map(|folder| folder.join("tests/vectors"));
    folders.find(|folder| folder.is_dir()).unwrap()
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

pub(crate) fn joined(value: &Value, between: &[u8]) -> Vec<u8> {
    match value.as_array() {
        Some(parts) => parts.iter().map(part).collect::<Vec<_>>().join(between),
        None => part(value),
    }
}

pub(crate) fn key_bytes(case: &Value, keys: &Value) -> Vec<Vec<u8>> {
    case.get("keys").unwrap_or(keys).as_array().unwrap().iter().map(part).collect()
}

pub(crate) fn header(case: &Value) -> Option<Vec<u8>> {
    match &case["header"] {
        Value::Null => None,
        // Header lines are combined as in RFC 9110, section 5.3.
        header => Some(joined(header, b", ")),
    }
}

/// Calls `then` with each case: its name, the case, and the keys of its file.
pub(crate) fn each(mut then: impl FnMut(&str, &Value, &Value)) {
    for entry in fs::read_dir(vectors()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: &Value = &serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let name = format!("{}: {}", path.file_stem().unwrap().display(), case["name"]);
            then(&name, case, &file["keys"]);
        }
    }
}
