//! Attachments (documentation pages "List attachments", "Get attachment"): read out of the message's MIME when asked for.

use super::entity::time;
use super::ids::{from_rest, to_rest};
use crate::content::{Attachment, AttachmentBody, attachments};
use crate::graph::{Answer, Call, GraphError, reply};
use crate::http::Response;
use crate::store::{Item, ItemId, LastingId, Mime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The most bytes of a message that are read to find its attachments; larger messages show none.
const READ: u64 = 160 << 20;
const MARK: &[u8; 4] = b"GAT1";

/// Answers what concerns the attachments of a message.
pub(super) async fn handle(call: &Call<'_>, id: ItemId, rest: &[&str]) -> Answer {
    let item = call.mailbox()?.item(id)?;
    let found = read(&item).await?;
    let select: Vec<String> = call.query.select.clone().unwrap_or_default();
    let base = format!("messages('{}')/attachments", super::ids::item_id(&item, call.prefer.immutable));
    match rest {
        [] => {
            let values: Vec<Value> =
                found.iter().enumerate().map(|(number, attachment)| entity(&item, number, attachment, &select)).collect();
            reply::entity(200, &json!({"@odata.context": call.context(&base), "value": values}))
        }
        [name] | [name, "$value"] => {
            let number = number_of(item.lasting, name).ok_or_else(GraphError::malformed_id)?;
            let attachment = found.get(number).ok_or_else(GraphError::not_found)?;
            if rest.len() == 2 {
                let (AttachmentBody::File(bytes) | AttachmentBody::Message(bytes)) = &attachment.body;
                let kind = match attachment.body {
                    AttachmentBody::File(_) => attachment.content_type.as_str(),
                    AttachmentBody::Message(_) => "text/plain",
                };
                return Ok(Response::new(200).header("Content-Type", kind).bytes(bytes.clone()));
            }
            let mut value = entity(&item, number, attachment, &select);
            if let Value::Object(map) = &mut value {
                map.insert("@odata.context".to_owned(), call.context(&format!("{base}/$entity")).into());
            }
            reply::entity(200, &value)
        }
        _ => Err(GraphError::segment(rest.last().copied().unwrap_or_default())),
    }
}

/// The attachments of a message as an expansion.
pub(super) async fn expanded(_call: &Call<'_>, item: &Item, select: &[String]) -> Result<Value, GraphError> {
    let found = read(item).await?;
    Ok(Value::Array(found.iter().enumerate().map(|(number, attachment)| entity(item, number, attachment, select)).collect()))
}

async fn read(item: &Item) -> Result<Vec<Attachment>, GraphError> {
    match &item.mime {
        Mime::Content(content) if content.len() <= READ => {
            let bytes = content.bytes(READ).await;
            let bytes = bytes.map_err(|_| GraphError::new(500, "ErrorCorruptData", "The content of the item could not be read."))?;
            Ok(attachments(&bytes))
        }
        _ => Ok(Vec::new()),
    }
}

/// An attachment's identifier: its message, wherever that is moved, and its place in it.
fn attachment_id(item: LastingId, number: usize) -> String {
    let mut bytes = MARK.to_vec();
    bytes.extend_from_slice(&item.mailbox.0);
    bytes.extend_from_slice(&item.number.to_be_bytes());
    bytes.extend_from_slice(&(number as u64).to_be_bytes());
    to_rest(&STANDARD.encode(bytes))
}

fn number_of(item: LastingId, text: &str) -> Option<usize> {
    let bytes = STANDARD.decode(from_rest(text)).ok()?;
    let (_, number) = bytes.split_last_chunk::<8>()?;
    let number = usize::try_from(u64::from_be_bytes(*number)).ok()?;
    (attachment_id(item, number) == text).then_some(number)
}

fn entity(item: &Item, number: usize, attachment: &Attachment, select: &[String]) -> Value {
    let mut map = Map::new();
    let (kind, bytes) = match &attachment.body {
        AttachmentBody::File(bytes) => ("#microsoft.graph.fileAttachment", bytes),
        AttachmentBody::Message(bytes) => ("#microsoft.graph.itemAttachment", bytes),
    };
    map.insert("@odata.type".to_owned(), kind.into());
    map.insert("id".to_owned(), attachment_id(item.lasting, number).into());
    let mut add = |name: &str, value: &dyn Fn() -> Value| {
        if select.is_empty() || select.iter().any(|wanted| wanted.rsplit('/').next() == Some(name)) {
            map.insert(name.to_owned(), value());
        }
    };
    add("lastModifiedDateTime", &|| time(item.modified).into());
    add("name", &|| attachment.name.clone().into());
    add("contentType", &|| attachment.content_type.clone().into());
    add("size", &|| i32::try_from(bytes.len()).unwrap_or(i32::MAX).into());
    add("isInline", &|| attachment.inline.into());
    if matches!(attachment.body, AttachmentBody::File(_)) {
        add("contentId", &|| attachment.content_id.clone().into());
        add("contentBytes", &|| STANDARD.encode(bytes).into());
    }
    Value::Object(map)
}
