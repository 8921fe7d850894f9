//! The client for everything but EWS.

use std::{fs, time::Duration};

use reqwest::{Certificate, Client, ClientBuilder, redirect};

use super::{USER_AGENT, roots};

/// A client over rustls that honours `HTTPS_PROXY` and `NO_PROXY`, trusts the system's authorities and those in `SSL_CERT_FILE`, follows no redirect
/// (they would carry credentials elsewhere), connects within 30 s and gives up on a server silent for 60 s. `Err` is a setting's fault.
pub fn client() -> Result<Client, String> {
    built(builder()?)
}

/// What [`client`] is built from, for a room that narrows it further; to be finished by [`built`].
pub fn builder() -> Result<ClientBuilder, String> {
    builder_trusting(roots::extra()?)
}

/// The same, trusting the authorities of this PEM text beside the system's.
pub fn builder_trusting(extra: Option<Vec<u8>>) -> Result<ClientBuilder, String> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(30))
        .read_timeout(Duration::from_secs(60));
    if let Some(pem) = extra {
        // The platform's verifier reads this variable too, but then instead of the system's bundle: put both in.
        let system = roots::system().and_then(|path| fs::read(path).ok()).unwrap_or_default();
        for bundle in [pem, system] {
            for certificate in Certificate::from_pem_bundle(&bundle).map_err(|error| format!("{}: {error}", roots::SSL_CERT_FILE))? {
                builder = builder.add_root_certificate(certificate);
            }
        }
    }
    Ok(builder)
}

/// The client. `Err` is a setting's fault.
pub fn built(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| format!("cannot set up TLS: {error}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_client_can_be_built() {
        assert!(super::client().is_ok());
    }
}
