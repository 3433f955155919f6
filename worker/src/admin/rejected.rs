//! The admin API of the quarantine: lists the kept requests, and delivers or erases them.

use serde::Serialize;
use web_sys::{Response, Url};

use super::question::{Page, parse_row};
use super::{Answer, Shards, ShownBody, page};
use crate::answer::value;
use crate::explain;
use crate::failure::Failure;
use crate::protocol::{
    Count, GetStatus, Payload, Rejected, RejectedDetails, RemoveRejected, ShowRejected,
};
use crate::quarantine::verify;
use crate::receive::{self, Message};
use crate::shards::FIRST;

/// The reason why the signature of a kept request is rejected.
#[derive(Serialize)]
struct Explained {
    cause: &'static str,
    problem: String,
    fix: &'static str,
}

impl Shards<'_> {
    /// Lists the kept requests, the newest first, and counts all rejections by code.
    pub(super) async fn list_rejected(&self, url: &Url) -> Answer<Response> {
        #[derive(Serialize)]
        struct Listed {
            rejected: Vec<Rejected>,
            cursor: Option<String>,
            counted: Vec<Counted>,
        }
        #[derive(Serialize)]
        struct Counted {
            code: String,
            count: u64,
        }
        let page = Page::parse_rejected(&url.search_params())?;
        let mut rejected = self.ask(FIRST, page.question_rejected()).await?;
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let has_more = rejected.len() > limit;
        rejected.truncate(limit);
        let cursor = rejected.last().filter(|_| has_more).map(|last| last.id.clone());
        // Only the first shard counts rejections.
        let counted = self.ask(FIRST, GetStatus).await?.refused.into_iter();
        let counted = counted.map(|Count { name, count }| Counted { code: name, count }).collect();
        Ok(value(&Listed { rejected, cursor, counted }))
    }

    async fn rejected(&self, id: &str) -> Answer<RejectedDetails> {
        let row = parse_row(id)?;
        self.ask(FIRST, ShowRejected { row }).await?.ok_or(Failure::NotFound)
    }

    pub(super) async fn show_rejected(&self, id: &str) -> Answer<Response> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Shown {
            #[serde(flatten)]
            rejected: Rejected,
            content_type: Option<String>,
            signature: Option<String>,
            body: Option<ShownBody>,
            explained: Explained,
        }
        let RejectedDetails { rejected, payload } = self.rejected(id).await?;
        let body = payload.body();
        let bytes = body.as_ref().map(js_sys::Uint8Array::to_vec).unwrap_or_default();
        let keys = explain::keys(self.env, self.settings);
        let result = explain::explained(&keys, &bytes, payload.signature.as_deref(), Vec::new());
        let explained =
            Explained { cause: result.cause.as_str(), problem: result.problem, fix: result.fix };
        Ok(value(&Shown {
            rejected,
            content_type: payload.content_type,
            signature: payload.signature,
            body: body.as_ref().map(ShownBody::new),
            explained,
        }))
    }

    pub(super) async fn rejected_body(&self, id: &str) -> Answer<Response> {
        let body = self.rejected(id).await?.payload.body();
        body.map(page::download).ok_or(Failure::NotFound)
    }

    /// Turns a kept request into a delivery, if any key verifies it.
    pub(super) async fn deliver_rejected(&self, id: &str) -> Answer<Response> {
        #[derive(Serialize)]
        struct Delivered {
            stored: &'static str,
        }
        let RejectedDetails { rejected, payload } = self.rejected(id).await?;
        let Some(body) = payload.body() else { return Err(Failure::NotFound) };
        let Payload { content_type, signature, .. } = payload;
        let signature = signature.unwrap_or_default();
        let finding = verify(self.settings, &body.to_vec(), &signature, rejected.received);
        let headline = finding.genuine.ok_or(Failure::NotVerified)?;
        let message = Message {
            signature: &signature,
            content_type: &content_type.unwrap_or_default(),
            body: &body,
            received: Some(rejected.received),
        };
        let stored = receive::store(self.env, self.settings, &headline, &message).await?;
        let row = parse_row(id)?;
        self.ask(FIRST, RemoveRejected { row, is_delivered: true }).await?;
        Ok(value(&Delivered { stored: stored.as_str() }))
    }

    pub(super) async fn erase_rejected(&self, id: &str) -> Answer<Response> {
        #[derive(Serialize)]
        struct Done {
            erased: u32,
        }
        let row = parse_row(id)?;
        match self.ask(FIRST, RemoveRejected { row, is_delivered: false }).await? {
            0 => Err(Failure::NotFound),
            erased => Ok(value(&Done { erased })),
        }
    }
}
