//! The signed assertion by which an application with a certificate proves itself (Microsoft identity platform: certificate credentials).

use std::{fmt, time::SystemTime};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openssl::{
    hash::MessageDigest,
    pkey::{Id, PKey, Private},
    rsa::Padding,
    sign::{RsaPssSaltlen, Signer},
    x509::X509,
};
use serde_json::json;

use crate::auth::Secret;

/// How long an assertion is valid, the most the platform takes.
const LIFETIME: u64 = 600;
/// An assertion is dated back a little, for clocks that run ahead.
const LEEWAY: u64 = 60;

/// A private key and the certificate it belongs to, known at least by its thumbprint.
#[derive(Clone)]
pub struct Certificate {
    key: PKey<Private>,
    sha1: Option<Vec<u8>>,
    sha256: Option<Vec<u8>>,
}

/// How an assertion is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// PS256 with the SHA-256 thumbprint, as the platform's documentation has it now.
    Current,
    /// RS256 with the SHA-1 thumbprint: older, but some tenants know a certificate by it alone.
    Older,
}

impl Certificate {
    /// Reads a private key and, where the PEM holds it, its certificate. `thumbprint` is the certificate's, in hexadecimal: 40 digits are SHA-1, 64
    /// are SHA-256; colons and blanks do not count. `Err` tells what is wrong, and never quotes the key.
    pub fn new(pem: &Secret, thumbprint: Option<&str>) -> Result<Self, String> {
        let text = pem.reveal().as_bytes();
        // The callback answers for a terminal: OpenSSL would ask for a passphrase there.
        let key = PKey::private_key_from_pem_callback(text, |_| Ok(0)).map_err(|_| match pem.reveal().contains("ENCRYPTED") {
            true => "the private key is encrypted: store it without a passphrase",
            false => "it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)",
        })?;
        if key.id() != Id::RSA {
            return Err("the private key is not an RSA key, the only kind the identity platform takes".to_owned());
        }
        let mut certificate = Self { key, sha1: None, sha256: None };
        let owned = X509::stack_from_pem(text).unwrap_or_default().into_iter().find(|candidate| certificate.owns(candidate));
        if let Some(x509) = &owned {
            certificate.sha1 = digest(x509, MessageDigest::sha1());
            certificate.sha256 = digest(x509, MessageDigest::sha256());
        }
        match thumbprint.map(|text| text.replace([':', ' '], "")).filter(|text| !text.is_empty()) {
            Some(text) => certificate.take_thumbprint(&text)?,
            None if owned.is_none() => {
                return Err(
                    "the private key comes without its certificate: add the certificate to the PEM, or set the thumbprint".to_owned()
                );
            }
            None => {}
        }
        Ok(certificate)
    }

    fn owns(&self, candidate: &X509) -> bool {
        candidate.public_key().is_ok_and(|public| self.key.public_eq(&public))
    }

    fn take_thumbprint(&mut self, text: &str) -> Result<(), String> {
        let bytes = hex::decode(text).map_err(|_| "the thumbprint is not hexadecimal")?;
        let known = match bytes.len() {
            20 => &mut self.sha1,
            32 => &mut self.sha256,
            _ => return Err(format!("the thumbprint has {} digits: 40 (SHA-1) or 64 (SHA-256) are expected", text.len())),
        };
        match known {
            Some(known) if *known != bytes => Err("the thumbprint is not that of the certificate in the PEM".to_owned()),
            _ => {
                *known = Some(bytes);
                Ok(())
            }
        }
    }

    /// The form to begin with.
    pub(super) fn first_form(&self) -> Form {
        if self.sha256.is_some() { Form::Current } else { Form::Older }
    }

    /// The other form, if it is possible after `form`.
    pub(super) fn form_after(&self, form: Form) -> Option<Form> {
        (form == Form::Current && self.sha1.is_some()).then_some(Form::Older)
    }

    /// A signed JWT for `audience`, the token URL itself.
    pub(super) fn assertion(&self, form: Form, audience: &str, client_id: &str, now: SystemTime) -> Result<Secret, String> {
        let (algorithm, name, thumbprint) = match form {
            Form::Current => ("PS256", "x5t#S256", &self.sha256),
            Form::Older => ("RS256", "x5t", &self.sha1),
        };
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(thumbprint.as_deref().unwrap_or_default());
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = json!({ "alg": algorithm, "typ": "JWT", name: thumbprint });
        let claims = json!({
            "aud": audience, "iss": client_id, "sub": client_id, "jti": crate::http::guid(),
            "iat": now, "nbf": now.saturating_sub(LEEWAY), "exp": now + LIFETIME - LEEWAY,
        });
        let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.sign(form, signed.as_bytes()).map_err(|error| format!("cannot sign the client assertion: {error}"))?;
        Ok(Secret::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }

    fn sign(&self, form: Form, data: &[u8]) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
        if form == Form::Current {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_mgf1_md(MessageDigest::sha256())?;
            // RFC 7518, section 3.5: the salt is as long as the hash.
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        signer.sign_oneshot_to_vec(data)
    }
}

fn digest(x509: &X509, kind: MessageDigest) -> Option<Vec<u8>> {
    x509.digest(kind).ok().map(|bytes| bytes.to_vec())
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("sha1", &self.sha1.as_deref().map(hex::encode)).finish_non_exhaustive()
    }
}
