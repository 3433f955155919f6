//! A Cloudflare Worker that stands between Walnut and an origin: it verifies each delivery at the
//! edge and forwards the genuine ones, byte for byte.

mod answer;
mod config;
mod forward;
mod life;
mod log;
mod receive;
mod standard;

use std::cell::OnceCell;

use answer::{Failure, failed, ok};
use config::{Config, Mistakes};
use worker::{Context, Date, Env, Request, Response, Result, event};

thread_local! {
    /// Bindings don't change in the life of an isolate, so they are read once.
    static CONFIG: OnceCell<std::result::Result<Config, Mistakes>> = const { OnceCell::new() };
}

/// Answers one request.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    #[cfg(feature = "failpoints")]
    failpoint(&request)?;

    let now = Date::now().as_millis();
    let settings =
        CONFIG.with(|config| match config.get_or_init(|| Config::read(config::of(&env))) {
            Ok(config) => config.at(now),
            Err(mistakes) => Err(mistakes.clone()),
        });
    let settings = match settings {
        Ok(settings) => settings,
        Err(mistakes) => {
            log::misconfigured(&mistakes);
            return failed(&Failure::Misconfigured);
        }
    };
    let path = request.path();
    // As text: the `Method` of the worker crate takes one that it does not know for GET.
    let method = request.inner().method();
    if path == settings.path {
        match method.as_str() {
            "POST" => receive::delivery(request, &settings).await,
            _ => failed(&Failure::MethodNotAllowed("POST")),
        }
    } else if path == config::HEALTH_PATH {
        match method.as_str() {
            "GET" | "HEAD" => ok(),
            _ => failed(&Failure::MethodNotAllowed("GET, HEAD")),
        }
    } else {
        failed(&Failure::NotFound)
    }
}

/// Traps where a test asks for it. Not in the build that is deployed.
#[cfg(feature = "failpoints")]
fn failpoint(request: &Request) -> Result<()> {
    if request.headers().get("x-failpoint")?.as_deref() == Some("trap") {
        #[cfg(target_arch = "wasm32")]
        core::arch::wasm32::unreachable();
    }
    Ok(())
}
