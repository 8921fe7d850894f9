//! Who we are to Azure: a key or SAS token that was given outright, else an identity, looked for in the order of DefaultAzureCredential
//! (Azure SDK: Credential chains in the Azure Identity library). A way to log in that is not set up is passed over; one that is set up and rejected is
//! not: another identity than the one that was meant would hide the mistake.

mod chain;
mod cli;
mod environment;
mod held;
mod managed;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use object_store::{CredentialProvider, azure::AzureCredential};
use tokio::sync::Mutex;

use crate::{auth::Secret, config::Env};

use chain::Link;

/// What a token for storage is asked for, in every cloud (Authorize access to blobs using Microsoft Entra ID).
const RESOURCE: &str = "https://storage.azure.com";

/// What a failed login leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// This way is not set up.
    Unavailable,
    /// It is set up, and was refused.
    Rejected,
    /// It may work later, after the time that was named.
    Passing(Option<Duration>),
}

/// Why there is no token. Never holds a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{cause}")]
pub(super) struct Denied {
    pub(super) denial: Denial,
    pub(super) cause: String,
    pub(super) hint: Option<String>,
}

impl Denied {
    fn unavailable(cause: impl Into<String>) -> Self {
        Self { denial: Denial::Unavailable, cause: cause.into(), hint: None }
    }

    fn rejected(cause: impl Into<String>) -> Self {
        Self { denial: Denial::Rejected, cause: cause.into(), hint: None }
    }

    fn passing(cause: impl Into<String>) -> Self {
        Self { denial: Denial::Passing(None), cause: cause.into(), hint: None }
    }
}

/// One way to log in.
#[async_trait]
trait Login: Send + Sync {
    /// A token that is valid for a while.
    async fn token(&self) -> Result<Secret, Denied>;

    /// The token that was handed out last was refused.
    async fn refused(&self);
}

/// The credential of one account.
pub(super) struct Credentials(Kept);

enum Kept {
    Explicit(Arc<AzureCredential>),
    Chain {
        links: Vec<Link>,
        /// The link that worked; it stays the one.
        chosen: Mutex<Option<usize>>,
        /// What else there is to say where none works.
        note: Option<String>,
    },
}

impl Credentials {
    /// A key or SAS token.
    pub(super) fn explicit(credential: AzureCredential) -> Self {
        Self(Kept::Explicit(Arc::new(credential)))
    }

    /// Identities, as the environment has them. `Err` tells which variable cannot work.
    pub(super) fn chain(env: &Env, note: Option<String>) -> Result<Self, String> {
        Ok(Self(Kept::Chain { links: chain::links(env)?, chosen: Mutex::default(), note }))
    }

    /// The service refused the token: the next request comes with a new one.
    pub(super) async fn refused(&self) {
        if let Kept::Chain { links, chosen, .. } = &self.0
            && let Some(link) = chosen.lock().await.and_then(|chosen| links.get(chosen))
        {
            link.login.refused().await;
        }
    }

    async fn token(&self) -> Result<Arc<AzureCredential>, Denied> {
        let (links, chosen, note) = match &self.0 {
            Kept::Explicit(credential) => return Ok(Arc::clone(credential)),
            Kept::Chain { links, chosen, note } => (links, chosen, note),
        };
        let bearer = |token: Secret| Arc::new(AzureCredential::BearerToken(token.reveal().to_owned()));
        let mut chosen = chosen.lock().await;
        if let Some(link) = chosen.and_then(|chosen| links.get(chosen)) {
            drop(chosen);
            return link.login.token().await.map(bearer);
        }
        let mut reasons: Vec<String> = note.iter().cloned().collect();
        for (at, link) in links.iter().enumerate() {
            match link.login.token().await {
                Ok(token) => {
                    tracing::info!(credential = link.name, "logged in to Azure");
                    *chosen = Some(at);
                    return Ok(bearer(token));
                }
                Err(Denied { denial: Denial::Unavailable, cause, .. }) => reasons.push(format!("{}: {cause}", link.name)),
                Err(denied) => return Err(Denied { cause: format!("{}: {}", link.name, denied.cause), ..denied }),
            }
        }
        Err(Denied {
            denial: Denial::Unavailable,
            cause: format!("there is no credential for Azure: {}", reasons.join("; ")),
            hint: Some("set one of those up, or give a key or SAS token; docs/azure.md lists the variables".into()),
        })
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        self.token().await.map_err(|denied| object_store::Error::Generic { store: "credential", source: Box::new(denied) })
    }
}

/// Shows nothing: object_store prints the credential among its settings.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

#[cfg(test)]
mod tests;
