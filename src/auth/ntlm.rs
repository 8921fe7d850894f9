//! An NTLMv2 client (MS-NLMP), for HTTP's `NTLM` and `Negotiate` schemes (MS-NTHT).
//!
//! Three messages, one file each: [`Negotiate`] goes out, the server's [`Challenge`] comes back, and the response made by [`authenticate()`] proves the
//! password. NTLM logs in a connection: all three travel on the same one, and later requests on it need no further proof.

mod authenticate;
mod av;
mod binding;
mod challenge;
mod crypt;
mod flags;
mod negotiate;
#[cfg(test)]
mod tests;

use std::fmt;

pub use authenticate::{Nonces, authenticate};
pub use binding::Binding;
pub use challenge::Challenge;
pub use negotiate::Negotiate;

use super::Login;

/// The first eight bytes of every message.
const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// Why an exchange cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub &'static str);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Invalid {}

/// Who logs in, as the messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The domain; empty for a user principal name.
    pub domain: String,
    /// The user; the whole of a user principal name.
    pub user: String,
}

impl Account {
    /// Splits `DOMAIN\user`; anything else is a user without a domain, as a user principal name has to be sent.
    pub fn of(login: &Login) -> Self {
        match login.user.split_once('\\') {
            Some((domain, user)) => Self { domain: domain.to_owned(), user: user.to_owned() },
            None => Self { domain: String::new(), user: login.user.clone() },
        }
    }
}

/// Text as the messages carry it: UTF-16, little-endian, no byte order mark.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
