//! Reads the parameters and bodies of admin API requests.

use std::fmt;

use js_sys::{Array, JSON};
use walnut_webhooks::EVENT_NAMES;
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

use super::Answer;
use crate::config::{self, Settings, nearest};
use crate::digits;
use crate::failure::Failure;
use crate::ids::{DeliveryId, RowId};
use crate::js::{self, MAX_SAFE_INTEGER, get, items, text, whole};
use crate::protocol::{
    Delivery, DeliveryState, Export, List, ListRejected, RedeliverMany, Redelivery,
};
use crate::shards::FIRST;

const DEFAULT_LIMIT: u32 = 50;
pub(super) const MOST_LIMIT: u32 = 200;
const MOST_WAIT_MS: u32 = 25_000;
const PARAMETERS: [&str; 10] =
    ["limit", "cursor", "state", "name", "destination", "test", "since", "until", "wait", "newest"];
const LEAST_EMAIL_BYTES: usize = 3;
const MOST_EMAIL_BYTES: usize = 254;

fn invalid<T>(sentence: impl Into<String>) -> Answer<T> {
    Err(Failure::InvalidRequest(sentence.into()))
}

/// Completes a sentence about an unknown name with the most similar known name, or else with all known names.
fn unknown(problem: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(meant) => [problem, ": did you mean ", meant, "?"].concat(),
        None => [problem, ": use ", &known.join(", ")].concat(),
    }
}

/// Returns a sentence about a name that no destination has.
pub(super) fn unknown_destination(name: &str, settings: &Settings) -> String {
    let known: Vec<&str> = settings.destinations.iter().map(|it| it.name.as_str()).collect();
    unknown("no destination has this name", name, &known)
}

/// Reads parameters, each at most once.
fn parameters(query: &UrlSearchParams, known: &[&str]) -> Answer<Vec<(String, String)>> {
    let mut all: Vec<(String, String)> = Vec::new();
    for pair in items(&Array::from(query)) {
        let mut pair = items(&pair).filter_map(|it| text(&it));
        let (Some(name), Some(value)) = (pair.next(), pair.next()) else { continue };
        if !known.contains(&name.as_str()) {
            return invalid(unknown("there is no such parameter", &name, known));
        }
        if all.iter().any(|(other, _)| *other == name) {
            return invalid([&name, " must be given only once"].concat());
        }
        all.push((name, value));
    }
    Ok(all)
}

/// Reads the number of a row.
pub(super) fn parse_row(text: &str) -> Answer<RowId> {
    let row = digits::parse(text).map(RowId).filter(|row| *row <= RowId::LAST);
    row.ok_or(Failure::NotFound)
}

/// The position after which a list continues: a delivery, written `<row>.<shard>`. Rows are numbered by time in all
/// shards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    row: RowId,
    shard: u32,
}

impl Cursor {
    /// Continues before the first delivery of a list.
    const START: Self = Self { row: RowId::LAST, shard: u32::MAX };

    pub(super) fn from_id(&DeliveryId { shard, row }: &DeliveryId) -> Self {
        Self { row, shard }
    }

    pub(super) fn from_delivery(delivery: &Delivery) -> Self {
        Self::from_id(&delivery.public_id)
    }

    /// Continues with the rows of every shard that are older than this one.
    pub(super) fn older_than(row: RowId) -> Self {
        Self { row, shard: 0 }
    }

    fn parse(text: &str) -> Option<Self> {
        let (row, shard) = text.split_once('.')?;
        let row = digits::parse(row).map(RowId).filter(|row| *row <= RowId::LAST)?;
        Some(Self { row, shard: digits::parse(shard)? })
    }

    /// Returns the row before which the list of a shard continues.
    pub(super) fn before(self, shard: u32) -> RowId {
        if shard < self.shard { self.row.next() } else { self.row }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.row, self.shard)
    }
}

/// A page of the list of deliveries.
pub(super) struct Page {
    pub(super) limit: u32,
    state: Option<DeliveryState>,
    name: Option<String>,
    destination: Option<String>,
    test: Option<bool>,
    since: Option<u64>,
    until: Option<u64>,
    cursor: Cursor,
    /// How long the answer waits for a delivery that is newer than all stored ones.
    pub(super) wait_ms: Option<u32>,
    /// The newest delivery that the last list reported. If there is a newer one already, the answer does not wait.
    pub(super) newest: Option<String>,
}

impl Page {
    pub(super) fn parse(query: &UrlSearchParams) -> Answer<Self> {
        Self::read(parameters(query, &PARAMETERS)?, Cursor::parse)
    }

    fn read(
        parameters: Vec<(String, String)>,
        parse_cursor: fn(&str) -> Option<Cursor>,
    ) -> Answer<Self> {
        let mut page = Self {
            limit: DEFAULT_LIMIT,
            state: None,
            name: None,
            destination: None,
            test: None,
            since: None,
            until: None,
            cursor: Cursor::START,
            wait_ms: None,
            newest: None,
        };
        for (name, value) in parameters {
            match name.as_str() {
                "limit" => match digits::parse(&value) {
                    Some(limit) if (1..=MOST_LIMIT).contains(&limit) => page.limit = limit,
                    _ => return invalid(format!("limit must be a number from 1 to {MOST_LIMIT}")),
                },
                "state" => {
                    let state = DeliveryState::ALL.into_iter().find(|it| it.as_str() == value);
                    if state.is_none() {
                        let all = DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
                        return invalid(format!("state must be one of {all}"));
                    }
                    page.state = state;
                }
                "name" => page.name = Some(value),
                "destination" => page.destination = Some(value),
                "test" => match value.as_str() {
                    "true" => page.test = Some(true),
                    "false" => page.test = Some(false),
                    _ => return invalid("test must be true or false"),
                },
                "wait" => page.wait_ms = Some(parse_wait(&value)?),
                "newest" => page.newest = Some(value),
                "since" => page.since = Some(parse_time(&value)?),
                "until" => page.until = Some(parse_time(&value)?),
                "cursor" => page.cursor = parse_cursor(&value).map_or_else(invalid_cursor, Ok)?,
                _ => {}
            }
        }
        Ok(page)
    }

    /// Reads the parameters of the list of rejected requests; its cursor is the last ID.
    pub(super) fn parse_rejected(params: &UrlSearchParams) -> Answer<Self> {
        let parameters = parameters(params, &["limit", "cursor", "name", "since", "until"])?;
        let parse_cursor = |text: &str| {
            let row = RowId(digits::parse(text)?).min(RowId::LAST);
            Some(Cursor { row, shard: FIRST })
        };
        Self::read(parameters, parse_cursor)
    }

    /// Makes the question to the quarantine. It asks for one request more than the limit, to know whether there are more.
    pub(super) fn question_rejected(&self) -> ListRejected {
        ListRejected {
            limit: self.limit.saturating_add(1),
            name: self.name.clone(),
            since: self.since,
            until: self.until,
            before: self.cursor.before(FIRST),
        }
    }

    /// Reads the parameters of an export.
    pub(super) fn parse_export(params: &UrlSearchParams) -> Answer<Export> {
        let page = Self::read(parameters(params, &["since", "until"])?, Cursor::parse)?;
        let Some(since) = page.since else {
            return invalid("since is required: deliveries are exported from this time");
        };
        Ok(Export { since, until: page.until.unwrap_or(MAX_SAFE_INTEGER), after: RowId::FIRST })
    }

    /// Makes the question to one shard. It asks for one delivery more than the limit, to know whether there are more.
    pub(super) fn question(&self, shard: u32) -> List {
        List {
            limit: self.limit.saturating_add(1),
            state: self.state,
            name: self.name.clone(),
            destination: self.destination.clone(),
            test: self.test,
            since: self.since,
            until: self.until,
            before: self.cursor.before(shard),
        }
    }
}

fn invalid_cursor<T>() -> Answer<T> {
    invalid("cursor must be a value that a list returned")
}

fn invalid_time<T>() -> Answer<T> {
    invalid("since and until must be times: milliseconds since the Unix epoch, or RFC 3339")
}

fn parse_time(text: &str) -> Answer<u64> {
    let milliseconds = digits::parse(text).or_else(|| config::millis(text));
    // A larger number is replaced by the largest integer that JavaScript represents exactly.
    milliseconds.map_or_else(invalid_time, |time: u64| Ok(time.min(MAX_SAFE_INTEGER)))
}

/// Reads a wait in seconds; returns milliseconds.
fn parse_wait(text: &str) -> Answer<u32> {
    let seconds = text.strip_suffix('s').and_then(digits::parse::<u32>);
    let ms = seconds.and_then(|seconds| seconds.checked_mul(1000));
    match ms.filter(|ms| *ms <= MOST_WAIT_MS) {
        Some(ms) => Ok(ms),
        None => invalid("wait must be a number of seconds with its unit, up to 25s"),
    }
}

/// A search for deliveries with one of these IDs, or with this e-mail address.
pub(super) struct SearchTerm {
    pub(super) ids: Vec<String>,
    pub(super) email: Option<String>,
    pub(super) cursor: Cursor,
}

/// The body of a request: a JSON object; no body counts as an empty object.
pub(super) struct Body(JsValue);

impl Body {
    /// Reads a body that has only known fields.
    pub(super) fn parse(body: &[u8], known: &[&str]) -> Answer<Self> {
        if body.is_empty() {
            return Ok(Self(JsValue::UNDEFINED));
        }
        let fields = str::from_utf8(body).ok().and_then(|text| JSON::parse(text).ok());
        let Some(fields) = fields.filter(|it| it.is_object() && !Array::is_array(it)) else {
            return invalid("the body must be a JSON object");
        };
        match js::keys(&fields).find(|name| !known.contains(&name.as_str())) {
            Some(name) => invalid(unknown("the body has an unknown field", &name, known)),
            None => Ok(Self(fields)),
        }
    }

    fn field(&self, name: &str) -> Option<JsValue> {
        Some(get(&self.0, name)).filter(|value| !value.is_null() && !value.is_undefined())
    }

    fn time(&self, name: &str) -> Answer<Option<u64>> {
        let Some(value) = self.field(name) else { return Ok(None) };
        match text(&value) {
            Some(text) => parse_time(&text).map(Some),
            None => whole(&value).map_or_else(invalid_time, |time| Ok(Some(time))),
        }
    }

    fn state(&self) -> Answer<Option<Redelivery>> {
        let Some(value) = self.field("state") else { return Ok(None) };
        match text(&value).and_then(|state| Redelivery::parse(&state)) {
            None => invalid("state must be dead, unrouted or all"),
            state => Ok(state),
        }
    }

    /// Reads the state that the redelivery of one delivery applies to.
    pub(super) fn state_of_one(&self) -> Answer<Option<Redelivery>> {
        match self.state()? {
            Some(Redelivery::Unrouted) => invalid("state must be dead or all"),
            state => Ok(state),
        }
    }

    /// Reads the selection of deliveries to redeliver.
    pub(super) fn redelivery(&self, settings: &Settings) -> Answer<RedeliverMany> {
        let state = self.state()?.unwrap_or(Redelivery::Dead);
        let destination = self.destination(settings)?;
        let from = self.from(settings)?;
        let [since, until] = [self.time("since")?, self.time("until")?];
        if state == Redelivery::All && (destination.is_none() || since.is_none() || until.is_none())
        {
            return invalid("with state all, destination, since and until must be given");
        }
        if from.is_some() && (destination.is_none() || state != Redelivery::Dead) {
            return invalid("with from, destination must be given, and state can only be dead");
        }
        Ok(RedeliverMany {
            state,
            since: since.unwrap_or(0),
            until: until.unwrap_or(MAX_SAFE_INTEGER),
            destination,
            from,
            after: RowId::FIRST,
        })
    }

    /// Reads the old name of a destination, if there is one.
    fn from(&self, settings: &Settings) -> Answer<Option<String>> {
        let Some(value) = self.field("from") else { return Ok(None) };
        match text(&value) {
            Some(name) if settings.destinations.iter().all(|it| it.name != name) => Ok(Some(name)),
            _ => invalid("from must be a name that no configured destination has"),
        }
    }

    /// Reads the term of a search.
    pub(super) fn search_term(&self) -> Answer<SearchTerm> {
        let [id, session_id, email] = ["id", "session_id", "email"].map(|name| self.field(name));
        let parse = |value: &JsValue| {
            let id = text(value).filter(|id| !id.is_empty());
            id.map_or_else(|| invalid("id and session_id must be non-empty strings"), Ok)
        };
        let by_ids = |ids| Ok(SearchTerm { ids, email: None, cursor: Cursor::START });
        match (id, session_id, email) {
            (Some(id), None, None) => by_ids(vec![parse(&id)?]),
            (None, Some(session), None) => {
                let session = parse(&session)?;
                by_ids(EVENT_NAMES.map(|event| [event, ":", &session].concat()).into())
            }
            (None, None, Some(_)) => {
                let cursor = match self.cursor() {
                    None => Cursor::START,
                    Some(cursor) => Cursor::parse(&cursor).map_or_else(invalid_cursor, Ok)?,
                };
                Ok(SearchTerm { ids: Vec::new(), email: Some(self.address()?), cursor })
            }
            _ => invalid("the body must have one of id, session_id and email"),
        }
    }

    /// Reads the name of the destination, if there is one.
    pub(super) fn destination(&self, settings: &Settings) -> Answer<Option<String>> {
        let Some(value) = self.field("destination") else { return Ok(None) };
        let name = text(&value).unwrap_or_default();
        if settings.destinations.iter().any(|it| it.name == name) {
            return Ok(Some(name));
        }
        invalid(["destination: ", &unknown_destination(&name, settings)].concat())
    }

    fn cursor(&self) -> Option<String> {
        self.field("cursor").map(|cursor| text(&cursor).unwrap_or_default())
    }

    fn address(&self) -> Answer<String> {
        let email = text(&get(&self.0, "email"))
            .map(|email| email.trim().to_owned())
            .filter(|email| (LEAST_EMAIL_BYTES..=MOST_EMAIL_BYTES).contains(&email.len()))
            .filter(|email| email.contains('@'));
        email.map_or_else(
            || {
                invalid(format!(
                    "email must be an e-mail address of {LEAST_EMAIL_BYTES} to {MOST_EMAIL_BYTES} bytes"
                ))
            },
            Ok,
        )
    }

    /// Reads the e-mail address to erase, and where to continue.
    pub(super) fn email(&self) -> Answer<(String, DeliveryId)> {
        let email = self.address()?;
        match self.cursor().map(|cursor| DeliveryId::parse(&cursor)) {
            None => Ok((email, DeliveryId { shard: 0, row: RowId::FIRST })),
            Some(Some(cursor)) => Ok((email, cursor)),
            Some(None) => invalid("cursor must be a value that an erasure returned"),
        }
    }
}
