//! A Cloudflare Worker that stands between Walnut and its customer: it verifies each delivery at the
//! edge, stores the genuine ones and sends them on, byte for byte, until each destination has them.

mod admin;
mod answer;
mod config;
mod digits;
mod explain;
mod failpoint;
mod forward;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod inbox;
mod js;
mod life;
mod log;
mod receive;
mod shards;
mod standard;
mod task;
mod watch;

use std::cell::OnceCell;
use std::rc::Rc;

use answer::{Failure, failed, ok};
use config::{Config, Mistakes, Mode, Settings};
pub use inbox::Inbox;
use task::Task;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use web_sys::{Request, Response, Url};
use worker::{Context, Env, worker_sys};

/// Half the size of the standard library's.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

thread_local! {
    /// Bindings don't change in the life of an isolate, so they are read once.
    static CONFIG: OnceCell<Result<Config, Mistakes>> = const { OnceCell::new() };
}

/// Answers one request: the task comes to the response.
#[must_use]
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env, context: worker_sys::Context) -> Task {
    #[cfg(feature = "failpoints")]
    failpoint::trap_at("trap", &request.headers().get("x-failpoint").unwrap_or_default().into());

    let context = Context::new(context);
    Task::new(async move { answer(&request, &env, &context).await.into() })
}

async fn answer(request: &Request, env: &Env, context: &Context) -> Response {
    let now = js::now();
    let settings = match settings(env, now) {
        Ok(settings) => settings,
        Err(mistakes) => {
            log::misconfigured(&mistakes);
            return failed(&Failure::Misconfigured);
        }
    };
    let (url, method) = (request.url(), request.method());
    let path = path_of(&url);
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
    } else if let Some(path) = config::below_admin(path) {
        admin::respond(request, &url, path, env, &settings).await
    } else {
        failed(&Failure::NotFound)
    }
}

/// Returns the path of an absolute URL.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path)
}

/// Wakes every shard, should one have lost its alarm.
#[must_use]
#[wasm_bindgen]
pub fn scheduled(env: Env) -> Task {
    Task::new(async move {
        match settings(&env, js::now()) {
            Ok(settings) if settings.mode == Mode::Durable => shards::wake(&env, &settings).await,
            Ok(_) => {}
            Err(mistakes) => log::misconfigured(&mistakes),
        }
        JsValue::UNDEFINED
    })
}

/// Returns the settings that hold at a time, in milliseconds since the Unix epoch.
fn settings(env: &Env, now: u64) -> Result<Rc<Settings>, Mistakes> {
    CONFIG.with(|config| match config.get_or_init(|| Config::read(config::of(env), is_url)) {
        Ok(config) => config.at(now),
        Err(mistakes) => Err(mistakes.clone()),
    })
}

/// Whether the platform takes a text for a URL.
fn is_url(text: &str) -> bool {
    Url::new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn a_path_is_found_in_a_url() {
        for (url, path) in [
            ("https://a.example/webhook", "/webhook"),
            ("https://a.example/webhook?x=/y", "/webhook"),
            ("https://a.example/a/b#c?d", "/a/b"),
            ("https://a.example", "/"),
            ("https://a.example:8443/", "/"),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }
}
