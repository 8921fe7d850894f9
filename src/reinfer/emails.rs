//! Putting emails into a bucket.

use std::{
    io,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::stream::BoxStream;
use http::{Method, header::CONTENT_TYPE};
use hyper::body::{Body, Frame, SizeHint};
use serde::de::IgnoredAny;

use super::{Client, Error, answer::Question, bucket::question};
use crate::mail::Bucket;

/// A line that is slower than this in bytes a second is not waited for.
const SLOWEST: u64 = 128 << 10;

/// An answer that holds one email may be so long: the largest messages that Exchange takes, escaped.
const LARGEST: usize = 320 << 20;

/// The body of a request that is written while it is sent.
pub struct Payload {
    /// Its exact length in bytes: a body without one would have to be sent in chunks, which not every gateway takes.
    pub length: u64,
    /// Its bytes.
    pub bytes: BoxStream<'static, io::Result<Bytes>>,
}

impl Client {
    /// Puts emails, `{"emails":[...]}`, into a bucket. One that is there under the same id is replaced, so the same again does no harm.
    pub async fn put_emails(&self, bucket: &Bucket, payload: Payload) -> Result<(), Error> {
        let question = question("uploading to", bucket, "upload to buckets (buckets-append)");
        let timeout = self.timeout + Duration::from_secs(payload.length / SLOWEST);
        let mut url = self.endpoint.below(&["api", "_private", "buckets", &bucket.owner, &bucket.name, "emails"]);
        url.set_query(Some("no_charge=false"));
        let request = self
            .request_to(Method::PUT, url)
            .header(CONTENT_TYPE, "application/json")
            .timeout(timeout)
            .body(reqwest::Body::wrap(Sized { left: payload.length, bytes: Mutex::new(payload.bytes) }));
        self.ask::<IgnoredAny>(&question, request).await.map(drop)
    }
}

impl Client {
    /// Whether a bucket has an email under this id. Its content comes with the answer, and is not kept.
    pub async fn has_email(&self, bucket: &Bucket, id: &str) -> Result<bool, Error> {
        #[derive(serde::Deserialize)]
        struct Answer {
            #[serde(default)]
            emails: Vec<IgnoredAny>,
        }
        let question = Question { cap: LARGEST, ..question("looking for an email in", bucket, "read buckets") };
        let mut url = self.endpoint.below(&["api", "_private", "buckets", &bucket.owner, &bucket.name, "emails"]);
        url.query_pairs_mut().append_pair("id", id);
        let Answer { emails } = self.ask(&question, self.request_to(Method::GET, url)).await?;
        Ok(!emails.is_empty())
    }
}

/// A stream with its length. The lock is never taken: it lets several threads hold what only one polls.
struct Sized {
    left: u64,
    bytes: Mutex<BoxStream<'static, io::Result<Bytes>>>,
}

impl Body for Sized {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let bytes = self.bytes.get_mut().unwrap_or_else(PoisonError::into_inner);
        bytes.as_mut().poll_next(cx).map(|piece| match piece? {
            Ok(piece) => match self.left.checked_sub(piece.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Some(Ok(Frame::data(piece)))
                }
                None => Some(Err(io::Error::other("the body is longer than was told"))),
            },
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
