//! The certificate the simulator makes for itself.

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A certificate authority and one server certificate signed by it, valid for a year. Made anew at each start.
#[derive(Clone)]
pub struct Certificate {
    ca_pem: String,
    leaf_pem: String,
    key_pem: String,
    leaf_der: CertificateDer<'static>,
    config: Arc<ServerConfig>,
}

/// Where the PEM files of a [`Certificate`] were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The authority, for clients to trust.
    pub ca: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes a certificate for `localhost`, `127.0.0.1`, `::1` and these further names.
    ///
    /// # Errors
    /// When a name is not one a certificate can hold.
    pub fn generate(names: &[String]) -> io::Result<Self> {
        let (ca, leaf, key) = sign(names).map_err(|error| io::Error::other(format!("cannot make a certificate: {error}")))?;
        let leaf_der = leaf.der().clone();
        let chain = vec![leaf_der.clone()];
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(|error| io::Error::other(format!("cannot serve the certificate: {error}")))?;
        Ok(Self { ca_pem: ca.pem(), leaf_pem: leaf.pem(), key_pem: key.serialize_pem(), leaf_der, config: Arc::new(config) })
    }

    /// The authority's certificate in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The authority's and the server's certificates in DER order: leaf.
    pub fn leaf_der(&self) -> &[u8] {
        &self.leaf_der
    }

    /// The hash a channel binding of type `tls-server-end-point` names: SHA-256 of the certificate, whose own signature uses SHA-256
    /// (RFC 5929 section 4.1).
    pub fn server_end_point(&self) -> Arc<[u8]> {
        Arc::from(Sha256::digest(self.leaf_der()).as_slice())
    }

    /// Writes `ca.pem`, `server.pem` and `server.key` into a folder, which is made if there is none.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<CertificateFiles> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot write the certificate to {}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(named)?;
        let files = CertificateFiles { ca: folder.join("ca.pem"), certificate: folder.join("server.pem"), key: folder.join("server.key") };
        std::fs::write(&files.ca, &self.ca_pem).map_err(named)?;
        std::fs::write(&files.certificate, &self.leaf_pem).map_err(named)?;
        std::fs::write(&files.key, &self.key_pem).map_err(named)?;
        Ok(files)
    }

    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }
}

impl fmt::Debug for Certificate {
    /// The private key is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

fn sign(names: &[String]) -> Result<(rcgen::Certificate, rcgen::Certificate, KeyPair), rcgen::Error> {
    let now = std::time::SystemTime::now();
    let from = now - Duration::from_secs(24 * 3600);
    let until = now + Duration::from_secs(365 * 24 * 3600);

    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    authority.distinguished_name.push(DnType::CommonName, "exchange-simulator authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.not_before = from.into();
    authority.not_after = until.into();
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    for name in names {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    let mut leaf = CertificateParams::new(all)?;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    leaf.not_before = from.into();
    leaf.not_after = until.into();
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &issuer)?;
    Ok((authority_certificate, certificate, key))
}
