//! Channel bindings: what ties a login to the TLS connection it came over.

use md5::{Digest, Md5};

/// The MD5 of the `gss_channel_bindings` structure that names the server's certificate (RFC 2744 section 3.11, RFC 5929 section 4,
/// MS-NLMP section 2.2.2.1, MsvAvChannelBindings): no addresses, then the application data with its length in little-endian order.
pub fn channel_binding(end_point: &[u8]) -> [u8; 16] {
    let mut data = b"tls-server-end-point:".to_vec();
    data.extend(end_point);
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = Md5::new();
    hash.update([0; 16]);
    hash.update(length.to_le_bytes());
    hash.update(&data);
    hash.finalize().into()
}

/// What a client said about the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// Nothing at all.
    Absent,
    /// Sixteen zeros: the client knows of bindings but has none.
    Zero,
    /// This very connection.
    Right,
    /// Another connection.
    Wrong,
}

impl Binding {
    pub(super) fn of(given: Option<&[u8]>, expected: &[u8; 16]) -> Self {
        match given {
            None => Self::Absent,
            Some(given) if given == expected => Self::Right,
            Some(given) if given.len() == 16 && given.iter().all(|byte| *byte == 0) => Self::Zero,
            Some(_) => Self::Wrong,
        }
    }
}
