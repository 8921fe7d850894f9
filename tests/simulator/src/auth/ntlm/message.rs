//! The three messages of NTLM (MS-NLMP section 2.2.1) and the pairs inside them (section 2.2.2.1).

use super::crypto::utf16;

pub(super) const UNICODE: u32 = 0x0000_0001;
pub(super) const OEM: u32 = 0x0000_0002;
pub(super) const REQUEST_TARGET: u32 = 0x0000_0004;
pub(super) const SIGN: u32 = 0x0000_0010;
pub(super) const SEAL: u32 = 0x0000_0020;
pub(super) const NTLM: u32 = 0x0000_0200;
pub(super) const ALWAYS_SIGN: u32 = 0x0000_8000;
pub(super) const TARGET_IS_DOMAIN: u32 = 0x0001_0000;
pub(super) const EXTENDED_SECURITY: u32 = 0x0008_0000;
pub(super) const TARGET_INFO: u32 = 0x0080_0000;
pub(super) const VERSION: u32 = 0x0200_0000;
pub(super) const KEY_128: u32 = 0x2000_0000;
pub(super) const KEY_EXCHANGE: u32 = 0x4000_0000;
pub(super) const KEY_56: u32 = 0x8000_0000;

pub(super) const AV_END: u16 = 0;
pub(super) const AV_COMPUTER: u16 = 1;
pub(super) const AV_DOMAIN: u16 = 2;
pub(super) const AV_DNS_COMPUTER: u16 = 3;
pub(super) const AV_DNS_DOMAIN: u16 = 4;
pub(super) const AV_DNS_TREE: u16 = 5;
pub(super) const AV_FLAGS: u16 = 6;
pub(super) const AV_TIMESTAMP: u16 = 7;
pub(super) const AV_TARGET_NAME: u16 = 9;
pub(super) const AV_CHANNEL_BINDINGS: u16 = 10;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// Windows Server 2019, NTLM revision 15 (MS-NLMP section 2.2.2.10).
const OUR_VERSION: [u8; 8] = [10, 0, 0x63, 0x45, 0, 0, 0, 15];

/// Whether a token is NTLM itself, not wrapped into anything.
pub fn is_ntlm(token: &[u8]) -> bool {
    token.starts_with(SIGNATURE)
}

/// The number of an NTLM message: 1 negotiate, 2 challenge, 3 authenticate.
pub fn message_type(token: &[u8]) -> Option<u32> {
    if is_ntlm(token) { u32_at(token, 8) } else { None }
}

/// The flags of a negotiate message.
pub(super) fn negotiate_flags(token: &[u8]) -> Option<u32> {
    u32_at(token, 12)
}

/// What a challenge message says.
pub(super) struct ChallengeMessage<'a> {
    pub(super) flags: u32,
    pub(super) challenge: [u8; 8],
    pub(super) target: &'a str,
    pub(super) target_info: &'a [u8],
}

impl ChallengeMessage<'_> {
    /// The message's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let target = if self.flags & UNICODE != 0 { utf16(self.target) } else { self.target.as_bytes().to_vec() };
        let start = 56u32;
        let mut out = SIGNATURE.to_vec();
        out.extend(2u32.to_le_bytes());
        let next = field(&mut out, target.len(), start);
        out.extend(self.flags.to_le_bytes());
        out.extend(self.challenge);
        out.extend([0; 8]);
        field(&mut out, self.target_info.len(), next);
        out.extend(OUR_VERSION);
        out.extend(target);
        out.extend(self.target_info);
        out
    }
}

/// Writes length, room and place of a variable field; returns where the next one begins.
fn field(out: &mut Vec<u8>, length: usize, place: u32) -> u32 {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    out.extend(length.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(place.to_le_bytes());
    place.saturating_add(u32::from(length))
}

/// Writes pairs with the closing one behind them.
pub(super) fn encode_pairs(pairs: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (id, value) in pairs {
        out.extend(id.to_le_bytes());
        out.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend(value);
    }
    out.extend([0; 4]);
    out
}

/// Reads pairs up to the closing one; none where they are cut off.
pub(super) fn decode_pairs(mut bytes: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut pairs = Vec::new();
    loop {
        let id = u16_at(bytes, 0)?;
        let length = usize::from(u16_at(bytes, 2)?);
        if id == AV_END {
            return Some(pairs);
        }
        pairs.push((id, bytes.get(4..4 + length)?));
        bytes = bytes.get(4 + length..)?;
    }
}

/// What an authenticate message says, borrowed from its bytes.
pub(super) struct AuthenticateMessage<'a> {
    pub(super) nt_response: &'a [u8],
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) session_key: &'a [u8],
    pub(super) flags: u32,
}

impl<'a> AuthenticateMessage<'a> {
    /// Reads one; none where a field points outside the message.
    pub(super) fn decode(token: &'a [u8]) -> Option<Self> {
        if message_type(token) != Some(3) {
            return None;
        }
        let flags = u32_at(token, 60).unwrap_or(UNICODE);
        let text = |bytes: &[u8]| -> Option<String> {
            if flags & UNICODE == 0 {
                // The OEM code page is the client's own; its first half is ASCII everywhere.
                return Some(String::from_utf8_lossy(bytes).into_owned());
            }
            let units = bytes.chunks_exact(2);
            if !units.remainder().is_empty() {
                return None;
            }
            let units: Vec<u16> = units.filter_map(|unit| u16_at(unit, 0)).collect();
            String::from_utf16(&units).ok()
        };
        Some(Self {
            nt_response: variable(token, 20)?,
            domain: text(variable(token, 28)?)?,
            user: text(variable(token, 36)?)?,
            session_key: variable(token, 52).unwrap_or_default(),
            flags,
        })
    }
}

/// The place of the integrity check in an authenticate message that has one.
pub(super) const MIC: std::ops::Range<usize> = 72..88;

fn variable(token: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u16_at(token, at)?);
    let place = usize::try_from(u32_at(token, at + 4)?).ok()?;
    token.get(place..place.checked_add(length)?)
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(field.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(field.try_into().ok()?))
}
