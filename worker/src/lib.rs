//! A Cloudflare Worker that stands between Walnut and an origin: it verifies each delivery at the
//! edge and forwards the genuine ones, byte for byte.

mod answer;
mod config;
mod forward;
#[expect(dead_code, reason = "what carries it out is not built yet")]
mod life;
mod log;
mod receive;
mod standard;

use std::cell::OnceCell;
use std::rc::Rc;

use answer::{Failure, failed, ok};
use config::{Config, Mistakes, Mode, Settings};
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
            Ok(config) => config.at(now).and_then(direct),
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

/// Refuses durable mode, of which only the configuration is here so far: nothing is ever answered 200
/// that is not stored or taken.
fn direct(settings: Rc<Settings>) -> std::result::Result<Rc<Settings>, Mistakes> {
    match settings.mode {
        Mode::Direct => Ok(settings),
        Mode::Durable => Err(vec!["MODE must be direct: there is no other yet".to_owned()]),
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
