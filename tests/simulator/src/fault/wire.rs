//! Faults on the wire, applied.

use super::text::{Edit, edit};
use super::{CutFraming, WireFault, soap_fault};
use crate::http::{Body, Ending, Framing, Response, body_stream, http_date, reason};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::io;
use std::time::Duration;

/// How long these faults hold an answer back.
pub fn delay(faults: &[WireFault]) -> Duration {
    let ms = faults.iter().fold(0u64, |sum, fault| match fault {
        WireFault::Delay { ms } => sum.saturating_add(*ms),
        _ => sum,
    });
    Duration::from_millis(ms)
}

/// The wait these faults ask the client for, if they name one.
pub fn wait(faults: &[WireFault]) -> Option<Duration> {
    faults.iter().find_map(|fault| match fault {
        WireFault::Status { retry_after_s: Some(seconds), .. }
        | WireFault::GraphError { retry_after_s: Some(seconds), .. }
        | WireFault::ReinferError { retry_after_s: Some(seconds), .. } => u64::try_from(*seconds).ok().map(Duration::from_secs),
        WireFault::SoapFault { back_off_ms: Some(ms), .. } => Some(Duration::from_millis(*ms)),
        _ => None,
    })
}

/// The answer a fault gives instead of the operation's own; the operation is then not carried out at all.
pub fn replacement(faults: &[WireFault]) -> Option<Response> {
    faults.iter().find_map(instead)
}

fn instead(fault: &WireFault) -> Option<Response> {
    Some(match fault {
        WireFault::Status { status, body, headers, retry_after_s, retry_after_date, close } => {
            let page = body.clone().unwrap_or_else(|| page_of(*status));
            let mut response = if page.is_empty() { Response::new(*status) } else { Response::html(*status, page) };
            for (name, value) in headers {
                response.headers.set(name, value);
            }
            if let Some(seconds) = retry_after_s {
                response.headers.set("Retry-After", retry_after(*seconds, *retry_after_date));
            }
            response.wire.close = *close;
            response
        }
        WireFault::SoapFault { code, message, back_off_ms, status } => {
            let message = message.clone().unwrap_or_else(|| format!("The request failed with {code}."));
            let values: Vec<_> = back_off_ms.iter().map(|ms| ("BackOffMilliseconds", ms.to_string())).collect();
            Response::xml(status.unwrap_or(500), soap_fault(code, &message, &values))
        }
        WireFault::GraphError { status, code, message, retry_after_s, retry_after_date } => {
            let text = message.clone().unwrap_or_else(|| format!("The request failed with {code}."));
            let mut response = Response::json(*status, &serde_json::json!({ "error": { "code": code, "message": text } }));
            if let Some(seconds) = retry_after_s {
                response.headers.set("Retry-After", retry_after(*seconds, *retry_after_date));
            }
            response
        }
        WireFault::ReinferError { status, message, retry_after_s, retry_after_date } => {
            let text = message.clone().unwrap_or_else(|| format!("{status} {}", reason(*status)));
            let mut response = Response::json(*status, &serde_json::json!({ "status": "error", "message": text }));
            if let Some(seconds) = retry_after_s {
                response.headers.set("Retry-After", retry_after(*seconds, *retry_after_date));
            }
            response
        }
        WireFault::NoResponse => lost(Response::new(200), Ending::Cut),
        WireFault::Hang { carried_out: false } => lost(Response::new(200), Ending::Stall),
        WireFault::EmptyBody => Response::new(200).header("Content-Type", "text/xml; charset=utf-8"),
        WireFault::HtmlPage => {
            Response::html(200, "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>")
        }
        _ => return None,
    })
}

/// A response of which no byte comes.
fn lost(mut response: Response, ending: Ending) -> Response {
    response.wire.no_head = true;
    stop(&mut response, 0, ending);
    response
}

/// `Retry-After` as seconds or as a date.
pub(crate) fn retry_after(seconds: i64, as_date: bool) -> String {
    let later = TimeDelta::try_seconds(seconds).and_then(|wait| Utc::now().checked_add_signed(wait));
    match later {
        Some(moment) if as_date => http_date(moment),
        _ => seconds.to_string(),
    }
}

/// A page as IIS makes it.
fn page_of(status: u16) -> String {
    match status {
        200..=299 | 304 => String::new(),
        500 => "<html><head><title>Runtime Error</title></head><body><h1>Server Error in '/EWS' Application.</h1></body></html>".to_owned(),
        503 => "<!DOCTYPE HTML><HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD><BODY><h2>Service Unavailable</h2><hr><p>HTTP Error 503. The service is unavailable.</p></BODY></HTML>".to_owned(),
        status => format!("<html><head><title>{status}</title></head><body><h2>{status}</h2></body></html>"),
    }
}

/// Damages an answer. True in the second place when its bytes are no longer what the operation made, so that nobody validates them.
pub fn damage(mut response: Response, faults: &[WireFault], operation: &str) -> (Response, bool) {
    let mut broken = false;
    for fault in faults {
        let spoils = !matches!(
            fault,
            WireFault::Delay { .. }
                | WireFault::Status { .. }
                | WireFault::SoapFault { .. }
                | WireFault::GraphError { .. }
                | WireFault::ReinferError { .. }
        );
        let keeps = matches!(
            fault,
            WireFault::FaultsUnder200
                | WireFault::TinyChunks { .. }
                | WireFault::Slow { .. }
                | WireFault::ContentType { .. }
                | WireFault::Prefixes
                | WireFault::NoDeclaration
                | WireFault::DoubleResponse
                | WireFault::UnsolicitedTimeout { .. }
        );
        broken |= spoils && !keeps;
        response = apply(response, fault, operation);
    }
    (response, broken)
}

fn apply(mut response: Response, fault: &WireFault, operation: &str) -> Response {
    match fault {
        WireFault::FaultsUnder200 if response.status == 500 && is_xml(&response) => response.status = 200,
        WireFault::AnswerLost => return lost(response, Ending::Cut),
        WireFault::CutHead { after_bytes } => {
            response.wire.head_stops_after = Some(*after_bytes);
            stop(&mut response, 0, Ending::Cut);
        }
        WireFault::Hang { carried_out: true } => return lost(response, Ending::Stall),
        WireFault::Stall { after_bytes } => stop(&mut response, *after_bytes, Ending::Stall),
        WireFault::Reset { after_bytes } => stop(&mut response, *after_bytes, Ending::Reset),
        WireFault::Truncate { after_bytes } => stop(&mut response, *after_bytes, Ending::Finish),
        WireFault::Cut { after_bytes, framing } => {
            stop(&mut response, *after_bytes, Ending::Cut);
            response.wire.framing = match (framing, &response.body) {
                (CutFraming::Natural, _) => Framing::Natural,
                (CutFraming::Chunked, _) => Framing::Chunked,
                (CutFraming::Close, _) => Framing::UntilClose,
                (CutFraming::Length, Body::Full(bytes)) => Framing::Declared(bytes.len() as u64),
                // How long a body made as it is sent would be is not known; more than comes is all that matters.
                (CutFraming::Length, Body::Stream(_)) => Framing::Declared(after_bytes.saturating_add(4096)),
            };
        }
        WireFault::Slow { bytes_per_second } => {
            let body = body_stream(std::mem::take(&mut response.body));
            response.body = Body::Stream(slowly(body, (*bytes_per_second).max(1)));
        }
        WireFault::DoubleResponse => response.wire.epilogue = Some(second_response(operation)),
        WireFault::UnsolicitedTimeout { ms } => response.wire.timeout_notice = Some(Duration::from_millis(*ms)),
        WireFault::TinyChunks { max } => response.wire.tiny_chunks = Some((*max).max(1)),
        WireFault::ContentType { value } => {
            response.headers.remove("content-type");
            if !value.is_empty() {
                response.headers.push("Content-Type", value);
            }
        }
        WireFault::ByteOrderMark => return edit(response, Edit::before(&b"\xef\xbb\xbf"[..])),
        WireFault::LeadingWhitespace => return edit(response, Edit::before(&b"\r\n \t\r\n"[..])),
        WireFault::NoDeclaration => return edit(response, Edit::without_declaration()),
        WireFault::Junk => return edit(response, Edit::after(&b"\r\nAn error occurred while the page was processed."[..])),
        WireFault::SecondEnvelope => {
            let second = soap_fault("ErrorInternalServerError", "An internal server error occurred. The operation failed.", &[]);
            return edit(response, Edit::after(second));
        }
        WireFault::RawControl { byte } => return edit(response, Edit::in_text(vec![Bytes::from(vec![byte.unwrap_or(0x1f)])])),
        WireFault::InvalidUtf8 => return edit(response, Edit::in_text(vec![Bytes::from_static(b"\xe9")])),
        WireFault::IllegalReference { reference } => {
            let reference = reference.as_deref().unwrap_or("&#x1F;").as_bytes();
            let (left, right) = reference.split_at(reference.len() / 2);
            return edit(response, Edit::in_text(vec![Bytes::copy_from_slice(left), Bytes::copy_from_slice(right)]));
        }
        WireFault::Prefixes => return edit(response, Edit::prefixes()),
        _ => {}
    }
    response
}

/// Makes a body wait for each tenth of a second's worth of itself.
fn slowly(body: BoxStream<'static, io::Result<Bytes>>, rate: u64) -> BoxStream<'static, io::Result<Bytes>> {
    let step = usize::try_from(rate / 10).unwrap_or(usize::MAX).max(1);
    stream::unfold((body, Bytes::new()), move |(mut body, mut rest)| async move {
        if rest.is_empty() {
            match body.next().await? {
                Ok(piece) => rest = piece,
                Err(error) => return Some((Err(error), (body, rest))),
            }
        }
        let piece = rest.split_to(rest.len().min(step));
        let micros = (piece.len() as u64).saturating_mul(1_000_000) / rate;
        tokio::time::sleep(Duration::from_micros(micros)).await;
        Some((Ok(piece), (body, rest)))
    })
    .boxed()
}

fn stop(response: &mut Response, after: u64, ending: Ending) {
    response.wire.stop_after = Some(after);
    response.wire.ending = ending;
}

fn is_xml(response: &Response) -> bool {
    response.headers.value("content-type").is_some_and(|kind| kind.contains("xml"))
}

/// The answer nobody asked for: an envelope whose body holds the operation's bare name.
pub(crate) fn second_response(operation: &str) -> Bytes {
    let body = format!(
        r#"<?xml version="1.0" encoding="utf-8"?><SOAP:Envelope xmlns:SOAP="http://schemas.xmlsoap.org/soap/envelope/"><SOAP:Body><{operation}/></SOAP:Body></SOAP:Envelope>"#
    );
    Bytes::from(format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}
