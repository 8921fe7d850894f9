//! The identity that Azure gave to the machine we run on: App Service and Container Apps, servers with Azure Arc, else virtual machines and Kubernetes
//! nodes by the instance metadata service (ManagedIdentityCredential; Azure Instance Metadata Service).

use std::{
    path::{Component, Path},
    time::Duration,
};

use async_trait::async_trait;
use chrono::Utc;
use http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;
use url::Url;

use super::{Denied, Login, RESOURCE, held::Held};
use crate::{
    auth::Secret,
    config::Env,
    http::{Backoff, capped, cause},
};

/// The metadata service, the same on every machine of Azure.
const METADATA: &str = "http://169.254.169.254";
/// Elsewhere nobody answers there.
const PROBE: Duration = Duration::from_secs(1);
/// Tries of a request, while the trouble may pass: the service is restarted now and then, and answers 404 or 410 meanwhile.
const TRIES: u32 = 4;
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_secs(8) };
const CAP: usize = 256 * 1024;
/// Where the agent of Azure Arc keeps the secrets that prove that we may read them.
const ARC_KEYS: [&str; 2] = ["/var/opt/azcmagent/tokens", "/var/lib/azcmagent/tokens"];

enum Host {
    AppService { endpoint: String, header: Secret },
    Arc { endpoint: String },
    Machine { endpoint: String },
}

/// The machine's identity, or the one of those assigned to it that AZURE_CLIENT_ID names.
pub(super) struct Managed {
    host: Host,
    client_id: Option<String>,
    /// No other way is tried, so there is no need to find out quickly.
    alone: bool,
    client: Client,
    held: Held,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Numbers, or numbers as text.
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    expires_on: Value,
}

impl Managed {
    pub(super) fn new(env: &Env, alone: bool) -> Result<Self, String> {
        let client = crate::http::builder()?.no_proxy().connect_timeout(Duration::from_secs(5)).read_timeout(Duration::from_secs(20));
        let host = match (env.var("IDENTITY_ENDPOINT"), env.var("IDENTITY_HEADER"), env.var("IMDS_ENDPOINT")) {
            (Some(endpoint), Some(header), _) => Host::AppService { endpoint: endpoint.to_owned(), header: Secret::new(header) },
            (Some(endpoint), None, Some(_)) => Host::Arc { endpoint: endpoint.to_owned() },
            _ => {
                let base = env.var("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or(METADATA).trim_end_matches('/');
                Host::Machine { endpoint: format!("{base}/metadata/identity/oauth2/token") }
            }
        };
        let client_id = env.var("AZURE_CLIENT_ID").map(str::to_owned);
        Ok(Self { host, client_id, alone, client: crate::http::built(client)?, held: Held::default() })
    }

    async fn ask(&self) -> Result<(Secret, Duration), Denied> {
        if let Host::Machine { endpoint } = &self.host
            && !self.alone
            && self.client.get(endpoint).timeout(PROBE).send().await.is_err()
        {
            return Err(Denied::unavailable("no answer from the metadata service of Azure, so this is no machine of Azure"));
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.request().await {
                Ok(granted) => return Ok(granted),
                Err(error) => error,
            };
            if attempt == TRIES || !matches!(error.denial, super::Denial::Passing(_)) {
                return Err(error);
            }
            sleep(BACKOFF.draw(attempt - 1)).await;
        }
    }

    async fn request(&self) -> Result<(Secret, Duration), Denied> {
        let answer = match &self.host {
            Host::AppService { endpoint, header } => {
                self.get(endpoint, "2019-08-01")?.header("X-IDENTITY-HEADER", header.reveal()).send().await
            }
            Host::Machine { endpoint } => self.get(endpoint, "2018-02-01")?.header("Metadata", "true").send().await,
            Host::Arc { endpoint } => {
                let ask = || Ok::<_, Denied>(self.get(endpoint, "2019-11-01")?.header("Metadata", "true"));
                match ask()?.send().await {
                    Ok(challenge) if challenge.status() == StatusCode::UNAUTHORIZED => {
                        let key = arc_key(challenge.headers()).await?;
                        ask()?.header("Authorization", format!("Basic {}", key.reveal())).send().await
                    }
                    answer => answer,
                }
            }
        };
        granted(answer.map_err(|error| Denied::passing(format!("cannot reach the identity endpoint: {}", cause(error))))?).await
    }

    fn get(&self, endpoint: &str, version: &str) -> Result<RequestBuilder, Denied> {
        let mut url = Url::parse(endpoint).map_err(|error| Denied::rejected(format!("the identity endpoint is no URL: {error}")))?;
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", RESOURCE);
        if let Some(id) = &self.client_id {
            url.query_pairs_mut().append_pair("client_id", id);
        }
        Ok(self.client.get(url))
    }
}

async fn granted(answer: Response) -> Result<(Secret, Duration), Denied> {
    let status = answer.status();
    let body = capped(answer.bytes_stream(), CAP).await.map_err(|error| Denied::passing(error.to_string()))?;
    if status.is_success() {
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| Denied::rejected("the identity endpoint gave no token"))?;
        let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        let left = number(&granted.expires_in).or_else(|| Some(number(&granted.expires_on)? - Utc::now().timestamp()));
        let life = left.and_then(|seconds| u64::try_from(seconds).ok()).map_or(Duration::from_secs(3600), Duration::from_secs);
        return Ok((Secret::new(granted.access_token), life));
    }
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    let told = ["error_description", "message", "error"].iter().find_map(|name| value.get(name)?.as_str()).unwrap_or_default();
    let told: String = told.chars().filter(|c| !c.is_control()).take(300).collect();
    let cause = format!("the identity endpoint answered HTTP {}: {told}", status.as_u16());
    Err(match status.as_u16() {
        400 if told.to_ascii_lowercase().contains("identity not found") => {
            Denied::unavailable("this machine has no such identity: assign one to it, and name a user-assigned one in AZURE_CLIENT_ID")
        }
        // Docker Desktop answers there, too.
        403 if told.contains("unreachable") => Denied::unavailable("no metadata service of Azure is reachable from here"),
        404 | 410 | 429 | 500..=599 => Denied::passing(cause),
        _ => Denied::rejected(cause),
    })
}

/// The secret in the file that the challenge names: who can read it may have a token.
async fn arc_key(headers: &HeaderMap) -> Result<Secret, Denied> {
    let challenge = headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = challenge.split_once("realm=").map(|(_, path)| Path::new(path.trim().trim_matches('"'))).filter(|path| {
        let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        plain && ARC_KEYS.iter().any(|folder| path.parent() == Some(Path::new(folder))) && path.extension().is_some_and(|end| end == "key")
    });
    let path = path.ok_or_else(|| Denied::rejected("the agent of Azure Arc named no key file in its folder"))?;
    let unreadable = |error: std::io::Error| Denied {
        hint: Some("add the user that runs exchange-sync to the group himds".into()),
        ..Denied::rejected(format!("cannot read {}: {error}", path.display()))
    };
    if tokio::fs::metadata(path).await.map_err(unreadable)?.len() > 4096 {
        return Err(Denied::rejected("the key file of Azure Arc is longer than one"));
    }
    tokio::fs::read_to_string(path).await.map(|text| Secret::new(text.trim())).map_err(unreadable)
}

#[async_trait]
impl Login for Managed {
    async fn token(&self) -> Result<Secret, Denied> {
        self.held.or_ask(self.ask()).await
    }

    async fn refused(&self) {
        self.held.forget().await;
    }
}
