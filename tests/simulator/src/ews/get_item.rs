//! GetItem.
//!
//! Source: documentation pages "GetItem operation", "MimeContent", "ResponseCode" (errors of single items).

use super::envelope::{elements, part};
use super::error::EwsError;
use super::item::{Extra, ItemWriter, PromisedMime};
use super::mime::{Layout, MimePart};
use super::session::Session;
use super::shape::{Base, Shape};
use super::xml::Xml;
use crate::content::{self, Content};
use crate::fault::EwsFault;
use crate::store::{Item, Mailbox, Mime};
use futures::StreamExt as _;
use roxmltree::Node;

/// The most bytes of a message that are read to find its attachments. Larger messages show none.
pub(super) const PARSED: u64 = 32 << 20;
/// The most bytes of a header.
const HEADER: usize = 256 << 10;

/// GetItem: one response message for each id, in order.
pub(super) async fn get(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let shape = match part(operation, "ItemShape") {
        Some(node) => Shape::read(node)?,
        None => Shape::id_only(),
    };
    shape.refuse_prefix(false)?;
    let mut prepared = Vec::new();
    for node in part(operation, "ItemIds").into_iter().flat_map(elements) {
        let found = session.item_id(node).and_then(|(mailbox, id)| Ok((mailbox.item(id)?, mailbox)));
        prepared.push(match found {
            Ok((item, mailbox)) => {
                let extra = read_extra(&shape, &item).await;
                extra.map(|extra| (mailbox, item, extra))
            }
            Err(error) => Err(error),
        });
    }
    if shape.mime && prepared.len() > 1 {
        poisoned(session, &prepared)?;
    }
    Ok(session.batch(prepared, |xml, found| {
        let (mailbox, item, mut extra) = found?;
        if shape.mime {
            extra.mime = promise_mime(session, &mailbox, &item)?;
        }
        let writer = ItemWriter {
            shape: &shape,
            listing: false,
            precision: session.precision(),
            owner: mailbox.display_name(),
            disguised: session.faults.contains(&EwsFault::UnknownElement),
        };
        xml.open("m:Items");
        writer.write(xml, &item, extra);
        xml.close("m:Items");
        Ok(())
    }))
}

/// Fails the whole request where a fault wants that and one of the items has no MIME.
fn poisoned<T>(session: &Session, prepared: &[Result<(Mailbox, Item, T), EwsError>]) -> Result<(), EwsError> {
    let code = session.faults.iter().find_map(|fault| match fault {
        EwsFault::Poisoned { code } => Some(code),
        _ => None,
    });
    let spoiled = prepared.iter().any(|found| matches!(found, Ok((_, item, _)) if matches!(item.mime, Mime::Refused(_))));
    match code {
        Some(code) if spoiled => Err(EwsError::new(code, "An internal server error occurred. The operation failed.")),
        _ => Ok(()),
    }
}

/// Reads what the shape asks for beyond the facts the store has.
async fn read_extra(shape: &Shape, item: &Item) -> Result<Extra, EwsError> {
    let mut extra = Extra::default();
    let Mime::Content(content) = &item.mime else {
        return Ok(extra);
    };
    let transport_headers = shape.extended().any(|asked| asked.tag == Some(0x007D));
    if shape.base == Base::All || shape.names("item:InternetMessageHeaders") || transport_headers {
        extra.headers = Some(read_header(content).await?);
    }
    let attachments = shape.base >= Base::Default || shape.names("item:Attachments");
    if attachments && content.len() <= PARSED {
        let bytes = content.bytes(PARSED).await.map_err(unreadable)?;
        extra.attachments = content::attachments(&bytes);
    }
    Ok(extra)
}

async fn read_header(content: &Content) -> Result<String, EwsError> {
    let mut head: Vec<u8> = Vec::new();
    let mut chunks = content.chunks();
    while let Some(chunk) = chunks.next().await {
        head.extend_from_slice(&chunk.map_err(unreadable)?);
        if head.len() > HEADER || end_of_header(&head).is_some() {
            break;
        }
    }
    let end = end_of_header(&head).unwrap_or(head.len()).min(HEADER);
    head.truncate(end);
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn end_of_header(bytes: &[u8]) -> Option<usize> {
    let crlf = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 2);
    let lf = bytes.windows(2).position(|window| window == b"\n\n").map(|at| at + 1);
    match (crlf, lf) {
        (Some(crlf), Some(lf)) => Some(crlf.min(lf)),
        (one, other) => one.or(other),
    }
}

/// The store's content could not be read: to a client that is damage to this item.
pub(super) fn unreadable(error: std::io::Error) -> EwsError {
    EwsError::new("ErrorItemCorrupt", format!("The content of the item could not be read: {error}."))
}

/// What stands in MimeContent, or why the item has none. Counts the download.
fn promise_mime(session: &Session, mailbox: &Mailbox, item: &Item) -> Result<Option<PromisedMime>, EwsError> {
    let content = match &item.mime {
        Mime::Content(content) => content.clone(),
        Mime::Refused(code) => return Err(refused(code)),
    };
    let mut layout = Layout { regenerated: session.quirk("mime-regenerated"), ..Layout::default() };
    for fault in &session.faults {
        match fault {
            EwsFault::MimeMissing => return Ok(None),
            EwsFault::MimeEmpty => return Ok(Some(PromisedMime::Empty)),
            EwsFault::MimeLineBreaks => layout.line_end = Some("\r\n"),
            EwsFault::MimeCarriageReturns => layout.line_end = Some("&#xD;\n"),
            EwsFault::MimeNoPadding => layout.unpadded = true,
            EwsFault::MimeCut { after } => layout.cut = Some(*after),
            _ => {}
        }
    }
    mailbox.note_download(item.id);
    session.state.counters.add("ews.downloads", 1);
    Ok(Some(PromisedMime::Part(MimePart { content, layout })))
}

fn refused(code: &str) -> EwsError {
    let text = match code {
        "ErrorUnsupportedMimeConversion" => "MIME content is not supported for this type of item.",
        "ErrorMimeContentConversionFailed" => "The conversion of the item to MIME content failed.",
        "ErrorItemCorrupt" => "The item is corrupt.",
        _ => "The MIME content of the item cannot be given.",
    };
    EwsError::new(code, text)
}
