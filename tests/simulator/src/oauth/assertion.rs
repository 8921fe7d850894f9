//! Client assertions: a JSON Web Token signed with the application's private key (RFC 7523; documentation page "Microsoft identity platform
//! application authentication certificate credentials").

use super::error::Denial;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey};
use serde::Deserialize;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use x509_parser::pem::Pem;

/// The longest life an assertion may have, in seconds.
const MAX_LIFE: i64 = 600;
/// How far the clocks may differ, in seconds.
const SKEW: i64 = 300;

#[derive(Deserialize)]
struct Head {
    alg: String,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    jti: Option<String>,
    exp: Seconds,
    nbf: Option<Seconds>,
    iat: Option<Seconds>,
}

/// Seconds since 1970. Some client libraries write fractions, which RFC 7519 section 2 allows.
#[derive(Clone, Copy, Deserialize)]
struct Seconds(f64);

impl Seconds {
    fn whole(self) -> i64 {
        self.0 as i64
    }
}

/// What an assertion must say.
pub(super) struct Expected<'a> {
    pub(super) client_id: &'a str,
    /// The token endpoint, as it was posted to.
    pub(super) endpoint: &'a str,
    /// The registered certificates, PEM.
    pub(super) certificates: &'a [String],
    /// Refuse the newer thumbprint, as some tenants were seen to do.
    pub(super) only_x5t: bool,
    /// The time, in seconds since 1970.
    pub(super) now: i64,
}

/// An assertion that holds: its id, which may not come again before it ends.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) jti: String,
    pub(super) until: i64,
}

/// The client an assertion speaks for, before anything is proven.
pub(super) fn speaker(assertion: &str) -> Option<String> {
    let claims: Claims = part(assertion.split('.').nth(1)?)?;
    Some(claims.sub)
}

/// Proves an assertion.
pub(super) fn prove(assertion: &str, expected: &Expected<'_>) -> Result<Proven, Denial> {
    let malformed = || Denial::client(50027, "JWT token is invalid or malformed.");
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let (head, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let head: Head = part(head).ok_or_else(malformed)?;
    let claims: Claims = part(claims).ok_or_else(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    check_signature(&head, signed.as_bytes(), &signature, expected)?;
    check_claims(&claims, expected)?;
    let jti = claims.jti.filter(|jti| !jti.is_empty()).ok_or_else(malformed)?;
    Ok(Proven { jti, until: claims.exp.whole().saturating_add(SKEW) })
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn check_signature(head: &Head, signed: &[u8], signature: &[u8], expected: &Expected<'_>) -> Result<(), Denial> {
    let unknown = |what: &str| {
        Denial::client(
            700027,
            format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - {what}]"
            ),
        )
    };
    let algorithm: &RsaParameters = match head.alg.as_str() {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        _ => return Err(unknown("The signing algorithm is not supported.")),
    };
    let wanted = match (&head.x5t, &head.x5t_s256) {
        (Some(x5t), _) => Thumbprint::Sha1(x5t),
        (None, Some(_)) if expected.only_x5t => return Err(unknown("The key was not found.")),
        (None, Some(x5t)) => Thumbprint::Sha256(x5t),
        (None, None) => return Err(unknown("The assertion names no thumbprint.")),
    };
    for pem in expected.certificates {
        for pem in Pem::iter_from_buffer(pem.as_bytes()).flatten() {
            let Ok(certificate) = pem.parse_x509() else {
                continue;
            };
            if !wanted.names(&pem.contents) {
                continue;
            }
            let key = UnparsedPublicKey::new(algorithm, &certificate.public_key().subject_public_key.data);
            return key
                .verify(signed, signature)
                .map_err(|_| unknown("The key was found, but use of the key to verify the signature failed."));
        }
    }
    Err(unknown("The key was not found."))
}

enum Thumbprint<'a> {
    Sha1(&'a str),
    Sha256(&'a str),
}

impl Thumbprint<'_> {
    /// Whether it names this certificate: the hash of its DER bytes in base64url. Padding should not be there, but Microsoft's own
    /// libraries write it.
    fn names(&self, der: &[u8]) -> bool {
        let (text, hash) = match self {
            Self::Sha1(text) => (text, Sha1::digest(der).to_vec()),
            Self::Sha256(text) => (text, Sha256::digest(der).to_vec()),
        };
        URL_SAFE_NO_PAD.encode(hash) == text.trim_end_matches('=')
    }
}

fn check_claims(claims: &Claims, expected: &Expected<'_>) -> Result<(), Denial> {
    if claims.iss != claims.sub || !claims.sub.eq_ignore_ascii_case(expected.client_id) {
        return Err(Denial::client(700021, "Client assertion application identifier doesn't match 'client_id' parameter."));
    }
    if claims.aud != expected.endpoint {
        return Err(Denial::client(
            700023,
            format!("Client assertion audience claim does not match Realm issuer. Expected {}.", expected.endpoint),
        ));
    }
    let begins = claims.nbf.or(claims.iat).map_or(expected.now, Seconds::whole);
    let ends = claims.exp.whole();
    let in_time = begins <= expected.now + SKEW && ends > expected.now - SKEW && ends > begins;
    let short = ends.saturating_sub(begins) <= MAX_LIFE;
    if !in_time || !short {
        return Err(Denial::client(
            700024,
            format!(
                "Client assertion is not within its valid time range. Current time: {}, assertion valid from {begins}, expiry time of assertion {ends}.",
                expected.now
            ),
        ));
    }
    Ok(())
}
