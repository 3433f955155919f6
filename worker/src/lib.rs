//! A Cloudflare Worker between Walnut and its customer. It verifies each delivery at the edge, stores the genuine ones,
//! and forwards them, byte for byte, until each destination has accepted them.

mod admin;
mod answer;
mod config;
mod digits;
mod edges;
mod explain;
mod failpoint;
mod failure;
mod forward;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod ids;
mod inbox;
mod js;
mod json;
mod keys;
mod life;
mod log;
mod network;
mod protocol;
mod quarantine;
mod receive;
mod shards;
mod standard;
mod task;
mod watch;

use answer::{failed, logged, ok};
use config::{Mode, Settings};
use failure::Failure;
pub use inbox::Inbox;
use js::Problem;
use receive::Head;
use task::Task;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use watch::Check;
use web_sys::{Request, Response, Url};
use worker::{Context, Env, worker_sys};

#[wasm_bindgen]
impl Task {
    /// Answers one request, and returns the response. The last four arguments are headers: the signature, the content
    /// type, the content length and `walnut-edge`.
    #[expect(clippy::too_many_arguments, reason = "a flat call is the fastest")]
    pub fn fetch(
        &mut self,
        request: Request,
        env: Env,
        context: worker_sys::Context,
        method: String,
        url: String,
        signature: Option<String>,
        content_type: Option<String>,
        content_length: Option<String>,
        edges: Option<String>,
    ) {
        #[cfg(feature = "failpoints")]
        failpoint::trap_at(
            "trap",
            &request.headers().get("x-failpoint").unwrap_or_default().into(),
        );

        let context = Context::new(context);
        let head = Head { method, url, signature, content_type, content_length, edges };
        self.begin(async move { respond(&request, head, &env, &context).await.into() });
    }

    /// Wakes every shard, in case the platform has lost the alarm of one.
    pub fn scheduled(&mut self, env: Env) {
        self.begin(async move {
            let now = js::now();
            match config::settings(&env, now) {
                Ok(settings) => {
                    log::configuration(&shards::mistakes(&settings), &settings.warnings, now);
                    if settings.mode == Mode::Durable {
                        shards::wake(&env, &settings).await;
                    }
                }
                Err(mistakes) => log::misconfigured(&mistakes),
            }
            JsValue::UNDEFINED
        });
    }
}

async fn respond(request: &Request, head: Head, env: &Env, context: &Context) -> Response {
    let now = js::now();
    let settings = match config::settings(env, now) {
        Ok(settings) => settings,
        Err(mistakes) => {
            log::misconfigured(&mistakes);
            return failed(&Failure::Misconfigured);
        }
    };
    log::configuration(&shards::mistakes(&settings), &settings.warnings, now);
    let note = |check| watch::note(check, env, context, &settings, now);
    let path = head.path();
    if path == config::HEALTH_PATH {
        match head.method.as_str() {
            "GET" | "HEAD" => health(env, &settings).await,
            _ => failed(&Failure::MethodNotAllowed("GET, HEAD")),
        }
    } else if let Some(below) = config::below_admin(path) {
        let response = match Url::new(&head.url) {
            Ok(url) => admin::respond(request, &url, below, env, &settings).await,
            Err(_) => failed(&Failure::NotFound),
        };
        if head.is_signed_post() && response.status() == Failure::NotFound.status() {
            note(Check::Refused(log::WRONG_PATH));
            log::wrong_path().write();
        }
        response
    } else if is_webhook(settings.path.as_deref(), path) {
        match head.method.as_str() {
            "POST" => receive::delivery(request, head, env, context, &settings, now, note).await,
            _ => failed(&Failure::MethodNotAllowed("POST")),
        }
    } else if head.is_signed_post() {
        note(Check::Refused(log::WRONG_PATH));
        logged(log::wrong_path(), Some(&Failure::NotFound))
    } else {
        failed(&Failure::NotFound)
    }
}

/// Returns whether Walnut posts to a path: the webhook's path, or the same with a slash at its end, which is a common
/// mistake. If `WEBHOOK_PATH` is a mistake, any path counts.
fn is_webhook(webhook: Option<&str>, path: &str) -> bool {
    webhook.is_none_or(|webhook| {
        path == webhook || (!webhook.ends_with('/') && path.strip_suffix('/') == Some(webhook))
    })
}

/// Reports whether events are received and forwarded. Only the inbox knows the number of shards, so each isolate asks it
/// once.
async fn health(env: &Env, settings: &Settings) -> Response {
    if settings.mode == Mode::Direct {
        return ok();
    }
    let has_no_key = settings.verifier.is_none();
    if has_no_key {
        match quarantine::is_in_setup(env, settings).await {
            Ok(true) => {}
            Ok(false) => return failed(&Failure::Misconfigured),
            Err(problem) => return inbox_failed(&problem),
        }
    }
    if settings.holds() {
        return failed(&Failure::Unhealthy);
    }
    if has_no_key {
        return answer::in_setup();
    }
    match shards::stored_or_set(env, settings).await {
        Ok(_) if shards::mistakes(settings).is_empty() => ok(),
        Ok(_) => failed(&Failure::Unhealthy),
        Err(problem) => inbox_failed(&problem),
    }
}

fn inbox_failed(problem: &Problem) -> Response {
    log::inbox_failed(problem);
    failed(&Failure::InboxFailed)
}

#[cfg(test)]
mod tests {
    use super::is_webhook;

    #[test]
    fn the_webhook_path_may_have_one_more_slash() {
        for path in ["/webhook", "/webhook/"] {
            assert!(is_webhook(Some("/webhook"), path), "{path}");
        }
        for path in ["", "/", "//webhook", "/Webhook", "/webhook//", "/webhooks", "/webhook/x"] {
            assert!(!is_webhook(Some("/webhook"), path), "{path}");
        }
        assert!(is_webhook(Some("/"), "/"));
        assert!(!is_webhook(Some("/"), "//"));
        assert!(is_webhook(None, "/anything"));
    }
}
