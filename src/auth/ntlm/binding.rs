//! Channel binding, which Exchange calls Extended Protection: the login names the TLS certificate the client saw, so that a login relayed by
//! somebody in the middle is worth nothing.

use md5::{Digest, Md5};

/// A `tls-server-end-point` binding (RFC 5929, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding([u8; 16]);

impl Binding {
    /// The binding for the hash of a server's certificate: the MD5 of a `gss_channel_bindings_struct` (RFC 2744, section 3.11) with two empty
    /// addresses, as MS-NLMP 2.2.2.1 asks for.
    pub fn of_certificate_hash(hash: &[u8]) -> Self {
        const PREFIX: &[u8] = b"tls-server-end-point:";
        let length = u32::try_from(PREFIX.len() + hash.len()).unwrap_or(u32::MAX);
        let mut md5 = Md5::new();
        // Type and length of the initiator's and of the acceptor's address.
        md5.update([0; 16]);
        md5.update(length.to_le_bytes());
        md5.update(PREFIX);
        md5.update(hash);
        Self(md5.finalize().into())
    }

    /// The sixteen bytes that go into the message.
    pub fn digest(&self) -> [u8; 16] {
        self.0
    }
}
