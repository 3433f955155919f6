use std::collections::BTreeMap;
use std::fmt;

use walnut_webhooks::{EVENT_NAMES, Value};

use super::near::nearest;
use super::reader::Reader;
use crate::standard::{LEAST_BYTES, MOST_BYTES, PREFIX, Secret};

/// The variables with lists of destinations. Each needs the one before it.
pub(super) const LISTS: [&str; 9] = [
    "DESTINATIONS",
    "DESTINATIONS_2",
    "DESTINATIONS_3",
    "DESTINATIONS_4",
    "DESTINATIONS_5",
    "DESTINATIONS_6",
    "DESTINATIONS_7",
    "DESTINATIONS_8",
    "DESTINATIONS_9",
];

/// The name of the destination that `ORIGIN_URL` sets.
const ORIGIN: &str = "origin";

type Fields = BTreeMap<String, Value>;

const FIELDS: [&str; 6] = ["name", "url", "events", "tests", "headers", "secret"];

const MOST_DESTINATIONS: usize = 20;
const MOST_NAME_BYTES: usize = 32;
const MOST_EVENTS: usize = 100;
const MOST_EVENT_BYTES: usize = 256;
const MOST_HEADERS: usize = 20;
const MOST_HEADER_NAME_BYTES: usize = 64;
const MOST_HEADER_VALUE_BYTES: usize = 2048;

/// Headers that only the edge or the platform may set: these, and those with one of the prefixes.
const RESERVED: [&str; 10] = [
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
const RESERVED_PREFIXES: [&str; 4] = ["x-walnut-", "walnut-", "webhook-", "content-"];

/// A destination of deliveries.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) name: String,
    pub(crate) url: String,
    /// The names of the events that it wants; `None` is all events.
    pub(crate) events: Option<Vec<String>>,
    /// Whether it wants test events.
    pub(crate) tests: bool,
    /// Headers in addition to the edge's own.
    pub(crate) headers: Vec<(String, String)>,
    /// The secret that signs the requests to it: <https://www.standardwebhooks.com>.
    pub(crate) secret: Option<Secret>,
}

impl Destination {
    /// Returns whether it wants an event of this name. Some events have no name.
    pub(crate) fn wants(&self, event_name: Option<&str>, is_test: bool) -> bool {
        let wants_name = match (&self.events, event_name) {
            (None, _) => true,
            (Some(events), Some(name)) => events.iter().any(|event| event == name),
            (Some(_), None) => false,
        };
        wants_name && (self.tests || !is_test)
    }
}

/// Only the name is printed, since every other field may contain a secret.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Reads the destinations from `ORIGIN_URL`, or from `DESTINATIONS` and the lists after it.
///
/// The list may be incomplete if there are mistakes.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Destination> {
    let mut all = Vec::new();
    let url = reader.get("ORIGIN_URL");
    let lists = LISTS.map(|variable| (variable, reader.get(variable)));
    match (&url, &lists) {
        (None, [(_, Some(_)), ..]) => {}
        (Some(url), [(_, None), ..]) => {
            if let Some(url) = reader.url("ORIGIN_URL", url) {
                all.push(Destination {
                    name: ORIGIN.to_owned(),
                    url,
                    events: None,
                    tests: true,
                    headers: Vec::new(),
                    secret: None,
                });
            }
        }
        (None, _) => reader.mistake(
            "ORIGIN_URL is not set: set it to the https URL that receives the deliveries, or set \
             DESTINATIONS",
        ),
        (Some(_), _) => {
            reader.mistake("ORIGIN_URL and DESTINATIONS are both set: set only one of them");
        }
    }
    for ((before, earlier), (variable, json)) in lists.iter().zip(lists.iter().skip(1)) {
        if json.is_some() && earlier.is_none() {
            reader.mistake(format!(
                "{variable} is set, but {before} is not: number the lists of destinations without a gap"
            ));
        }
    }
    if url.is_none() {
        let mut count = 0;
        for (variable, json) in lists {
            if let Some(json) = json {
                read_list(reader, variable, &json, &mut count, &mut all);
            }
        }
    }
    all
}

/// Reads one list. `count` is the number of entries of all lists so far.
fn read_list(
    reader: &mut Reader<'_>,
    variable: &str,
    json: &str,
    count: &mut usize,
    all: &mut Vec<Destination>,
) {
    let most = MOST_DESTINATIONS.saturating_sub(*count);
    let items = match Value::parse_any(json.as_bytes()) {
        Ok(Value::Array(items)) if (1..=most).contains(&items.len()) => items,
        Ok(_) => {
            return reader.mistake(format!(
                "{variable} must be a JSON list of 1 to {MOST_DESTINATIONS} objects, each with a name and a \
                 url; all lists together have at most {MOST_DESTINATIONS}"
            ));
        }
        // The text around the error is not shown, because it may be a secret.
        Err((_, read)) => {
            let read = String::from_utf8_lossy(json.as_bytes().get(..read).unwrap_or_default());
            let line = read.split('\n').count();
            let last = read.rsplit('\n').next().unwrap_or_default();
            let column = last.chars().count().saturating_add(1);
            return reader
                .mistake(format!("{variable} is not JSON: look at line {line}, column {column}"));
        }
    };
    *count = count.saturating_add(items.len());
    for (index, item) in items.iter().enumerate() {
        let label = format!("{variable}[{index}]");
        let Some(destination) = read_destination(reader, &label, item) else { continue };
        if all.iter().any(|other| other.name == destination.name) {
            reader.mistake(format!(
                "{label}.name is used twice: give each destination a different name"
            ));
        }
        all.push(destination);
    }
}

fn read_destination(reader: &mut Reader<'_>, label: &str, item: &Value) -> Option<Destination> {
    let Value::Object(fields) = item else {
        reader.mistake(format!("{label} must be an object with a name and a url"));
        return None;
    };
    let name = name(reader, label, fields);
    unknown_fields(reader, label, fields);
    let url = if let Some(url) = fields.get("url").and_then(Value::as_str) {
        reader.url(&format!("{label}.url"), url)
    } else {
        reader.mistake(format!("{label}.url must be a string: set it to an https URL"));
        None
    };
    let events = fields.get("events").map(|value| events(reader, label, value));
    let tests = match fields.get("tests") {
        None => true,
        Some(Value::Bool(tests)) => *tests,
        Some(_) => {
            reader.mistake(format!("{label}.tests must be true or false"));
            true
        }
    };
    let headers = fields.get("headers").map(|value| headers(reader, label, value));
    let secret = fields.get("secret").and_then(|value| secret(reader, label, value));
    Some(Destination {
        name: name?,
        url: url?,
        events,
        tests,
        headers: headers.unwrap_or_default(),
        secret,
    })
}

/// Reports unknown fields. No sentence contains the name of a field: name and value may have been swapped.
fn unknown_fields(reader: &mut Reader<'_>, label: &str, fields: &Fields) {
    let mut nearest_fields: Vec<Option<&str>> = Vec::new();
    for field in fields.keys().filter(|field| !FIELDS.contains(&field.as_str())) {
        let nearest = nearest(field, &FIELDS);
        if nearest_fields.contains(&nearest) {
            continue;
        }
        nearest_fields.push(nearest);
        reader.mistake(match nearest {
            Some(nearest) => format!("{label} has an unknown field: did you mean {nearest}?"),
            None => format!("{label} has an unknown field: the fields are {}", FIELDS.join(", ")),
        });
    }
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
             {MOST_EVENT_BYTES} bytes: leave it out to receive all events"
        ));
    }
    for (index, name) in list.iter().enumerate().take(MOST_EVENTS) {
        let Some(name) = name.as_str().filter(|name| !EVENT_NAMES.contains(name)) else { continue };
        if let Some(near) = nearest(name, &EVENT_NAMES) {
            reader.mistake(format!(
                "{label}.events[{index}] is almost the name of an event that Walnut sends: did you mean {near}?"
            ));
        }
    }
    names
}

/// Reads headers. No sentence contains the name of a header: name and value may have been swapped.
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
            "{label}.headers has an invalid name: use 1 to {MOST_HEADER_NAME_BYTES} letters, digits and \
             hyphens"
        ));
    }
    if !all.iter().all(|(_, value)| is_header_value(value)) {
        reader.mistake(format!(
            "{label}.headers has an invalid value: use a string of 1 to {MOST_HEADER_VALUE_BYTES} \
             visible ASCII characters, which neither begins nor ends with a space"
        ));
    }
    if names().any(is_reserved) {
        reader.mistake(format!(
            "{label}.headers can't set {}*, host, or a header of the connection",
            RESERVED_PREFIXES.join("*, ")
        ));
    }
    if names().enumerate().any(|(index, name)| names().take(index).any(|other| other == name)) {
        reader.mistake(format!(
            "{label}.headers has a name twice: the case of letters makes no difference"
        ));
    }
    all.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// A token (RFC 9110, section 5.6.2).
pub(super) fn is_header_name(name: &str) -> bool {
    (1..=MOST_HEADER_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
}

fn is_header_value(value: &str) -> bool {
    (1..=MOST_HEADER_VALUE_BYTES).contains(&value.len())
        && value.bytes().all(|c| c.is_ascii_graphic() || c == b' ' || c == b'\t')
        && value.trim_ascii() == value
}

/// The name must be in lowercase.
fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn secret(reader: &mut Reader<'_>, label: &str, value: &Value) -> Option<Secret> {
    let secret = value.as_str().and_then(Secret::new);
    if secret.is_none() {
        reader.mistake(format!(
            "{label}.secret must be {PREFIX} and the base64 of {LEAST_BYTES} to {MOST_BYTES} random bytes, with \
             its padding"
        ));
    }
    secret
}
