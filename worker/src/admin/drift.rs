//! The admin API of drift: lists the differences from the documented shapes that were seen.

use serde::Serialize;
use web_sys::Response;

use super::{Answer, Shards};
use crate::answer::value;
use crate::protocol::{Difference, GetDrift};
use crate::shards::FIRST;

impl Shards<'_> {
    /// Lists the differences, the newest first.
    pub(super) async fn list_drift(&self) -> Answer<Response> {
        #[derive(Serialize)]
        struct Listed {
            drift: Vec<Difference>,
        }
        Ok(value(&Listed { drift: self.ask(FIRST, GetDrift).await? }))
    }
}
