//! The second message: the server's challenge (MS-NLMP 2.2.1.2).

use super::{Invalid, SIGNATURE, av, flags};

/// A CHALLENGE_MESSAGE, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The bytes as received: they enter the integrity code.
    pub(super) bytes: Vec<u8>,
    pub(super) flags: u32,
    pub(super) nonce: [u8; 8],
    pub(super) pairs: Vec<av::Pair>,
}

impl Challenge {
    /// Reads a message. Every length and offset in it is a stranger's word.
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        if bytes.get(..8) != Some(SIGNATURE) {
            return Err(Invalid("it is not an NTLM message"));
        }
        if u32_at(bytes, 8)? != 2 {
            return Err(Invalid("it is not an NTLM challenge"));
        }
        let flags = u32_at(bytes, 20)?;
        if flags & flags::UNICODE == 0 {
            return Err(Invalid("the server's NTLM speaks no Unicode"));
        }
        let nonce = array_at::<8>(bytes, 24)?;
        // Servers older than target information end after the nonce.
        let pairs = match flags & flags::TARGET_INFO {
            0 => Vec::new(),
            _ => av::parse(field(bytes, 40)?)?,
        };
        Ok(Self { bytes: bytes.to_vec(), flags, nonce, pairs })
    }
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Invalid> {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or(Invalid("the NTLM challenge is too short"))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Invalid> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

/// What a length, maximum and offset at `at` point to.
fn field(bytes: &[u8], at: usize) -> Result<&[u8], Invalid> {
    let length = usize::from(u16::from_le_bytes(array_at(bytes, at)?));
    let offset = usize::try_from(u32_at(bytes, at + 4)?).unwrap_or(usize::MAX);
    let end = offset.checked_add(length).ok_or(Invalid("the NTLM challenge points outside itself"))?;
    bytes.get(offset..end).ok_or(Invalid("the NTLM challenge points outside itself"))
}
