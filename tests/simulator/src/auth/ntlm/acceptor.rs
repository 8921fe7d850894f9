//! A login under way: the challenge given out, and the answer checked against it (MS-NLMP section 3.2.5).

use super::crypto::{hmac_md5, ntowf_v2, rc4, same, utf16};
use super::message::{
    ALWAYS_SIGN, AV_CHANNEL_BINDINGS, AV_COMPUTER, AV_DNS_COMPUTER, AV_DNS_DOMAIN, AV_DNS_TREE, AV_DOMAIN, AV_FLAGS, AV_TARGET_NAME,
    AV_TIMESTAMP, AuthenticateMessage, ChallengeMessage, EXTENDED_SECURITY, KEY_56, KEY_128, KEY_EXCHANGE, MIC, NTLM, OEM, REQUEST_TARGET,
    SEAL, SIGN, TARGET_INFO, TARGET_IS_DOMAIN, UNICODE, VERSION, decode_pairs, encode_pairs, message_type, negotiate_flags, u32_at, u64_at,
};
use crate::auth::binding::{Binding, channel_binding};
use crate::options::ExtendedProtection;
use std::fmt;

/// 100-nanosecond steps between 1601 and 1970.
const EPOCH: u64 = 116_444_736_000_000_000;
/// How far a client's clock may be off, in 100-nanosecond steps: half an hour.
const SKEW: u64 = 30 * 60 * 10_000_000;

/// The names under which the server knows itself.
#[derive(Clone, Debug)]
pub struct Realm {
    /// The NetBIOS name of the domain.
    pub domain: String,
    /// The NetBIOS name of the server.
    pub computer: String,
    /// The DNS name of the domain.
    pub dns_domain: String,
}

impl Default for Realm {
    fn default() -> Self {
        Self { domain: "EXAMPLE".to_owned(), computer: "EXCH01".to_owned(), dns_domain: "example.com".to_owned() }
    }
}

/// Why a login is refused. The client only ever hears 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The message cannot be read.
    Malformed,
    /// An answer of NTLM version 1 or LM.
    OldVersion,
    /// No such account, or a wrong password.
    Credentials,
    /// The integrity check does not fit the three messages.
    Integrity,
    /// The answer's clock is more than half an hour off.
    Clock,
    /// Extended Protection does not find the channel binding it asks for.
    ChannelBinding,
    /// The answer was made for another service.
    TargetName,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::OldVersion => "old-version",
            Self::Credentials => "credentials",
            Self::Integrity => "integrity",
            Self::Clock => "clock",
            Self::ChannelBinding => "channel-binding",
            Self::TargetName => "target-name",
        })
    }
}

/// Who an answer says it comes from, before it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The domain as sent; may be empty.
    pub domain: String,
    /// The user as sent: a short name or a UPN.
    pub user: String,
}

/// A challenge given out on a connection, waiting for its answer.
pub struct Challenge {
    negotiate: Vec<u8>,
    message: Vec<u8>,
    nonce: [u8; 8],
    now: u64,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").finish_non_exhaustive()
    }
}

impl Challenge {
    /// Answers a negotiate message. `nonce` is 8 random bytes, `unix_nanos` the time.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when `negotiate` is not one.
    pub fn answer(negotiate: &[u8], realm: &Realm, nonce: [u8; 8], unix_nanos: u64) -> Result<Self, Refusal> {
        if message_type(negotiate) != Some(1) {
            return Err(Refusal::Malformed);
        }
        let asked = negotiate_flags(negotiate).ok_or(Refusal::Malformed)?;
        let now = unix_nanos / 100 + EPOCH;
        let pairs = [
            (AV_DOMAIN, utf16(&realm.domain)),
            (AV_COMPUTER, utf16(&realm.computer)),
            (AV_DNS_DOMAIN, utf16(&realm.dns_domain)),
            (AV_DNS_COMPUTER, utf16(&format!("{}.{}", realm.computer.to_lowercase(), realm.dns_domain))),
            (AV_DNS_TREE, utf16(&realm.dns_domain)),
            (AV_TIMESTAMP, now.to_le_bytes().to_vec()),
        ];
        let message =
            ChallengeMessage { flags: agree(asked), challenge: nonce, target: &realm.domain, target_info: &encode_pairs(&pairs) }.encode();
        Ok(Self { negotiate: negotiate.to_vec(), message, nonce, now })
    }

    /// The challenge message to send.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Whose answer this claims to be, so that the password can be looked up.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when it cannot be read.
    pub fn claim(&self, authenticate: &[u8]) -> Result<Claim, Refusal> {
        let message = AuthenticateMessage::decode(authenticate).ok_or(Refusal::Malformed)?;
        Ok(Claim { domain: message.domain, user: message.user })
    }

    /// Checks an answer against the password of the account it claims. `end_point` is the hash the channel binding must name; absent
    /// without TLS, where Extended Protection has nothing to bind to.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn check(
        &self,
        authenticate: &[u8],
        password: &str,
        protection: ExtendedProtection,
        end_point: Option<&[u8]>,
    ) -> Result<(), Refusal> {
        let message = AuthenticateMessage::decode(authenticate).ok_or(Refusal::Malformed)?;
        if message.nt_response.len() <= 24 {
            return Err(Refusal::OldVersion);
        }
        let (proof, blob) = message.nt_response.split_at_checked(16).ok_or(Refusal::Malformed)?;
        let key = ntowf_v2(password, &message.user, &message.domain);
        let expected = hmac_md5(&key, &[&self.nonce, blob]);
        if !same(proof, &expected) {
            return Err(Refusal::Credentials);
        }
        if blob.first_chunk() != Some(&[1, 1]) {
            return Err(Refusal::Malformed);
        }
        let clock = u64_at(blob, 8).ok_or(Refusal::Malformed)?;
        let pairs = blob.get(28..).and_then(decode_pairs).ok_or(Refusal::Malformed)?;
        if clock.abs_diff(self.now) > SKEW {
            return Err(Refusal::Clock);
        }
        let pair = |wanted: u16| pairs.iter().find(|(id, _)| *id == wanted).map(|(_, it)| *it);
        let has_mic = pair(AV_FLAGS).and_then(|flags| u32_at(flags, 0)).is_some_and(|flags| flags & 2 != 0);
        if has_mic {
            let session = hmac_md5(&key, &[proof]);
            self.check_integrity(authenticate, &message, &session)?;
        }
        protect(protection, end_point, pair(AV_CHANNEL_BINDINGS), pair(AV_TARGET_NAME))
    }

    /// The integrity check covers all three messages, so that nobody between can have changed one.
    fn check_integrity(&self, authenticate: &[u8], message: &AuthenticateMessage<'_>, session: &[u8]) -> Result<(), Refusal> {
        let exported = if message.flags & KEY_EXCHANGE != 0 {
            if message.session_key.len() != 16 {
                return Err(Refusal::Malformed);
            }
            rc4(session, message.session_key)
        } else {
            session.to_vec()
        };
        let given = authenticate.get(MIC).ok_or(Refusal::Malformed)?;
        let mut blank = authenticate.to_vec();
        blank.get_mut(MIC).ok_or(Refusal::Malformed)?.fill(0);
        let expected = hmac_md5(&exported, &[&self.negotiate, &self.message, &blank]);
        if same(given, &expected) { Ok(()) } else { Err(Refusal::Integrity) }
    }
}

/// The flags of the challenge: what the client asked for as far as it is known here, and what the server always says.
fn agree(asked: u32) -> u32 {
    let known =
        UNICODE | OEM | REQUEST_TARGET | SIGN | SEAL | NTLM | ALWAYS_SIGN | EXTENDED_SECURITY | VERSION | KEY_128 | KEY_EXCHANGE | KEY_56;
    let mut flags = asked & known | NTLM | TARGET_INFO | VERSION;
    if flags & UNICODE != 0 {
        flags &= !OEM;
    }
    if flags & REQUEST_TARGET != 0 {
        flags |= TARGET_IS_DOMAIN;
    }
    flags
}

/// Extended Protection: the channel binding and the service the answer was made for.
fn protect(
    protection: ExtendedProtection,
    end_point: Option<&[u8]>,
    bindings: Option<&[u8]>,
    target: Option<&[u8]>,
) -> Result<(), Refusal> {
    if protection == ExtendedProtection::Off {
        return Ok(());
    }
    let names_http = |target: &[u8]| {
        let wanted = utf16("http/");
        target.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(&wanted))
    };
    if target.is_some_and(|target| !target.is_empty() && !names_http(target)) {
        return Err(Refusal::TargetName);
    }
    let Some(end_point) = end_point else {
        return Ok(());
    };
    match (Binding::of(bindings, &channel_binding(end_point)), protection) {
        (Binding::Right, _) => Ok(()),
        (Binding::Absent | Binding::Zero, ExtendedProtection::Allowed) => Ok(()),
        _ => Err(Refusal::ChannelBinding),
    }
}
