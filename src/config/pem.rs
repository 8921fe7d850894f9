//! Private keys and certificates as PEM text (RFC 7468), or in a file that holds such text.

use std::path::Path;

use openssl::{error::ErrorStack, hash::MessageDigest, pkey::PKey, x509::X509};

use super::{Secret, endpoint::Wrong};

/// A key file larger than this is none.
const MOST_BYTES: u64 = 1 << 20;

/// A private key that was read.
#[derive(Debug)]
pub(super) struct KeyText {
    pub(super) pem: Secret,
    /// The thumbprint of the certificate in the same text, if it holds one.
    pub(super) thumbprint: Option<String>,
}

const HOW: &str = "write the PEM text with \\n for each line break, or the path of a PEM file";

/// Reads a private key from PEM text or from the file that `written` names, relative to `base`. An error never holds any of the text.
pub(super) fn private_key(written: &str, base: &Path) -> Result<KeyText, Wrong> {
    let wrong = |problem: &str, remedy: &str| (problem.to_owned(), remedy.to_owned());
    let text = if written.contains("-----BEGIN") {
        // A shell or a template often leaves the two characters \n where a line break is meant.
        written.replace("\\n", "\n")
    } else if written.contains('\n') || written.trim().is_empty() {
        return Err(wrong("the value (not shown) is neither PEM text nor the path of a file", HOW));
    } else {
        read(&base.join(written))?
    };
    if text.contains("ENCRYPTED") {
        return Err(wrong("the private key is encrypted", "decrypt it, for example with openssl pkey"));
    }
    let no_passphrase = |_: &mut [u8]| Err(ErrorStack::get());
    let key = PKey::private_key_from_pem_callback(text.as_bytes(), no_passphrase).map_err(|_| {
        match text.contains("-----BEGIN CERTIFICATE") && !text.contains("PRIVATE KEY-----") {
            true => wrong("the PEM holds a certificate, but no private key", "put the private key into the same PEM"),
            false => wrong("the value (not shown) holds no readable PEM private key", HOW),
        }
    })?;
    let thumbprint = if text.contains("-----BEGIN CERTIFICATE") {
        let export = "export the certificate as PEM again";
        let certificates =
            X509::stack_from_pem(text.as_bytes()).map_err(|_| wrong("the certificate beside the private key is not readable", export))?;
        let ours = certificates.iter().find(|certificate| certificate.public_key().is_ok_and(|public| public.public_eq(&key)));
        let ours =
            ours.ok_or_else(|| wrong("the certificate does not belong to the private key", "put the key's own certificate beside it"))?;
        let digest = ours.digest(MessageDigest::sha1()).map_err(|_| wrong("the certificate's thumbprint cannot be computed", export))?;
        Some(hex::encode_upper(digest))
    } else {
        None
    };
    Ok(KeyText { pem: Secret::new(text), thumbprint })
}

fn read(path: &Path) -> Result<String, Wrong> {
    // The name may be a mistyped secret, so only the cause is told.
    let failed = |error: std::io::Error| {
        (format!("the value (not shown) is not PEM text, and the file of that name cannot be read: {}", error.kind()), HOW.to_owned())
    };
    let about = std::fs::metadata(path).map_err(failed)?;
    if !about.is_file() || about.len() > MOST_BYTES {
        return Err(("the value (not shown) names something that is no PEM file".into(), HOW.into()));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// A SHA-1 thumbprint in hexadecimal; colons and blanks, as certificate viewers print them, do not count.
pub(super) fn thumbprint(written: &str) -> Option<String> {
    let digits: String = written.chars().filter(|c| !c.is_whitespace() && *c != ':').map(|c| c.to_ascii_uppercase()).collect();
    (digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}
