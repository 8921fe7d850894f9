//! The first message: what we can do (MS-NLMP 2.2.1.1).

use super::{SIGNATURE, flags};

/// Product 10.0, NTLM revision 15 (MS-NLMP 2.2.2.10): of use to those who read traces only.
pub(super) const VERSION: [u8; 8] = [10, 0, 0, 0, 0, 0, 0, 15];

/// The NEGOTIATE_MESSAGE. It names neither user nor machine. Its exact bytes enter the integrity code of the third message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiate(Vec<u8>);

impl Negotiate {
    /// The message.
    #[allow(clippy::new_without_default, reason = "a message is made on purpose")]
    pub fn new() -> Self {
        let mut message = Vec::with_capacity(40);
        message.extend_from_slice(SIGNATURE);
        message.extend_from_slice(&1u32.to_le_bytes());
        message.extend_from_slice(&flags::OFFERED.to_le_bytes());
        for _domain_and_workstation in 0..2 {
            // Length, maximum length, offset: empty, at the end of the message.
            message.extend_from_slice(&[0, 0, 0, 0, 40, 0, 0, 0]);
        }
        message.extend_from_slice(&VERSION);
        Self(message)
    }

    /// The message's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
