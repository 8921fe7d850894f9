//! TLS by OpenSSL: `ews_ssl_ciphers` is an OpenSSL cipher list, and only OpenSSL still reaches the servers it is set for.

use std::pin::Pin;

use openssl::{
    hash::MessageDigest,
    nid::Nid,
    ssl::{SslConnector, SslMethod, SslOptions, SslVerifyMode, SslVersion},
    x509::{X509, X509Ref, X509VerifyResult},
};
use tokio_openssl::SslStream;

use super::{
    Kind, Settings, SetupError, TlsFault, TransportError,
    io::{Io, Stream},
};
use crate::{auth::ntlm::Binding, http::roots};

/// SSL_OP_LEGACY_SERVER_CONNECT: talk to servers without secure renegotiation (RFC 5746). The openssl crate has no name for it.
const LEGACY_SERVER_CONNECT: SslOptions = SslOptions::from_bits_retain(0x4);

/// A connector for the settings: TLS 1.2 or later, unless the cipher list asks for security level 0, which is the only one that allows older versions.
pub fn connector(settings: &Settings) -> Result<SslConnector, SetupError> {
    let broken = |error: openssl::error::ErrorStack| SetupError::new("ews_endpoint", format!("cannot set up TLS: {error}"));
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(broken)?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(broken)?;
    if let Some(list) = settings.ciphers.as_deref().map(str::trim).filter(|list| !list.is_empty()) {
        if let Err(error) = builder.set_cipher_list(list) {
            let reason = error.errors().first().and_then(|error| error.reason()).unwrap_or("not understood").to_lowercase();
            return Err(SetupError::new(
                "ews_ssl_ciphers",
                format!("{list:?} is not an OpenSSL cipher list with a cipher this build has: {reason}"),
            ));
        }
        if list.to_ascii_uppercase().contains("@SECLEVEL=0") {
            builder.set_min_proto_version(None).map_err(broken)?;
            builder.set_options(LEGACY_SERVER_CONNECT);
        }
    }
    if settings.verify {
        trust(&mut builder)?;
    } else {
        builder.set_verify(SslVerifyMode::NONE);
    }
    Ok(builder.build())
}

/// The system's authorities, and those of `SSL_CERT_FILE`. (An OpenSSL built into this binary looks in its own folder, where there are none.)
fn trust(builder: &mut openssl::ssl::SslConnectorBuilder) -> Result<(), SetupError> {
    match roots::system() {
        Some(bundle) => {
            let _ = builder.set_ca_file(&bundle);
        }
        None => {
            // No bundle: a folder of hashed certificates may be there.
            for folder in openssl_probe::probe().cert_dir {
                let _ = builder.load_verify_locations(None, Some(&folder));
            }
        }
    }
    let wrong = |cause: String| SetupError::new(roots::SSL_CERT_FILE, cause);
    if let Some(pem) = roots::extra().map_err(wrong)? {
        let certificates = X509::stack_from_pem(&pem).map_err(|error| wrong(format!("it is not a PEM file: {error}")))?;
        if certificates.is_empty() {
            return Err(wrong("it holds no certificate in PEM form".to_owned()));
        }
        for certificate in certificates {
            // An authority that is there already is no fault.
            let _ = builder.cert_store_mut().add_cert(certificate);
        }
    }
    Ok(())
}

/// Shakes hands with `host` over an open stream. The second value is the channel binding of the server's certificate.
pub async fn handshake(connector: &SslConnector, verify: bool, host: &str, stream: Io) -> Result<(Io, Option<Binding>), TransportError> {
    let setup = |error: openssl::error::ErrorStack| failure(TlsFault::Protocol, host, &error.to_string());
    let ssl = connector.configure().and_then(|config| config.verify_hostname(verify).into_ssl(host)).map_err(setup)?;
    let mut stream = SslStream::new(ssl, stream).map_err(setup)?;
    if let Err(error) = Pin::new(&mut stream).connect().await {
        let verdict = stream.ssl().verify_result();
        return Err(match verdict {
            X509VerifyResult::OK => failure(TlsFault::Protocol, host, &reason(&error)),
            _ if !verify => failure(TlsFault::Protocol, host, &reason(&error)),
            // X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
            other if matches!(other.as_raw(), 62 | 64) => failure(TlsFault::Name, host, other.error_string()),
            other => failure(TlsFault::Trust, host, other.error_string()),
        });
    }
    let binding = stream.ssl().peer_certificate().and_then(|certificate| binding(&certificate));
    Ok((Box::new(stream) as Box<dyn Stream>, binding))
}

fn reason(error: &openssl::ssl::Error) -> String {
    if let Some(stack) = error.ssl_error() {
        let reasons: Vec<&str> = stack.errors().iter().filter_map(|error| error.reason()).collect();
        if !reasons.is_empty() {
            return reasons.join(", ");
        }
    }
    match error.io_error() {
        Some(error) => error.to_string(),
        None => "the server closed the connection in the handshake".to_owned(),
    }
}

fn failure(fault: TlsFault, host: &str, cause: &str) -> TransportError {
    let hint = match fault {
        TlsFault::Name => "use the host name that the certificate has in ews_endpoint, or set ews_ssl_verify to false",
        TlsFault::Trust => "name the file with your certificate authority in SSL_CERT_FILE, or set ews_ssl_verify to false",
        TlsFault::Protocol => {
            "an old server may need ews_ssl_ciphers, such as DEFAULT@SECLEVEL=0; a port without TLS needs http:// in ews_endpoint"
        }
    };
    TransportError::new(Kind::Tls(fault), format!("no TLS connection to {host}: {cause}")).hint(hint)
}

/// The `tls-server-end-point` binding of a certificate.
fn binding(certificate: &X509Ref) -> Option<Binding> {
    let der = certificate.to_der().ok()?;
    let kind = signature_hash(certificate, &der);
    openssl::hash::hash(kind, &der).ok().map(|hash| Binding::of_certificate_hash(&hash))
}

/// The hash of the certificate's signature, with MD5 and SHA-1 raised to SHA-256 (RFC 5929, section 4.1). Where the signature names none
/// (Ed25519) the standard leaves it open, and SHA-256 is the likely reading.
fn signature_hash(certificate: &X509Ref, der: &[u8]) -> MessageDigest {
    let algorithm = certificate.signature_algorithm().object().nid();
    if algorithm == Nid::RSASSAPSS {
        return pss_hash(der);
    }
    let Some(names) = algorithm.signature_algorithms() else { return MessageDigest::sha256() };
    match names.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        other => MessageDigest::from_nid(other).unwrap_or_else(MessageDigest::sha256),
    }
}

/// RSA-PSS names its hash in the parameters that follow its object identifier; the last occurrence in a certificate is its own signature's.
fn pss_hash(der: &[u8]) -> MessageDigest {
    const PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let parameters = memchr::memmem::rfind(der, PSS).and_then(|at| der.get(at..)).unwrap_or_default();
    let which = memchr::memmem::find(parameters, SHA2).and_then(|at| parameters.get(at + SHA2.len()));
    match which {
        Some(2) => MessageDigest::sha384(),
        Some(3) => MessageDigest::sha512(),
        _ => MessageDigest::sha256(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_pss_signature_stands_in_its_parameters() {
        // An AlgorithmIdentifier of RSASSA-PSS with SHA-384 and MGF1 over it (RFC 8017, appendix A.2.3), behind one with SHA-512.
        let identifier = |which: u8| {
            let pss = "300d06092a864886f70d01010a3034a00f300d06096086480165030402";
            hex::decode(format!("{pss}{which:02x}0500a11c301a06092a864886f70d010108300d06096086480165030402{which:02x}0500a203020130"))
                .unwrap()
        };
        assert!(pss_hash(&[identifier(3), vec![0; 300], identifier(2), vec![0; 256]].concat()) == MessageDigest::sha384());
        assert!(pss_hash(&identifier(1)) == MessageDigest::sha256());
        assert!(pss_hash(&hex::decode("06092a864886f70d01010a3000").unwrap()) == MessageDigest::sha256(), "SHA-1, the default, is raised");
        assert!(pss_hash(&[]) == MessageDigest::sha256());
    }
}
