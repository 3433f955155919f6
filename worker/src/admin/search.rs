//! The admin API's lists of deliveries: the newest ones, the results of a search, and the export of a period.

use js_sys::Array;
use serde::Serialize;
use wasm_bindgen::JsValue;
use web_sys::{Response, Url};

use super::question::{Body, Cursor, MOST_LIMIT, Page, SearchTerm};
use super::{Answer, Shards, inbox_failed, merge, page};
use crate::answer::value;
use crate::host;
use crate::protocol::{self, Delivery, Listed, Request};
use crate::shards::Replies;

/// A list of deliveries in an answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    deliveries: Vec<Delivery>,
    cursor: Option<String>,
    /// A value that changes with each stored delivery. The results of a search have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
    broken_shards: Vec<u32>,
}

impl Answered {
    fn new(replies: Replies<Listed>, limit: u32) -> Self {
        let Replies { all, broken } = replies;
        let lists = all.into_iter().map(|shard| (shard.deliveries, shard.searched)).collect();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (deliveries, cursor) = merge(lists, Cursor::from_delivery, limit);
        let cursor = cursor.map(|cursor| cursor.to_string());
        Self { deliveries, cursor, newest: None, broken_shards: broken }
    }
}

impl Shards<'_> {
    pub(super) async fn list(&self, url: &Url) -> Answer<Response> {
        let page = Page::parse(&url.search_params())?;
        let ask = || self.ask_all(|shard| page.question(shard));
        let mut replies = ask().await?;
        if let Some(ms) = page.wait_ms
            && page.newest.as_ref().is_none_or(|known| *known == newest(&replies.all))
        {
            let rows = replies.all.iter().filter_map(|shard| shard.newest);
            let rows: Array = rows.map(|id| JsValue::from_str(&id.to_string())).collect();
            host::wait_for_newer(self.env, self.settings, &rows, ms)
                .await
                .map_err(|problem| inbox_failed(&problem))?;
            replies = ask().await?;
        }
        let newest = newest(&replies.all);
        Ok(value(&Answered { newest: Some(newest), ..Answered::new(replies, page.limit) }))
    }

    /// Finds deliveries by an ID, by a session's ID, or by an e-mail address.
    pub(super) async fn search(&self, body: &Body) -> Answer<Response> {
        let SearchTerm { ids, email, cursor } = body.search_term()?;
        let question = |shard| protocol::Search {
            ids: ids.clone(),
            email: email.clone(),
            before: cursor.before(shard),
        };
        Ok(value(&Answered::new(self.ask_all(question).await?, MOST_LIMIT)))
    }

    pub(super) fn export(&self, url: &Url) -> Answer<Response> {
        let request: Request = Page::parse_export(&url.search_params())?.into();
        let request = protocol::write(&request).map_err(|problem| inbox_failed(&problem))?;
        let lines = host::export_lines(self.env, self.settings, self.count, &request);
        Ok(page::export(lines))
    }
}

/// Returns the sum of the numbers of the newest rows. Each stored delivery increases it.
fn newest(shards: &[Listed]) -> String {
    let rows = shards.iter().filter_map(|shard| shard.newest);
    rows.fold(0_u64, |sum, id| sum.wrapping_add(id.row.0)).to_string()
}
