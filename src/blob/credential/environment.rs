//! An application that proves itself by a secret, a certificate or the token that Kubernetes gives to its pod, as the variables of the Azure SDK have it
//! (EnvironmentCredential, WorkloadIdentityCredential).

use std::path::Path;

use async_trait::async_trait;
use openssl::{pkcs12::Pkcs12, pkey::PKey, x509::X509};

use super::{Denial, Denied, Login, RESOURCE};
use crate::{
    auth::{
        Secret,
        oauth::{Certificate, Proof, Settings, TokenError, Tokens},
    },
    config::Env,
};

const PUBLIC: &str = "https://login.microsoftonline.com";
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// A certificate file larger than this is none.
const LARGEST: u64 = 1 << 20;

/// An application by secret, else by certificate.
pub(super) fn application(env: &Env) -> Result<Box<dyn Login>, String> {
    let secret = env.var("AZURE_CLIENT_SECRET");
    let certificate = env.var(CERTIFICATE);
    let proof = match (secret, certificate) {
        (Some(secret), _) => Proof::Secret(Secret::new(secret)),
        (None, Some(path)) if env.var("AZURE_TENANT_ID").is_some() && env.var("AZURE_CLIENT_ID").is_some() => {
            let password = env.var("AZURE_CLIENT_CERTIFICATE_PASSWORD").map(Secret::new);
            let read = read(Path::new(path), password.as_ref()).and_then(|pem| Certificate::new(&pem, None));
            Proof::Certificate(read.map_err(|why| format!("{CERTIFICATE} ({path}): {why}"))?)
        }
        (None, Some(_)) => return Ok(unavailable("AZURE_TENANT_ID or AZURE_CLIENT_ID is not set")),
        (None, None) => return Ok(unavailable("neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set")),
    };
    tokens(env, proof)
}

/// A pod of Kubernetes by the token that is mounted into it.
pub(super) fn workload(env: &Env) -> Result<Box<dyn Login>, String> {
    match env.var(TOKEN_FILE) {
        Some(path) => tokens(env, Proof::Federated(path.into())),
        None => Ok(unavailable("AZURE_FEDERATED_TOKEN_FILE is not set")),
    }
}

fn tokens(env: &Env, proof: Proof) -> Result<Box<dyn Login>, String> {
    let (Some(tenant), Some(client_id)) = (env.var("AZURE_TENANT_ID"), env.var("AZURE_CLIENT_ID")) else {
        return Ok(unavailable("AZURE_TENANT_ID or AZURE_CLIENT_ID is not set"));
    };
    let host = env.var("AZURE_AUTHORITY_HOST").unwrap_or(PUBLIC).trim_end_matches('/');
    let host = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    if !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
        return Err("AZURE_TENANT_ID is no tenant: it is an id such as 11111111-2222-3333-4444-555555555555, or a domain".into());
    }
    let settings =
        Settings { authority: format!("{host}/{tenant}"), client_id: client_id.to_owned(), proof, scope: format!("{RESOURCE}/.default") };
    let tokens = Tokens::new(settings).map_err(|why| in_azures_names(&why))?;
    Ok(Box::new(Application(tokens)))
}

/// Tokens of the identity platform.
struct Application(Tokens);

#[async_trait]
impl Login for Application {
    async fn token(&self) -> Result<Secret, Denied> {
        self.0.bearer().await.map(|bearer| bearer.token().clone()).map_err(denied)
    }

    async fn refused(&self) {
        if let Ok(bearer) = self.0.bearer().await {
            self.0.refused(&bearer).await;
        }
    }
}

fn denied(error: TokenError) -> Denied {
    let denial = if error.fatal { Denial::Rejected } else { Denial::Passing(error.retry_after) };
    Denied { denial, cause: in_azures_names(&error.cause), hint: error.hint.as_deref().map(in_azures_names) }
}

/// The room that asks for tokens speaks of the configuration's settings; here they have other names.
fn in_azures_names(text: &str) -> String {
    text.replace("auth_oauth_client_credential_private_key", CERTIFICATE)
        .replace("auth_oauth_client_secret", "AZURE_CLIENT_SECRET")
        .replace("auth_oauth_client_id", "AZURE_CLIENT_ID")
        .replace("auth_oauth_authority", "AZURE_AUTHORITY_HOST with AZURE_TENANT_ID")
}

/// A way that is not set up, for the reason given.
struct Unavailable(&'static str);

fn unavailable(why: &'static str) -> Box<dyn Login> {
    Box::new(Unavailable(why))
}

#[async_trait]
impl Login for Unavailable {
    async fn token(&self) -> Result<Secret, Denied> {
        Err(Denied::unavailable(self.0))
    }

    async fn refused(&self) {}
}

/// A private key and its certificate, from a PEM or PKCS #12 file, as PEM without a passphrase.
fn read(path: &Path, password: Option<&Secret>) -> Result<Secret, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() || about.len() > LARGEST {
        return Err("is no file of a certificate".into());
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let passphrase = password.map(Secret::reveal).unwrap_or_default();
    let opened = if bytes.windows(10).any(|window| window == b"-----BEGIN") { pem(&bytes, passphrase) } else { pkcs12(&bytes, passphrase) };
    let (key, certificates) = opened?;
    let mut text = key.private_key_to_pem_pkcs8().map_err(unreadable)?;
    for certificate in certificates {
        text.extend(certificate.to_pem().map_err(unreadable)?);
    }
    String::from_utf8(text).map(Secret::new).map_err(|_| "holds no text".to_owned())
}

type Pair = (PKey<openssl::pkey::Private>, Vec<X509>);

fn pem(bytes: &[u8], passphrase: &str) -> Result<Pair, String> {
    let key = PKey::private_key_from_pem_passphrase(bytes, passphrase.as_bytes()).map_err(|_| {
        "holds no private key that can be read: it needs both key and certificate, and AZURE_CLIENT_CERTIFICATE_PASSWORD where it is encrypted"
            .to_owned()
    })?;
    Ok((key, X509::stack_from_pem(bytes).map_err(unreadable)?))
}

fn pkcs12(bytes: &[u8], passphrase: &str) -> Result<Pair, String> {
    let wrong =
        "cannot be opened as PKCS #12: is AZURE_CLIENT_CERTIFICATE_PASSWORD right? (Old files need `openssl pkcs12 -legacy -nodes`, once)";
    let parsed =
        Pkcs12::from_der(bytes).map_err(|_| "is neither PEM nor PKCS #12".to_owned())?.parse2(passphrase).map_err(|_| wrong.to_owned())?;
    match (parsed.pkey, parsed.cert) {
        (Some(key), Some(certificate)) => Ok((key, vec![certificate])),
        _ => Err("holds no private key with its certificate".into()),
    }
}

fn unreadable(_: openssl::error::ErrorStack) -> String {
    "holds a key or certificate that cannot be read".into()
}
