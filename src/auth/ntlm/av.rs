//! Attribute pairs: the server's facts about itself, to which the client adds its own (MS-NLMP 2.2.2.1).

use super::{Binding, Invalid, utf16};

/// End of the list.
const EOL: u16 = 0;
/// A 32-bit field of flags.
const FLAGS: u16 = 6;
/// The server's time, as a FILETIME.
const TIMESTAMP: u16 = 7;
/// The service the client means to reach.
const TARGET_NAME: u16 = 9;
/// The TLS channel the client sees.
const CHANNEL_BINDINGS: u16 = 10;
/// In [`FLAGS`]: the third message carries an integrity code.
const HAS_INTEGRITY_CODE: u32 = 0x2;

/// One pair. Ids we do not know are kept: the proof covers the whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub id: u16,
    pub value: Vec<u8>,
}

/// Reads a list up to its end mark; a list that just stops is taken as complete.
pub fn parse(mut bytes: &[u8]) -> Result<Vec<Pair>, Invalid> {
    let mut pairs = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
        let [a, b, c, d] = *head;
        let (id, length) = (u16::from_le_bytes([a, b]), usize::from(u16::from_le_bytes([c, d])));
        if id == EOL {
            break;
        }
        let (value, rest) = rest.split_at_checked(length).ok_or(Invalid("the NTLM challenge's target information is cut off"))?;
        pairs.push(Pair { id, value: value.to_vec() });
        bytes = rest;
    }
    Ok(pairs)
}

/// Writes a list with its end mark. A value longer than a pair can hold does not occur: ours are short, and theirs came in the same form.
pub fn write(pairs: &[Pair]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Pair { id, value } in pairs {
        let Ok(length) = u16::try_from(value.len()) else { continue };
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(value);
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

/// The server's time, where it gave one.
pub fn timestamp(pairs: &[Pair]) -> Option<u64> {
    let pair = pairs.iter().find(|pair| pair.id == TIMESTAMP)?;
    pair.value.first_chunk().map(|value| u64::from_le_bytes(*value))
}

/// The client's list (MS-NLMP 3.1.5.1.2): the server's pairs in their order, the flag for the integrity code where there will be one, the service,
/// and the channel. Without a channel there is no such pair at all: sixteen zero bytes would claim a binding and prove none.
pub fn answer(server: &[Pair], service: &str, binding: Option<&Binding>, integrity_code: bool) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = server.iter().filter(|pair| pair.id != TARGET_NAME && pair.id != CHANNEL_BINDINGS).cloned().collect();
    if integrity_code {
        match pairs.iter_mut().find(|pair| pair.id == FLAGS) {
            Some(pair) => {
                let old = pair.value.first_chunk().map_or(0, |value| u32::from_le_bytes(*value));
                pair.value = (old | HAS_INTEGRITY_CODE).to_le_bytes().to_vec();
            }
            None => pairs.push(Pair { id: FLAGS, value: HAS_INTEGRITY_CODE.to_le_bytes().to_vec() }),
        }
    }
    pairs.push(Pair { id: TARGET_NAME, value: utf16(service) });
    if let Some(binding) = binding {
        pairs.push(Pair { id: CHANNEL_BINDINGS, value: binding.digest().to_vec() });
    }
    pairs
}
