//! The page of the delivery log: files that hold no data, and so need no token.

use worker::{Response, ResponseBuilder, Result};

/// Only what comes from here, and no text ever as markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Answers one of the page's files, by its path below `/admin`; `None` is none of them.
pub(super) fn file(path: &str) -> Option<Result<Response>> {
    let (content_type, text) = match path {
        "" | "/" => ("text/html; charset=utf-8", include_str!("../../page/index.html")),
        "/page.css" => ("text/css; charset=utf-8", include_str!("../../page/page.css")),
        "/page.js" => (SCRIPT, include_str!("../../page/page.js")),
        "/api.js" => (SCRIPT, include_str!("../../page/api.js")),
        "/elements.js" => (SCRIPT, include_str!("../../page/elements.js")),
        _ => return None,
    };
    Some(answer(content_type, "no-cache", text.as_bytes().to_vec()))
}

/// Answers a body as it came, for nothing but to be kept: it may be anything.
pub(super) fn download(body: Vec<u8>) -> Result<Response> {
    let mut response = answer("application/octet-stream", "no-store", body)?;
    response.headers_mut().set("content-disposition", "attachment; filename=\"body\"")?;
    Ok(response)
}

/// Answers metrics (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).
pub(super) fn metrics(text: String) -> Result<Response> {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    answer(content_type, "no-store", text.into_bytes())
}

fn answer(content_type: &str, cache_control: &str, body: Vec<u8>) -> Result<Response> {
    let builder = ResponseBuilder::new()
        .with_header("content-type", content_type)?
        .with_header("cache-control", cache_control)?
        .with_header("content-security-policy", POLICY)?
        .with_header("x-content-type-options", "nosniff")?
        .with_header("referrer-policy", "no-referrer")?;
    Ok(builder.fixed(body))
}
