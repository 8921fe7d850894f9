//! Access tokens: what they say, and that nobody else made them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which service a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Audience {
    /// Exchange: EWS.
    Exchange,
    /// Microsoft Graph.
    Graph,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The service it is for, as the client named it.
    pub aud: String,
    /// Which service that is.
    pub service: Audience,
    /// The application it was given to.
    pub appid: String,
    /// The application's tenant.
    pub tid: String,
    /// What the application may do, as Exchange and Graph name it.
    pub roles: Vec<String>,
    /// Valid from, in seconds since 1970.
    pub nbf: i64,
    /// Valid until, in seconds since 1970.
    pub exp: i64,
    /// How often the application's tokens had been revoked when it was given out.
    pub generation: u64,
    /// Makes every token another.
    pub jti: String,
}

/// Makes and reads tokens. They look like JSON Web Tokens (RFC 7519) but are for this server alone, so nothing need be remembered of them.
pub struct Tokens {
    key: hmac::Key,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()) }
    }
}

impl Tokens {
    /// Writes a token.
    pub fn issue(&self, grant: &Grant) -> String {
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(grant).unwrap_or_default());
        let signed = format!("{head}.{claims}");
        let tag = hmac::sign(&self.key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Reads a token this server made. Whether it is still valid is for the caller to say.
    pub fn read(&self, token: &str) -> Option<Grant> {
        let (signed, tag) = token.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &tag).ok()?;
        let (_, claims) = signed.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// Random bytes. The system's generator fails only where there is no system; zeros then merely make a test predictable.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::warn!("the system has no random numbers");
    }
    bytes
}

/// A random GUID (RFC 9562 section 5.4).
pub(crate) fn guid() -> String {
    let mut number = u128::from_be_bytes(random());
    number = number & !(0xf << 76) | (4 << 76);
    number = number & !(0x3 << 62) | (2 << 62);
    let text = format!("{number:032x}");
    let mut out = String::with_capacity(36);
    for (place, digit) in text.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}
