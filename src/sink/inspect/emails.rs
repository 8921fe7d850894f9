//! Messages that are emails of a bucket.

use async_trait::async_trait;

use super::{Found, Inspect};
use crate::{
    mail::{Key, Mailbox},
    reinfer::{self, Client, Kind},
    sink::{Error, Stored, Verdict},
};

/// A Communications Mining API that messages were uploaded to. It keeps text, which it may write otherwise than it was sent, so an email that is there
/// counts as sound.
#[derive(Clone, Debug)]
pub struct Emails {
    client: Client,
}

impl Emails {
    /// The emails of this API's buckets.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Inspect for Emails {
    async fn inspect(&self, mailbox: &Mailbox, key: &Key, _stored: &Stored, _whole: bool) -> Result<Found, Error> {
        let there = self.client.has_email(&mailbox.bucket, &key.0).await.map_err(failed)?;
        Ok(if there { Found::Sound } else { Found::Missing })
    }

    fn reads_whole(&self) -> bool {
        true
    }
}

fn failed(error: reinfer::Error) -> Error {
    let verdict = match error.kind {
        Kind::Passing => Verdict::Later(error.retry_after),
        _ => Verdict::Refused,
    };
    Error { attempt: error.attempt, code: error.code, cause: error.cause, hint: error.hint, verdict }
}
