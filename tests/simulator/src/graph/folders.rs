//! Folders.

use super::{Answer, Call, GraphError};
use crate::store::FolderId;

/// The folder a segment names: an identifier or a well-known name.
///
/// # Errors
/// [`GraphError::malformed_id`], [`GraphError::not_found`].
pub(crate) fn folder_of(call: &Call<'_>, segment: &str) -> Result<FolderId, GraphError> {
    let mailbox = call.mailbox()?;
    if let Some(id) = mailbox.root_folder(&segment.to_ascii_lowercase()) {
        return Ok(id);
    }
    let id = FolderId::parse(&segment.replace('-', "/").replace('_', "+")).map_err(|_| GraphError::malformed_id())?;
    mailbox.folder(id)?;
    Ok(id)
}

/// A folder's identifier as Graph writes it.
pub(crate) fn folder_id(id: FolderId) -> String {
    id.text().replace('/', "-").replace('+', "_")
}

/// Answers what concerns folders.
pub(crate) async fn handle(call: &Call<'_>) -> Answer {
    Err(GraphError::segment(call.segments.first().map_or("", String::as_str)))
}
