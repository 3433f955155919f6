//! Writes JSON. [`object`] and [`list`] are the fastest, and write the JSON of every event. [`text`] writes everything
//! else.

use js_sys::JSON;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;

/// Writes a value as JSON. Writing cannot fail, because these values have only string keys and small numbers.
pub(crate) fn text(value: &impl Serialize) -> String {
    let value = value.serialize(&Serializer::json_compatible()).unwrap_or_default();
    JSON::stringify(&value).map(String::from).unwrap_or_default()
}

/// The value of a field.
pub(crate) enum Item<'a> {
    /// The field is left out.
    Missing,
    Null,
    Bool(bool),
    Number(u64),
    Text(&'a str),
    /// Another object or list.
    Json(String),
}

impl<'a> From<&'a str> for Item<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Item<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl<'a, T: Into<Item<'a>>> From<Option<T>> for Item<'a> {
    fn from(item: Option<T>) -> Self {
        item.map_or(Self::Null, T::into)
    }
}

/// Writes an object.
pub(crate) fn object(fields: &[(&str, Item<'_>)]) -> String {
    let mut json = String::from("{");
    for (name, item) in fields {
        if matches!(item, Item::Missing) {
            continue;
        }
        if json.len() > 1 {
            json.push(',');
        }
        push_text(&mut json, name);
        json.push(':');
        push(&mut json, item);
    }
    json.push('}');
    json
}

/// Writes an array.
pub(crate) fn list<'a>(items: impl Iterator<Item = Item<'a>>) -> String {
    let mut json = String::from("[");
    for item in items {
        if json.len() > 1 {
            json.push(',');
        }
        push(&mut json, &item);
    }
    json.push(']');
    json
}

fn push(json: &mut String, item: &Item<'_>) {
    match item {
        Item::Missing | Item::Null => json.push_str("null"),
        Item::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Item::Number(number) => json.push_str(&number.to_string()),
        Item::Text(text) => push_text(json, text),
        Item::Json(text) => json.push_str(text),
    }
}

fn push_text(json: &mut String, text: &str) {
    let is_special = |c| c < ' ' || c == '"' || c == '\\';
    json.push('"');
    for part in text.split_inclusive(is_special) {
        let plain = part.strip_suffix(is_special).unwrap_or(part);
        json.push_str(plain);
        match part.as_bytes().get(plain.len()) {
            None => {}
            Some(b'"') => json.push_str("\\\""),
            Some(b'\\') => json.push_str("\\\\"),
            Some(b'\n') => json.push_str("\\n"),
            Some(b'\r') => json.push_str("\\r"),
            Some(b'\t') => json.push_str("\\t"),
            Some(0x08) => json.push_str("\\b"),
            Some(0x0c) => json.push_str("\\f"),
            Some(control) => {
                json.push_str(if *control < 0x10 { "\\u000" } else { "\\u001" });
                json.extend(char::from_digit(u32::from(control & 0x0f), 16));
            }
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_json_that_a_parser_reads() {
        let text: String = ('\0'..='\u{ff}').chain(['\u{2028}', '\u{10ffff}']).collect();
        let items =
            || [Item::Null, Item::Bool(true), Item::Number(u64::MAX), Item::from(text.as_str())];
        let [null, yes, number, string] = items();
        let json = object(&[
            ("null", null),
            ("missing", Item::Missing),
            ("yes", yes),
            ("no", Item::Bool(false)),
            ("number", number),
            (&text, string),
            ("list", Item::Json(list(items().into_iter()))),
            ("empty", Item::Json(object(&[("missing", Item::Missing)]))),
        ]);
        let expected = serde_json::json!({
            "null": null,
            "yes": true,
            "no": false,
            "number": u64::MAX,
            &text: text,
            "list": [null, true, u64::MAX, text],
            "empty": {},
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).ok(), Some(expected));
        assert_eq!(
            Some(list([text.as_str().into()].into_iter())),
            serde_json::to_string(&[&text]).ok()
        );
        assert_eq!(list([].into_iter()), "[]");
    }
}
