//! Whom we trust: the system's certificate authorities, and those of the file named by `SSL_CERT_FILE` in addition. (OpenSSL itself would take
//! that file instead of the system's; a company that names its own authority there still wants to reach Microsoft.)

use std::{env, fs, path::PathBuf};

/// The environment variable that names a PEM file with further authorities.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

/// Well-known places of the system's bundle, the first that exists counts: Debian and Alpine, Red Hat, SUSE, BSD and macOS.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/ssl/cert.pem",
];

/// The system's own bundle, where it has one.
pub fn system() -> Option<PathBuf> {
    BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// The file named by `SSL_CERT_FILE` and its contents; `Err` tells why it cannot be read.
pub fn extra() -> Result<Option<Vec<u8>>, String> {
    named(env::var_os(SSL_CERT_FILE).filter(|path| !path.is_empty()).map(PathBuf::from))
}

/// The contents of the file that an environment names so.
pub fn named(path: Option<PathBuf>) -> Result<Option<Vec<u8>>, String> {
    let Some(path) = path else { return Ok(None) };
    fs::read(&path).map(Some).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
