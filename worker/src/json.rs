use serde::Serialize;

/// Writes a value as JSON. The types that are written here have only string keys, so writing cannot fail.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
