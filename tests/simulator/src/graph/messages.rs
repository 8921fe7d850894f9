//! Messages.

mod attachments;
mod change;
mod compose;
mod condition;
mod delta;
mod delta_token;
mod entity;
mod expand;
mod extended;
mod headers;
pub(crate) mod ids;
mod link;
mod list;
mod mime;
mod page;
mod selection;
#[cfg(test)]
mod tests;
mod translate;

pub(crate) use delta_token::Generations;
pub(crate) use entity::{change_key, is_message};

use super::{Answer, Call, GraphError};
use crate::store::ItemId;
use expand::Expand;
use selection::Selection;

/// Answers what concerns messages: below `messages`, `mailFolders/{id}/messages`, and `translateExchangeIds`.
pub(crate) async fn handle(call: &Call<'_>) -> Answer {
    match call.path().as_slice() {
        ["translateExchangeIds"] => translate::translate(call),
        ["mailFolders", folder, "messages", rest @ ..] => within(call, Some(folder), rest).await,
        ["messages", rest @ ..] => within(call, None, rest).await,
        _ => Err(GraphError::unsupported(400)),
    }
}

async fn within(call: &Call<'_>, folder: Option<&str>, rest: &[&str]) -> Answer {
    match (call.method, rest) {
        ("GET", []) => list::list(call, folder).await,
        ("POST", []) => change::create(call, folder),
        ("GET", ["$count"]) => list::count(call, folder),
        (_, ["delta"]) => match folder {
            Some(folder) => delta::delta(call, folder).await,
            None => Err(GraphError::unsupported(400)),
        },
        // Bodies are to be had under /messages alone.
        (_, [_, "$value"]) if folder.is_some() => Err(GraphError::unsupported(405)),
        (_, [id, rest @ ..]) => one(call, message(call, folder, id)?, rest).await,
        _ => Err(GraphError::unsupported(405)),
    }
}

/// The message a segment names; below a folder it must lie in that folder.
fn message(call: &Call<'_>, folder: Option<&str>, id: &str) -> Result<ItemId, GraphError> {
    let mailbox = call.mailbox()?;
    let id = ids::item_of(mailbox, id)?;
    if let Some(folder) = folder
        && mailbox.item(id)?.folder != super::folders::folder_of(call, folder)?
    {
        return Err(GraphError::not_found());
    }
    Ok(id)
}

async fn one(call: &Call<'_>, id: ItemId, rest: &[&str]) -> Answer {
    match (call.method, rest) {
        ("GET", []) => get(call, id).await,
        ("PATCH", []) => change::patch(call, id),
        ("DELETE", []) => change::delete(call, id),
        ("POST", ["move"]) => change::shift(call, id, true),
        ("POST", ["copy"]) => change::shift(call, id, false),
        ("GET", ["$value"]) => mime::get(call, id),
        ("GET", ["attachments", rest @ ..]) => attachments::handle(call, id, rest).await,
        _ => Err(GraphError::unsupported(405)),
    }
}

/// One message (documentation page "Get message").
async fn get(call: &Call<'_>, id: ItemId) -> Answer {
    let item = call.mailbox()?.item(id)?;
    let expand = Expand::of(call.query.expand.as_deref())?;
    let style = page::style(call, Selection::of(&call.query)?);
    if let Some(code) = page::damage(&item, style.selection, &expand) {
        return Err(mime::refused(code));
    }
    let more = page::more(call, &item, style.selection, &expand).await?;
    page::single(200, call, &item, style, &more)
}
