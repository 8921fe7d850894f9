//! `$value`: a message's MIME as it is, in pieces, without a length (documentation page "Get MIME content of a message").

use crate::graph::{Answer, Call, GraphError};
use crate::http::Response;
use crate::store::{ItemId, Mime};

/// The MIME of a message.
pub(super) fn get(call: &Call<'_>, id: ItemId) -> Answer {
    let mailbox = call.mailbox()?;
    let item = mailbox.item(id)?;
    let content = match &item.mime {
        Mime::Content(content) => content,
        Mime::Refused(code) => return Err(refused(code)),
    };
    mailbox.note_download(id);
    call.state.counters.add("graph.downloads", 1);
    let bytes = content.chunks();
    let bytes = if call.state.quirks.has("mime-regenerated") { crate::ews::regenerated(bytes) } else { bytes };
    Ok(Response::new(200).header("Content-Type", "text/plain").stream(bytes))
}

/// What Graph says of an item that EWS refuses the MIME of with this code.
pub(super) fn refused(code: &str) -> GraphError {
    let (status, code, message) = match code {
        "ErrorMimeContentConversionFailed" | "ErrorUnsupportedMimeConversion" => {
            (500, "ErrorMimeContentConversionFailed", "MIME content conversion failed.")
        }
        "ErrorContentConversionFailed" => (500, "ErrorContentConversionFailed", "Content conversion: Body conversion failed."),
        "ErrorMessageSizeExceeded" => (413, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size."),
        "ErrorInternalServerError" => (500, "ErrorInternalServerError", "An internal server error occurred. The operation failed."),
        _ => (500, "ErrorCorruptData", "Data is corrupt.,Invalid global object ID:"),
    };
    GraphError::new(status, code, message)
}
