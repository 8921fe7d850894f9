//! A configuration kept by the Communications Mining API.

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::{Location, Shelf, Text, Unread, Verdict};
use crate::{
    config::{Fault, Secret},
    reinfer::{self, Client, ConfigName, Kind},
};

/// `GET` and `PUT` of one configuration.
pub struct ApiShelf {
    location: Location,
    client: Client,
    name: ConfigName,
}

impl ApiShelf {
    /// The configuration `name` of the API at `endpoint`. `Err` is a setting's fault.
    pub fn new(endpoint: &Url, token: Secret, name: ConfigName) -> Result<Self, String> {
        let client = Client::new(endpoint, token)?;
        let base = endpoint.as_str().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let base = base.strip_suffix("/api").unwrap_or(base);
        let location = Location::Api(format!("{base}/api/v1/appliance-configs/{}/{}", name.owner, name.key));
        Ok(Self { location, client, name })
    }
}

#[async_trait]
impl Shelf for ApiShelf {
    fn location(&self) -> &Location {
        &self.location
    }

    async fn fetch(&self) -> Result<Text, Unread> {
        self.client.appliance_config(&self.name).await.map(Text::new).map_err(unread)
    }

    async fn store(&self, text: &Text) -> Result<Value, Unread> {
        self.client.put_appliance_config(&self.name, text.bytes()).await.map_err(unread)
    }
}

fn unread(error: reinfer::Error) -> Unread {
    let verdict = match error.kind {
        Kind::Passing => Verdict::Later(error.retry_after),
        Kind::Token | Kind::Forbidden => Verdict::Refused,
        Kind::Missing | Kind::Unprocessable | Kind::TooLarge => Verdict::Wrong,
    };
    let cause = match &error.code {
        Some(code) => format!("failed: {code}: {}", error.cause),
        None => format!("failed: {}", error.cause),
    };
    Unread { verdict, fault: Fault { at: error.attempt, problem: cause, remedy: error.hint } }
}

#[cfg(test)]
mod tests;
