//! Buckets: their ids, and the note which configuration feeds them.

use std::sync::PoisonError;

use http::Method;
use reqwest::RequestBuilder;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{
    Client, Error, Kind,
    answer::{Question, SMALL},
};
use crate::mail::Bucket;

/// A bucket as the API tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BucketInfo {
    /// Its id: opaque.
    pub id: String,
    /// Its name within the project.
    #[serde(default)]
    pub name: String,
    /// Its title.
    #[serde(default)]
    pub title: Option<String>,
}

/// Who feeds a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UpdatedBy {
    /// The project of the configuration.
    pub config_owner: String,
    /// The configuration's key.
    pub config_key: String,
    /// Which share of the mailboxes.
    pub shard_index: u32,
    /// Of how many.
    pub num_shards: u32,
}

#[derive(Deserialize)]
struct Answer {
    bucket: BucketInfo,
}

impl Client {
    /// Looks a bucket up. Proves the token and the right to read, too.
    pub async fn bucket(&self, bucket: &Bucket) -> Result<BucketInfo, Error> {
        let question = question("looking up", bucket, "read buckets");
        let request = self.request(Method::GET, &["api", "_private", "buckets", &bucket.owner, &bucket.name]);
        let Answer { bucket: info } = self.ask(&question, request).await?;
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(bucket.clone(), info.id.clone());
        Ok(info)
    }

    /// Notes with a bucket which configuration and which share of it feeds it.
    pub async fn updated_by(&self, bucket: &Bucket, by: &UpdatedBy) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Update<'a> {
            bucket: By<'a>,
        }
        #[derive(Serialize)]
        struct By<'a> {
            last_updated_by: &'a UpdatedBy,
        }
        let question = question("noting who feeds", bucket, "manage buckets");
        let request = self.request(Method::POST, &["api", "_private", "buckets", &bucket.owner, &bucket.name]);
        self.ask::<IgnoredAny>(&question, request.json(&Update { bucket: By { last_updated_by: by } })).await.map(drop)
    }

    /// Asks something by a bucket's id. The id is remembered; should the API no longer know what was asked for, it is looked up once more, since
    /// a bucket may have been made anew under its name.
    pub(super) async fn ask_by_id<T: DeserializeOwned>(
        &self,
        bucket: &Bucket,
        question: &Question,
        request: impl Fn(&str) -> RequestBuilder + Send + Sync,
    ) -> Result<T, Error> {
        let known = self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned();
        let Some(known) = known else {
            let id = self.bucket(bucket).await?.id;
            return self.ask(question, request(&format!("id:{id}"))).await;
        };
        match self.ask(question, request(&format!("id:{known}"))).await {
            Err(missing) if missing.kind == Kind::Missing => match self.bucket(bucket).await?.id {
                id if id == known => Err(missing),
                id => self.ask(question, request(&format!("id:{id}"))).await,
            },
            done => done,
        }
    }
}

pub(super) fn question(what: &str, bucket: &Bucket, right: &'static str) -> Question {
    Question {
        attempt: format!("{what} bucket {}/{}", bucket.owner, bucket.name),
        right,
        missing: format!("create the bucket {} in the project {}, or correct its name in the configuration", bucket.name, bucket.owner),
        cap: SMALL,
    }
}
