//! The files of the page for the delivery log. They contain no data, so they need no token.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::Response;

use crate::host::{self, Lines};

/// Allows only resources of the page's own origin, and does not let text become markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'";

/// Returns a file of the page, which `tools/build-worker.mjs` minifies.
macro_rules! source {
    ($name:literal) => {
        include_str!(concat!(env!("WALNUT_PAGE"), "/", $name))
    };
}

/// Makes the response of a file by its path below `/admin`; `None` if there is no such file.
pub(super) fn file(path: &str) -> Option<Response> {
    let (content_type, text) = match path {
        "" | "/" => ("text/html; charset=utf-8", source!("index.html")),
        "/page.css" => ("text/css; charset=utf-8", source!("page.css")),
        "/page.js" => ("text/javascript; charset=utf-8", source!("page.js")),
        _ => return None,
    };
    Some(host::respond(200, &headers(content_type, "no-cache"), text))
}

/// Makes the response for downloading a body. Its content is untrusted, so no browser may show it.
pub(super) fn download(body: Uint8Array) -> Response {
    let headers = headers("application/octet-stream", "no-store")
        .with("content-disposition", "attachment; filename=\"body\"");
    host::respond(200, &headers, body)
}

/// Makes the response of an export, which is a stream.
pub(super) fn export(lines: JsValue) -> Response {
    host::respond(200, &headers("application/x-ndjson", "no-store"), lines)
}

/// Makes the response of metrics.
pub(super) fn metrics(text: String) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    host::respond(200, &headers(content_type, "no-store"), text)
}

fn headers(content_type: &str, cache_control: &str) -> Lines {
    Lines::default()
        .with("content-type", content_type)
        .with("cache-control", cache_control)
        .with("content-security-policy", POLICY)
        .with("x-content-type-options", "nosniff")
        .with("referrer-policy", "no-referrer")
}
