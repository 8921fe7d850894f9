//! translateExchangeIds (documentation page "user: translateExchangeIds").
//!
//! Five forms of one identity: the EWS identifier, its form in addresses, the MAPI entry id, and the last two for the identity that moves
//! do not change. The entry ids are of a form of this server's own; only its length is that of MS-OXCDATA 2.2.4.2.

use super::ids::{from_rest, to_rest};
use crate::graph::call::parameter;
use crate::graph::{Answer, Call, GraphError, reply};
use crate::store::{Guid, ItemId, LastingId, Mailbox};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The most identifiers of one call.
const MOST: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Entry,
    Ews,
    ImmutableEntry,
    Rest,
    RestImmutable,
}

impl Format {
    fn of(value: &Value) -> Option<Self> {
        Some(match value.as_str()?.to_ascii_lowercase().as_str() {
            "entryid" => Self::Entry,
            "ewsid" => Self::Ews,
            "immutableentryid" => Self::ImmutableEntry,
            "restid" => Self::Rest,
            "restimmutableentryid" => Self::RestImmutable,
            _ => return None,
        })
    }
}

/// Translates identifiers of the mailbox's items.
pub(super) fn translate(call: &Call<'_>) -> Answer {
    if call.method != "POST" {
        return Err(GraphError::unsupported(405));
    }
    let mailbox = call.mailbox()?;
    let body = call.json()?;
    let format = |name: &str| {
        let format = parameter(&body, name).and_then(Format::of);
        format.ok_or_else(|| GraphError::request("ErrorInvalidArgument", format!("The value of parameter '{name}' is missing or invalid.")))
    };
    let (from, to) = (format("sourceIdType")?, format("targetIdType")?);
    let ids = parameter(&body, "inputIds").and_then(Value::as_array);
    let ids = ids.ok_or_else(|| GraphError::request("ErrorInvalidArgument", "The value of parameter 'inputIds' is missing or invalid."))?;
    if ids.len() > MOST {
        return Err(GraphError::request("ErrorInvalidArgument", format!("The number of inputIds exceeds the maximum of {MOST}.")));
    }
    let results: Vec<Value> = ids
        .iter()
        .map(|id| {
            let source = id.as_str().unwrap_or_default();
            match read(mailbox, source, from) {
                Ok(id) => json!({"sourceId": source, "targetId": write(mailbox, id, to)}),
                Err(error) => json!({"sourceId": source, "errorDetails": {"code": error.code, "message": error.message}}),
            }
        })
        .collect();
    let context = format!("{}/$metadata#Collection(microsoft.graph.convertIdResult)", call.root);
    reply::entity(200, &json!({"@odata.context": context, "value": results}))
}

/// The item that is meant, if it lives.
fn read(mailbox: &Mailbox, text: &str, format: Format) -> Result<ItemId, GraphError> {
    let malformed = |_| GraphError::malformed_id();
    let lasting = match format {
        Format::Ews => return living(mailbox, ItemId::parse(text).map_err(malformed)?),
        Format::Rest => return living(mailbox, ItemId::parse(&from_rest(text)).map_err(malformed)?),
        Format::Entry => return living(mailbox, from_entry(&bytes(text).ok_or_else(GraphError::malformed_id)?)?),
        Format::RestImmutable => LastingId::parse(&from_rest(text)).map_err(malformed)?,
        Format::ImmutableEntry => {
            let bytes = bytes(text).ok_or_else(GraphError::malformed_id)?;
            LastingId::from_bytes(&bytes).map_err(malformed)?
        }
    };
    Ok(mailbox.item_of(lasting)?)
}

fn living(mailbox: &Mailbox, id: ItemId) -> Result<ItemId, GraphError> {
    if mailbox.holds(id) { Ok(id) } else { Err(GraphError::not_found()) }
}

fn write(mailbox: &Mailbox, id: ItemId, format: Format) -> String {
    match format {
        Format::Ews => id.text(),
        Format::Rest => to_rest(&id.text()),
        Format::RestImmutable => to_rest(&mailbox.lasting(id).text()),
        Format::Entry => token(&entry(id)),
        Format::ImmutableEntry => token(&mailbox.lasting(id).bytes()),
    }
}

/// Length of a MAPI entry id of a message.
const ENTRY: usize = 70;

/// Flags, mailbox, type, what stands for the folder (generation and checksum), what stands for the message (mailbox again and number).
fn entry(id: ItemId) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&id.mailbox.0);
    bytes.extend_from_slice(&[7, 0]);
    bytes.extend_from_slice(&id.generation.to_be_bytes());
    let sum = Sha256::digest([&id.mailbox.0[..], &id.generation.to_be_bytes(), &id.number.to_be_bytes()].concat());
    bytes.extend(sum.iter().take(20));
    bytes.extend_from_slice(&id.mailbox.0);
    bytes.extend_from_slice(&id.number.to_be_bytes());
    bytes
}

fn from_entry(bytes: &[u8]) -> Result<ItemId, GraphError> {
    let part = |at: usize, length: usize| bytes.get(at..at + length).ok_or_else(GraphError::malformed_id);
    let malformed = |_| GraphError::malformed_id();
    let id = ItemId {
        mailbox: Guid(part(4, 16)?.try_into().map_err(malformed)?),
        generation: u32::from_be_bytes(part(22, 4)?.try_into().map_err(malformed)?),
        number: u64::from_be_bytes(part(ENTRY - 8, 8)?.try_into().map_err(malformed)?),
    };
    if entry(id) == bytes { Ok(id) } else { Err(GraphError::malformed_id()) }
}

/// Base64 for addresses with the number of its missing padding characters behind it.
fn token(bytes: &[u8]) -> String {
    let padding = (3 - bytes.len() % 3) % 3;
    format!("{}{padding}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The bytes of an entry id however it is written: hexadecimal, base64, or [`token`].
fn bytes(text: &str) -> Option<Vec<u8>> {
    let token = || {
        let (last, _) = text.char_indices().next_back()?;
        let (body, padding) = text.split_at_checked(last)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).ok()?;
        ((3 - bytes.len() % 3) % 3 == padding.parse::<usize>().ok()?).then_some(bytes)
    };
    hex::decode(text).ok().or_else(token).or_else(|| STANDARD.decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_ids_are_read_in_every_notation() {
        let id = ItemId { mailbox: Guid::of(7, "alice@example.com"), number: 91, generation: 2 };
        let whole = entry(id);
        assert_eq!(whole.len(), ENTRY);
        for text in [token(&whole), hex::encode_upper(&whole), STANDARD.encode(&whole)] {
            assert_eq!(from_entry(&bytes(&text).unwrap()), Ok(id), "{text}");
        }
        let mut altered = whole;
        altered[30] ^= 1;
        assert!(
            from_entry(&altered).is_err()
                && from_entry(&[]).is_err()
                && bytes("!").is_none()
                && bytes("").is_none_or(|bytes| bytes.is_empty())
        );
    }
}
