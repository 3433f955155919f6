//! The admin API of drift: lists the differences from the documented shapes that were seen.

use web_sys::Response;

use super::{Answer, Shards};
use crate::answer::object;
use crate::json::Item;
use crate::protocol::GetDrift;
use crate::shards::FIRST;

impl Shards<'_> {
    /// Lists the differences, the newest first.
    pub(super) async fn list_drift(&self) -> Answer<Response> {
        Ok(object(&[("drift", Item::Json(self.ask(FIRST, GetDrift).await?))]))
    }
}
