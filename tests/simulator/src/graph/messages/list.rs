//! Lists of messages, of a folder or of a whole mailbox (documentation page "List messages").

use super::entity::is_message;
use super::expand::Expand;
use super::page::{self, Page};
use super::selection::Selection;
use super::{condition, link};
use crate::graph::folders::folder_of;
use crate::graph::{Answer, Call, GraphError};
use crate::store::{Find, FolderId, FolderKind, Item, Listed, Listing, Mailbox, Mime, Order};

/// The most messages of a page.
const MOST: usize = 1000;
/// Bytes of messages that a page may be asked to tell the attachments of: beyond, the gateway loses patience.
const HEAVIEST: u64 = 128 << 20;
/// Messages of a page where nothing else was asked.
const USUAL: usize = 10;

/// The messages of a folder, or of all folders where none is named.
pub(super) async fn list(call: &Call<'_>, folder: Option<&str>) -> Answer {
    let mailbox = call.mailbox()?;
    let folders = folders(call, mailbox, folder)?;
    let query = &call.query;
    let size = query.top.or(call.prefer.page.map(|size| size.min(MOST))).unwrap_or(USUAL);
    if size > MOST {
        return Err(GraphError::query(format!("Invalid top parameter '{size}'. A page has {MOST} messages at most.")));
    }
    let selection = Selection::of(query)?;
    let expand = Expand::of(query.expand.as_deref())?;
    query.efficient()?;
    let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
    let found = look(call, mailbox, &folders, skip, size)?;
    let style = page::style(call, selection);
    page::refuse_damage(found.items.iter(), style.selection, &expand)?;
    let weight = |item: &Item| if let Mime::Content(content) = &item.mime { content.len() } else { 0 };
    if expand.attachments.is_some() && found.items.len() > 1 && found.items.iter().map(weight).sum::<u64>() > HEAVIEST {
        return Err(GraphError::new(504, "UnknownError", ""));
    }
    let context = match folder {
        Some(folder) => call.context(&format!("mailFolders('{}')/messages", folder.replace('\'', "''"))),
        None => call.context("messages"),
    };
    let mut page = Page::begin(&context, found.total);
    for item in &found.items {
        let more = page::more(call, item, style.selection, &expand).await?;
        page.message(item, style, &more);
    }
    let next = (found.more && size > 0).then(|| link::page(call, skip.saturating_add(found.items.len())));
    page.end(next.as_deref().map(|next| ("@odata.nextLink", next)))
}

/// How many messages match: `messages/$count`, as text.
pub(super) fn count(call: &Call<'_>, folder: Option<&str>) -> Answer {
    let mailbox = call.mailbox()?;
    let folders = folders(call, mailbox, folder)?;
    let condition = condition::Condition::of(&call.query.filter)?;
    let filter = |item: &Item| condition.admits(item);
    let found = mailbox.list(&folders, &Listing { count: true, ..condition.listing(&filter) })?;
    Ok(crate::http::Response::text(200, found.total.unwrap_or(0).to_string()))
}

fn folders(call: &Call<'_>, mailbox: &Mailbox, folder: Option<&str>) -> Result<Vec<FolderId>, GraphError> {
    if let Some(folder) = folder {
        return Ok(vec![folder_of(call, folder)?]);
    }
    let root = mailbox.root_folder("msgfolderroot").ok_or_else(GraphError::not_found)?;
    let below = mailbox.folders_below(root, true)?;
    Ok(below.into_iter().filter(|folder| folder.kind != FolderKind::Search).map(|folder| folder.id).collect())
}

fn look(call: &Call<'_>, mailbox: &Mailbox, folders: &[FolderId], skip: usize, limit: usize) -> Result<Listed, GraphError> {
    let query = &call.query;
    if let Some(search) = &query.search {
        if !query.filter.is_empty() || !query.order.is_empty() {
            return Err(GraphError::request(
                "SearchWithFilter",
                "The query parameter '$filter' or '$orderby' is not supported with '$search'.",
            ));
        }
        let wanted = search.trim_matches('"').rsplit(':').next().unwrap_or_default().to_lowercase();
        let filter = |item: &Item| {
            let texts = [item.subject.as_deref(), Some(item.text.as_str())];
            texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&wanted))
        };
        let listing = Listing { newest_first: true, class: Some(is_message), filter: Some(&filter), skip, limit, ..Listing::default() };
        return Ok(mailbox.list(folders, &listing)?);
    }
    let condition = condition::Condition::of(&query.filter)?;
    let filter = |item: &Item| condition.admits(item);
    let mut listing = Listing { skip, limit, count: query.count, ..condition.listing(&filter) };
    match query.order.first() {
        None => {}
        Some((property, descending)) => match condition::date(property) {
            Some(date) => {
                if date != listing.by && (listing.from.is_some() || listing.before.is_some()) {
                    return Err(GraphError::request(
                        "InefficientFilter",
                        "The restriction or sort order is too complex for this operation.",
                    ));
                }
                (listing.by, listing.newest_first) = (date, *descending);
            }
            None if property == "subject" => return by_subject(mailbox, folders, &listing, *descending),
            None => return Err(GraphError::query(format!("The property '{property}' does not support sorting."))),
        },
    }
    Ok(mailbox.list(folders, &listing)?)
}

/// By subject: one folder alone, for which the store has an order of its own.
fn by_subject(mailbox: &Mailbox, folders: &[FolderId], listing: &Listing<'_>, descending: bool) -> Result<Listed, GraphError> {
    let [folder] = folders else {
        return Err(GraphError::query("The messages of a whole mailbox cannot be sorted by subject."));
    };
    let wanted = |item: &Item| is_message(&item.class) && listing.filter.is_none_or(|filter| filter(item));
    let order = if descending { Order::SubjectDescending } else { Order::SubjectAscending };
    let find = Find { order, offset: listing.skip, limit: listing.limit, filter: Some(&wanted), ..Find::default() };
    let found = mailbox.find(*folder, &find)?;
    Ok(Listed { items: found.items, more: !found.last, total: listing.count.then_some(found.total) })
}
