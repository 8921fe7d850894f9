//! Identifiers of messages as Graph writes them, in both of its forms.
//!
//! Source: documentation page "Get immutable identifiers for Outlook resources". The usual form is the EWS identifier with the letters of
//! base64 that addresses do not like replaced; the other stays when a message is moved.

use crate::graph::GraphError;
use crate::store::{Item, ItemId, LastingId, Mailbox};

/// Replaces the letters of base64 that addresses do not like.
pub(crate) fn to_rest(text: &str) -> String {
    swap(text, |letter| match letter {
        '/' => '-',
        '+' => '_',
        other => other,
    })
}

/// Undoes [`to_rest`].
pub(crate) fn from_rest(text: &str) -> String {
    swap(text, |letter| match letter {
        '-' => '/',
        '_' => '+',
        other => other,
    })
}

fn swap(text: &str, change: impl Fn(char) -> char) -> String {
    text.chars().map(change).collect()
}

/// An item's identifier in the form preferred.
pub(crate) fn item_id(item: &Item, immutable: bool) -> String {
    if immutable { to_rest(&item.lasting.text()) } else { to_rest(&item.id.text()) }
}

/// The identifier of an item that may be gone.
pub(crate) fn id_text(mailbox: &Mailbox, id: ItemId, immutable: bool) -> String {
    if immutable { to_rest(&mailbox.lasting(id).text()) } else { to_rest(&id.text()) }
}

/// The item a segment names, in whichever form.
///
/// # Errors
/// [`GraphError::malformed_id`]; `ErrorInvalidMailboxItemId` for another mailbox's; [`GraphError::not_found`] where the item is gone, and for
/// a usual identifier also where it only moved.
pub(crate) fn item_of(mailbox: &Mailbox, segment: &str) -> Result<ItemId, GraphError> {
    let text = from_rest(segment);
    let (owner, found) = match ItemId::parse(&text) {
        Ok(id) => (id.mailbox, mailbox.holds(id).then_some(id)),
        Err(_) => {
            let lasting = LastingId::parse(&text).map_err(|_| GraphError::malformed_id())?;
            (lasting.mailbox, mailbox.item_of(lasting).ok())
        }
    };
    if owner != mailbox.guid() {
        return Err(GraphError::request("ErrorInvalidMailboxItemId", "Item Id doesn't belong to the current mailbox."));
    }
    found.ok_or_else(GraphError::not_found)
}
