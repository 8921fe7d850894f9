//! A container of Azure Blob Storage: where it is, who we are there, and reading and writing blobs with errors that say what helps. This room knows
//! nothing of messages; sink, catalog and checkpoints keep theirs through it.

mod account;
mod blobs;
mod connection_string;
mod credential;
mod error;
#[cfg(test)]
pub(crate) mod faulty;
mod location;
mod patience;
mod remover;
mod service;

use std::{path::PathBuf, sync::Arc, time::Duration};

use object_store::{BackoffConfig, RetryConfig, azure::MicrosoftAzureBuilder};

pub use blobs::Blobs;
pub(crate) use blobs::{Found, Kind as ContentKind, Mode};
pub use error::{Error, Kind};
pub use location::Location;
pub(crate) use patience::{next_wait, patiently};

use self::{account::Account, credential::Credentials, remover::Remover, service::Service};
use crate::config::Env;

/// object_store's own retries stay few: who waits longer shows it.
const RETRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(300), max_backoff: Duration::from_secs(2), base: 2.0 },
    max_retries: 2,
    retry_timeout: Duration::from_secs(30),
};

/// A block of a message takes so long on a slow line.
const SILENCE: Duration = Duration::from_secs(120);

/// Prepares for a container. Nothing is asked of it yet. `Err` tells which setting cannot work.
pub fn connect(location: &Location, env: &Env) -> Result<Blobs, Error> {
    let fault = |cause: String| Error::setting(format!("connecting to {location}"), cause);
    let account = Account::of(location, env).map_err(fault)?;
    if let Some(passed_over) = &account.passed_over {
        tracing::info!(container = %location, "{passed_over}, so it is not used here");
    }
    let plain = account.endpoint.scheme() == "http";
    let credentials = match account.explicit {
        Some(credential) => Credentials::explicit(credential),
        None if plain => {
            return Err(fault(format!(
                "{} is not https, where only an account key or SAS token may go, and there is none",
                account.endpoint
            )));
        }
        None => Credentials::chain(env, account.passed_over).map_err(fault)?,
    };
    let credentials = Arc::new(credentials);
    let extra = crate::http::roots::named(env.var(crate::http::roots::SSL_CERT_FILE).map(PathBuf::from)).map_err(fault)?;
    let client =
        crate::http::builder_trusting(extra).and_then(|builder| crate::http::built(builder.read_timeout(SILENCE))).map_err(fault)?;
    let service = Service::new(client, Arc::clone(&credentials));
    let remover = Remover::new(&account.endpoint, location, Arc::clone(&credentials), service.clone());
    let store = MicrosoftAzureBuilder::new()
        .with_account(&location.account)
        .with_container_name(&location.container)
        .with_endpoint(account.endpoint.as_str().trim_end_matches('/').to_owned())
        .with_allow_http(plain)
        .with_credentials(credentials)
        .with_retry(RETRIES)
        .with_http_connector(service)
        .build();
    let store = store.map_err(|error| Error::of(format!("connecting to {location}"), location, &error))?;
    Ok(Blobs::over(Arc::new(store), location.clone()).removing(remover))
}

#[cfg(test)]
mod tests;
