//! Compression of answers.

use super::{Body, Framing, Request, Response, Wire};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::io::{self, Write};

/// Whole bodies below this many bytes are sent as they are.
const SMALL: usize = 1024;

/// Compresses the body where the client takes gzip and no fault counts its bytes.
pub(crate) fn compress(mut response: Response, request: &Request) -> Response {
    let taken = request.headers.all("accept-encoding").flat_map(|value| value.split(',')).any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    });
    if !taken || !is_plain(&response.wire) {
        return response;
    }
    response.body = match std::mem::take(&mut response.body) {
        Body::Full(bytes) if bytes.len() < SMALL => {
            response.body = Body::Full(bytes);
            return response;
        }
        Body::Full(bytes) => match whole(&bytes) {
            Ok(packed) => Body::Full(packed),
            Err(error) => {
                tracing::warn!(%error, "cannot compress an answer");
                response.body = Body::Full(bytes);
                return response;
            }
        },
        Body::Stream(plain) => Body::Stream(packed(plain)),
    };
    response.headers.push("Content-Encoding", "gzip");
    response
}

fn is_plain(wire: &Wire) -> bool {
    wire.stop_after.is_none() && wire.framing == Framing::Natural
}

fn whole(bytes: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

/// A stream packed piece by piece: nothing is held back for long, since a slow body must be seen to be slow.
fn packed(plain: BoxStream<'static, io::Result<Bytes>>) -> BoxStream<'static, io::Result<Bytes>> {
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    stream::unfold(Some((plain, encoder)), |state| async move {
        let (mut plain, mut encoder) = state?;
        match plain.next().await {
            Some(Ok(bytes)) => {
                let written = encoder.write_all(&bytes).and_then(|()| encoder.flush());
                let made = std::mem::take(encoder.get_mut());
                Some((written.map(|()| Bytes::from(made)), Some((plain, encoder))))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((encoder.finish().map(Bytes::from), None)),
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{ConnectionId, Headers};
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn asking(encodings: &str) -> Request {
        let mut headers = Headers::new();
        headers.push("Accept-Encoding", encodings);
        Request {
            method: "GET".into(),
            path: "/".into(),
            query: None,
            headers,
            body: Bytes::new(),
            spooled: None,
            connection: ConnectionId(1),
            tls: false,
        }
    }

    async fn plain(response: Response) -> Vec<u8> {
        let mut body = crate::http::body_stream(response.body);
        let mut packed = Vec::new();
        while let Some(item) = body.next().await {
            packed.extend_from_slice(&item.unwrap());
        }
        let mut out = Vec::new();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut out).unwrap();
        out
    }

    #[tokio::test]
    async fn bodies_whole_and_streamed_are_packed_where_asked() {
        let text = "abc".repeat(1000);
        let answer = compress(Response::text(200, text.clone()), &asking("deflate, gzip;q=0.5"));
        assert_eq!(answer.headers.value("content-encoding"), Some("gzip"));
        assert_eq!(plain(answer).await, text.as_bytes());
        let pieces = stream::iter(["a", "b", "c"].map(|piece| Ok(Bytes::from(piece)))).boxed();
        assert_eq!(plain(compress(Response::new(200).stream(pieces), &asking("gzip"))).await, b"abc");
    }

    #[test]
    fn what_is_small_unwanted_or_counted_stays_as_it_is() {
        let text = "abc".repeat(1000);
        let mut cut = Response::text(200, text.clone());
        cut.wire.stop_after = Some(3);
        for (response, encodings) in [
            (Response::text(200, "abc"), "gzip"),
            (Response::text(200, text.clone()), "gzip;q=0"),
            (Response::text(200, text), "br"),
            (cut, "gzip"),
        ] {
            assert_eq!(compress(response, &asking(encodings)).headers.value("content-encoding"), None);
        }
    }
}
