//! A Cloudflare Worker between Walnut and its customer: it verifies each delivery at the edge, stores the genuine ones,
//! and sends them on, byte for byte, until each destination has accepted them.

mod admin;
mod answer;
mod config;
mod digits;
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

use answer::{failed, ok};
use config::Mode;
use failure::Failure;
pub use inbox::Inbox;
use receive::Head;
use task::Task;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use web_sys::{Request, Response, Url};
use worker::{Context, Env, worker_sys};

/// Its code is half the size of the standard library's allocator.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[wasm_bindgen]
impl Task {
    /// Answers one request: the result is the response. The last three arguments are headers: the signature, the content
    /// type and the content length.
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
    ) {
        #[cfg(feature = "failpoints")]
        failpoint::trap_at(
            "trap",
            &request.headers().get("x-failpoint").unwrap_or_default().into(),
        );

        let context = Context::new(context);
        let head = Head { method, url, signature, content_type, content_length };
        self.begin(async move { respond(&request, head, &env, &context).await.into() });
    }

    /// Wakes every shard, in case the platform has lost the alarm of one.
    pub fn scheduled(&mut self, env: Env) {
        self.begin(async move {
            match config::settings(&env, js::now()) {
                Ok(settings) if settings.mode == Mode::Durable => {
                    shards::wake(&env, &settings).await;
                }
                Ok(_) => {}
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
    let path = head.path();
    if path == config::HEALTH_PATH {
        match head.method.as_str() {
            "GET" | "HEAD" if settings.holds() => failed(&Failure::Misconfigured),
            "GET" | "HEAD" if settings.verifier.is_none() => {
                if quarantine::is_in_setup(env, &settings).await {
                    answer::in_setup()
                } else {
                    failed(&Failure::Misconfigured)
                }
            }
            "GET" | "HEAD" => ok(),
            _ => failed(&Failure::MethodNotAllowed("GET, HEAD")),
        }
    } else if let Some(below) = config::below_admin(path) {
        match Url::new(&head.url) {
            Ok(url) => admin::respond(request, &url, below, env, &settings).await,
            Err(_) => failed(&Failure::NotFound),
        }
    } else if settings.path.as_deref().is_none_or(|webhook| webhook == path) {
        match head.method.as_str() {
            "POST" => {
                let note = |check| watch::note(check, env, context, &settings, now);
                receive::delivery(request, head, env, context, &settings, now, note).await
            }
            _ => failed(&Failure::MethodNotAllowed("POST")),
        }
    } else {
        failed(&Failure::NotFound)
    }
}
