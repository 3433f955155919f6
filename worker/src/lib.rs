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
mod protocol;
mod receive;
mod shards;
mod standard;
mod task;
mod watch;

use answer::{failed, ok};
use config::Mode;
use failure::Failure;
pub use inbox::Inbox;
use task::Task;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use web_sys::{Request, Response, Url};
use worker::{Context, Env, worker_sys};

/// Its code is half the size of the standard library's allocator.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Answers one request: the task's result is the response.
#[must_use]
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env, context: worker_sys::Context) -> Task {
    #[cfg(feature = "failpoints")]
    failpoint::trap_at("trap", &request.headers().get("x-failpoint").unwrap_or_default().into());

    let context = Context::new(context);
    Task::new(async move { respond(&request, &env, &context).await.into() })
}

async fn respond(request: &Request, env: &Env, context: &Context) -> Response {
    let now = js::now();
    let settings = match config::settings(env, now) {
        Ok(settings) => settings,
        Err(mistakes) => {
            log::misconfigured(&mistakes);
            return failed(&Failure::Misconfigured);
        }
    };
    let Ok(url) = Url::new(&request.url()) else { return failed(&Failure::NotFound) };
    let (path, method) = (url.pathname(), request.method());
    if path == settings.path {
        match method.as_str() {
            "POST" => {
                let note = |check| watch::note(check, env, context, &settings, now);
                receive::delivery(request, env, context, &settings, now, note).await
            }
            _ => failed(&Failure::MethodNotAllowed("POST")),
        }
    } else if path == config::HEALTH_PATH {
        match method.as_str() {
            "GET" | "HEAD" => ok(),
            _ => failed(&Failure::MethodNotAllowed("GET, HEAD")),
        }
    } else if let Some(path) = config::below_admin(&path) {
        admin::respond(request, &url, path, env, &settings).await
    } else {
        failed(&Failure::NotFound)
    }
}

/// Wakes every shard, in case the platform has lost the alarm of one.
#[must_use]
#[wasm_bindgen]
pub fn scheduled(env: Env) -> Task {
    Task::new(async move {
        match config::settings(&env, js::now()) {
            Ok(settings) if settings.mode == Mode::Durable => shards::wake(&env, &settings).await,
            Ok(_) => {}
            Err(mistakes) => log::misconfigured(&mistakes),
        }
        JsValue::UNDEFINED
    })
}
