use std::collections::BTreeMap;
use std::fmt;

use walnut_webhooks::Value;

use super::reader::Reader;
use crate::standard::{LEAST_BYTES, MOST_BYTES, PREFIX, Secret};

/// The name of the one destination that `ORIGIN_URL` stands for.
const ORIGIN: &str = "origin";

type Fields = BTreeMap<String, Value>;

const FIELDS: [&str; 5] = ["name", "url", "events", "headers", "secret"];

const MOST_DESTINATIONS: usize = 20;
const MOST_NAME_BYTES: usize = 32;
const MOST_EVENTS: usize = 100;
const MOST_EVENT_BYTES: usize = 256;
const MOST_HEADERS: usize = 20;
const MOST_HEADER_NAME_BYTES: usize = 64;
const MOST_HEADER_VALUE_BYTES: usize = 2048;

/// Headers that are the edge's, the body's or the connection's own: these, and those that begin so.
const TAKEN: [&str; 10] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const TAKEN_PREFIXES: [&str; 4] = ["x-walnut-", "walnut-", "webhook-", "content-"];

/// Where deliveries go.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) name: String,
    pub(crate) url: String,
    /// Which events it wants, by name; `None` is all of them.
    pub(crate) events: Option<Vec<String>>,
    /// Headers besides the edge's own.
    pub(crate) headers: Vec<(String, String)>,
    /// Signs what is sent to it, in the form of Standard Webhooks.
    pub(crate) secret: Option<Secret>,
}

impl Destination {
    /// Tells whether it wants an event of this name, as sent; some events have none.
    pub(crate) fn wants(&self, event_name: Option<&str>) -> bool {
        match (&self.events, event_name) {
            (None, _) => true,
            (Some(events), Some(name)) => events.iter().any(|event| event == name),
            (Some(_), None) => false,
        }
    }
}

/// All but the name may hold a secret.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Reads the destinations, of whichever of the two variables they are in.
///
/// What is read while there are mistakes may be incomplete.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Destination> {
    match (reader.get("ORIGIN_URL"), reader.get("DESTINATIONS")) {
        (Some(url), None) => {
            let Some(url) = reader.url("ORIGIN_URL", &url) else { return Vec::new() };
            let name = ORIGIN.to_owned();
            vec![Destination { name, url, events: None, headers: Vec::new(), secret: None }]
        }
        (None, Some(json)) => list(reader, &json),
        (None, None) => {
            reader.mistake(
                "ORIGIN_URL is not set: set it to the https URL that takes the deliveries, or set \
                 DESTINATIONS",
            );
            Vec::new()
        }
        (Some(_), Some(_)) => {
            reader.mistake("ORIGIN_URL and DESTINATIONS are both set: set only one of them");
            Vec::new()
        }
    }
}

fn list(reader: &mut Reader<'_>, json: &str) -> Vec<Destination> {
    let items = match Value::parse_any(json.as_bytes()) {
        Ok(Value::Array(items)) if (1..=MOST_DESTINATIONS).contains(&items.len()) => items,
        Ok(_) => {
            reader.mistake(format!(
                "DESTINATIONS must be a JSON list of 1 to {MOST_DESTINATIONS} objects, each with a \
                 name and a url"
            ));
            return Vec::new();
        }
        // Not what stands there, which may be a secret.
        Err((_, read)) => {
            let read = String::from_utf8_lossy(json.as_bytes().get(..read).unwrap_or_default());
            let line = read.split('\n').count();
            let last = read.rsplit('\n').next().unwrap_or_default();
            let column = last.chars().count().saturating_add(1);
            reader
                .mistake(format!("DESTINATIONS is no JSON: look at line {line}, column {column}"));
            return Vec::new();
        }
    };
    let mut all: Vec<Destination> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some(destination) = one(reader, index, item) else { continue };
        if all.iter().any(|other| other.name == destination.name) {
            reader.mistake(format!("DESTINATIONS[{index}].name is another's: give each its own"));
        }
        all.push(destination);
    }
    all
}

fn one(reader: &mut Reader<'_>, index: usize, item: &Value) -> Option<Destination> {
    let label = format!("DESTINATIONS[{index}]");
    let Value::Object(fields) = item else {
        reader.mistake(format!("{label} must be an object with a name and a url"));
        return None;
    };
    let name = name(reader, &label, fields);
    if fields.keys().any(|field| !FIELDS.contains(&field.as_str())) {
        reader.mistake(format!("{label} must have no fields but {}", FIELDS.join(", ")));
    }
    let url = if let Some(url) = fields.get("url").and_then(Value::as_str) {
        reader.url(&format!("{label}.url"), url)
    } else {
        reader.mistake(format!("{label}.url must be a text: set it to an https URL"));
        None
    };
    let events = fields.get("events").map(|value| events(reader, &label, value));
    let headers = fields.get("headers").map(|value| headers(reader, &label, value));
    let secret = fields.get("secret").and_then(|value| secret(reader, &label, value));
    Some(Destination {
        name: name?,
        url: url?,
        events,
        headers: headers.unwrap_or_default(),
        secret,
    })
}

fn name(reader: &mut Reader<'_>, label: &str, fields: &Fields) -> Option<String> {
    let name = fields.get("name").and_then(Value::as_str).filter(|name| {
        (1..=MOST_NAME_BYTES).contains(&name.len())
            && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
    });
    if name.is_none() {
        reader.mistake(format!(
            "{label}.name must be 1 to {MOST_NAME_BYTES} lowercase letters, digits and hyphens"
        ));
    }
    name.map(str::to_owned)
}

fn events(reader: &mut Reader<'_>, label: &str, value: &Value) -> Vec<String> {
    let list = if let Value::Array(list) = value { list.as_slice() } else { &[] };
    let names: Vec<String> = list
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| (1..=MOST_EVENT_BYTES).contains(&name.len()))
        .map(str::to_owned)
        .collect();
    if !(1..=MOST_EVENTS).contains(&list.len()) || names.len() < list.len() {
        reader.mistake(format!(
            "{label}.events must be a list of 1 to {MOST_EVENTS} event names, each of 1 to \
             {MOST_EVENT_BYTES} bytes: leave it out for all events"
        ));
    }
    names
}

/// No sentence here has a header's name in it, since the two may have been swapped.
fn headers(reader: &mut Reader<'_>, label: &str, value: &Value) -> Vec<(String, String)> {
    let fields = match value {
        Value::Object(fields) if fields.len() <= MOST_HEADERS => fields,
        _ => {
            reader.mistake(format!(
                "{label}.headers must be an object of at most {MOST_HEADERS} names and values"
            ));
            return Vec::new();
        }
    };
    let all: Vec<(String, &str)> = fields
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().unwrap_or_default()))
        .collect();
    let names = || all.iter().map(|(name, _)| name.as_str());
    if !names().all(is_header_name) {
        reader.mistake(format!(
            "{label}.headers has a name that none can have: 1 to {MOST_HEADER_NAME_BYTES} letters, \
             digits and hyphens are safe"
        ));
    }
    if !all.iter().all(|(_, value)| is_header_value(value)) {
        reader.mistake(format!(
            "{label}.headers has a value that is no text of 1 to {MOST_HEADER_VALUE_BYTES} visible \
             ASCII characters, with blanks between them only"
        ));
    }
    if names().any(is_taken) {
        reader.mistake(format!(
            "{label}.headers can't set {}*, host, nor what concerns the connection",
            TAKEN_PREFIXES.join("*, ")
        ));
    }
    if names().enumerate().any(|(index, name)| names().take(index).any(|other| other == name)) {
        reader.mistake(format!("{label}.headers has a name twice, in other letters"));
    }
    all.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// A token of RFC 9110.
fn is_header_name(name: &str) -> bool {
    (1..=MOST_HEADER_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
}

fn is_header_value(value: &str) -> bool {
    (1..=MOST_HEADER_VALUE_BYTES).contains(&value.len())
        && value.bytes().all(|c| c.is_ascii_graphic() || c == b' ' || c == b'\t')
        && value.trim_ascii() == value
}

/// Takes the name in lower case.
fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name) || TAKEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn secret(reader: &mut Reader<'_>, label: &str, value: &Value) -> Option<Secret> {
    let secret = value.as_str().and_then(Secret::new);
    if secret.is_none() {
        reader.mistake(format!(
            "{label}.secret must be {PREFIX} and the base64 of {LEAST_BYTES} to {MOST_BYTES} random bytes, padded \
             with ="
        ));
    }
    secret
}
