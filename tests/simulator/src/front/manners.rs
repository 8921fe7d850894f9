//! What Exchange's front end adds to every answer, and the manners of servers that are not Exchange.

use crate::auth::Doors;
use crate::fault::second_response;
use crate::http::{Request, Response};
use crate::oauth::guid;
use bytes::Bytes;
use std::time::Duration;

/// The server every answer claims to come from.
const SERVER: &str = "EXCH01";

/// Adds the fields a client of Exchange sees, or for the habit `plain-headers` takes away what other servers do not send.
pub(super) fn dress(mut response: Response, request: &Request, doors: &Doors<'_>) -> Response {
    if doors.quirks.has("plain-headers") {
        if response.headers.value("content-type").is_some_and(|kind| kind.starts_with("text/xml")) {
            response.headers.set("Content-Type", "text/xml");
        }
        return response;
    }
    let id = request.header("client-request-id").map(str::to_owned);
    response.headers.push("Cache-Control", "private");
    response.headers.push("Server", "Microsoft-IIS/10.0");
    response.headers.push("request-id", guid());
    if let Some(id) = id {
        response.headers.push("client-request-id", id);
    }
    response.headers.push("X-CalculatedBETarget", format!("{}.example.com", SERVER.to_lowercase()));
    response.headers.push("X-DiagInfo", SERVER);
    response.headers.push("X-BEServer", SERVER);
    response.headers.push("X-FEServer", SERVER);
    response.headers.push("X-Powered-By", "ASP.NET");
    let cookies = request.header("cookie").unwrap_or_default();
    if !cookies.contains("exchangecookie=") {
        response.headers.push("Set-Cookie", format!("exchangecookie={}; path=/; HttpOnly", guid().replace('-', "")));
    }
    let wants_affinity = request.header("x-preferserveraffinity").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    if wants_affinity && !cookies.contains("X-BackEndOverrideCookie=") {
        let value = format!("X-BackEndOverrideCookie={}.example.com~1943310282; path=/; HttpOnly", SERVER.to_lowercase());
        response.headers.push("Set-Cookie", value);
    }
    response
}

/// What some servers refuse before they look at credentials.
pub(super) fn refuse_before_login(request: &Request, doors: &Doors<'_>) -> Option<Response> {
    if doors.quirks.has("unchallenged-405") && request.method != "POST" {
        return Some(Response::new(405).header("Allow", "POST"));
    }
    if doors.quirks.has("no-chunked-requests") && request.header("transfer-encoding").is_some() {
        return Some(Response::new(400).closing());
    }
    None
}

/// The habits of a lenient server that concern connections.
pub(super) fn misbehave(mut response: Response, request: &Request, operation: &str, doors: &Doors<'_>) -> Response {
    let fault = response.status == 500;
    if fault && doors.quirks.has("faults-under-200") {
        response.status = 200;
    }
    if fault && doors.quirks.has("double-response") {
        response.wire.epilogue = Some(second_response(operation));
    }
    if doors.quirks.has("idle-408") {
        response.wire.timeout_notice = Some(Duration::from_secs(179));
    }
    if doors.quirks.has("mid-size-requests-poison") && (64 * 1024..512 * 1024).contains(&request.body.len()) {
        let text = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        response.wire.epilogue = Some(Bytes::from_static(text.as_bytes()));
        response.wire.vanish = true;
    }
    response
}
