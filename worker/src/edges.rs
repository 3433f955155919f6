//! The header `walnut-edge`: the edges that a delivery has been through. With it, an edge detects a loop: it forwards
//! deliveries to itself, directly or through other edges.

use std::cell::OnceCell;

use crate::failure::Failure;
use crate::host;
use crate::network::hex;

pub(crate) const HEADER: &str = "walnut-edge";

/// How many edges a delivery may have been through when it arrives.
const MOST_EDGES: usize = 7;

/// The longest ID that is forwarded, in bytes.
const MAX_ID_BYTES: usize = 64;

/// How many random bytes an edge's own ID has.
const ID_BYTES: u32 = 16;

thread_local! {
    static OWN: OnceCell<String> = const { OnceCell::new() };
}

/// Makes a random ID.
pub(crate) fn make_id() -> String {
    hex(host::random(ID_BYTES).to_vec().iter())
}

/// Returns the ID of this isolate. In direct mode, each isolate counts as an edge.
pub(crate) fn isolate_id() -> String {
    OWN.with(|own| own.get_or_init(make_id).clone())
}

/// Reads the header, which any client can set. Returns the list without entries that no edge can have added.
///
/// # Errors
///
/// The list has too many edges.
pub(crate) fn parse(header: Option<&str>) -> Result<String, Failure> {
    let mut list = String::new();
    let Some(header) = header else { return Ok(list) };
    for (index, id) in ids(header).enumerate() {
        if index >= MOST_EDGES {
            return Err(Failure::Loop);
        }
        if id.len() <= MAX_ID_BYTES && id.bytes().all(|c| c.is_ascii_graphic()) {
            push(&mut list, id);
        }
    }
    Ok(list)
}

/// Returns whether a list contains an edge.
pub(crate) fn contains(list: &str, id: &str) -> bool {
    ids(list).any(|it| it == id)
}

/// Returns a list with one more edge.
///
/// # Errors
///
/// The list already has the edge.
pub(crate) fn add(mut list: String, id: &str) -> Result<String, Failure> {
    if contains(&list, id) {
        return Err(Failure::Loop);
    }
    push(&mut list, id);
    Ok(list)
}

fn ids(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|id| !id.is_empty())
}

pub(crate) fn push(list: &mut String, id: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_list() {
        let parse = |header| parse(Some(header)).map_err(|failure| failure.code());
        assert_eq!(parse(""), Ok(String::new()));
        assert_eq!(parse("a, b ,,c"), Ok("a,b,c".to_owned()));
        assert_eq!(parse("a,b,c,d,e,f,g"), Ok("a,b,c,d,e,f,g".to_owned()));
        assert_eq!(parse("a,b,c,d,e,f,g,h"), Err("loop"));
        let long = "x".repeat(64);
        assert_eq!(parse(&format!("{long},{long}x,caf\u{e9},a b")), Ok(long));
        assert_eq!(super::parse(None).ok(), Some(String::new()));
    }

    #[test]
    fn adds_an_edge_once() {
        let add = |list: &str| add(list.to_owned(), "b").ok();
        assert_eq!(add("").as_deref(), Some("b"));
        assert_eq!(add("a").as_deref(), Some("a,b"));
        assert_eq!(add("ab").as_deref(), Some("ab,b"));
        assert_eq!(add("a,b,c"), None);
    }
}
