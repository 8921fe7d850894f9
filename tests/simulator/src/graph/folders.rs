//! Folders (documentation pages "mailFolder resource type", "List mailFolders", "List childFolders").

use super::call::{Answer, Call};
use super::error::GraphError;
use super::query::{Compare, Literal};
use super::{folder_change, folder_delta, reply};
use crate::http::Response;
use crate::store::{AnyId, Folder, FolderId, FolderKind};
use serde_json::{Map, Value, json};

/// Entries of a page where nobody says how many.
const PAGE: usize = 10;
/// Entries of the largest page.
const LARGEST: usize = 1000;

/// Well-known names that address a folder (documentation page "mailFolder resource type").
const WELL_KNOWN: [&str; 17] = [
    "archive",
    "clutter",
    "conflicts",
    "conversationhistory",
    "deleteditems",
    "drafts",
    "inbox",
    "junkemail",
    "localfailures",
    "msgfolderroot",
    "outbox",
    "recoverableitemsdeletions",
    "scheduled",
    "searchfolders",
    "sentitems",
    "serverfailures",
    "syncissues",
];

/// Properties a folder has, and so may be selected.
const PROPERTIES: [&str; 16] = [
    "id",
    "displayName",
    "parentFolderId",
    "childFolderCount",
    "unreadItemCount",
    "totalItemCount",
    "isHidden",
    "childFolders",
    "messages",
    "messageRules",
    "isSupported",
    "includeNestedFolders",
    "sourceFolderIds",
    "filterQuery",
    "singleValueExtendedProperties",
    "sizeInBytes",
];

/// The folder a segment names: an identifier or a well-known name.
///
/// # Errors
/// [`GraphError::malformed_id`]; [`GraphError::not_found`], also for well-known folders this mailbox lacks.
pub(crate) fn folder_of(call: &Call<'_>, segment: &str) -> Result<FolderId, GraphError> {
    let mailbox = call.mailbox()?;
    let name = segment.to_ascii_lowercase();
    if WELL_KNOWN.contains(&name.as_str()) {
        return mailbox.root_folder(&name).ok_or_else(GraphError::not_found);
    }
    match AnyId::parse(&segment.replace('-', "/").replace('_', "+")) {
        Ok(AnyId::Folder(id)) => Ok(mailbox.folder(id)?.id),
        _ => Err(GraphError::malformed_id()),
    }
}

/// A folder's identifier as Graph writes it.
pub(crate) fn folder_id(id: FolderId) -> String {
    id.text().replace('/', "-").replace('+', "_")
}

/// Whether Graph counts a folder among those of mail: calendars, contacts, tasks, journals and notes are other resources.
pub(super) fn is_mail(folder: &Folder) -> bool {
    let class = folder.class.as_deref().unwrap_or_default();
    let others = ["IPF.Appointment", "IPF.Contact", "IPF.Task", "IPF.Journal", "IPF.StickyNote"];
    !others.iter().any(|other| class.get(..other.len()).is_some_and(|start| start.eq_ignore_ascii_case(other)))
}

/// Answers what concerns folders.
pub(super) fn handle(call: &Call<'_>) -> Answer {
    match (call.method, call.path().as_slice()) {
        ("GET", ["mailFolders"]) => list(call, None),
        ("GET", ["mailFolders", "$count"]) => count(call, None),
        ("GET", ["mailFolders", "delta"]) => folder_delta::handle(call, None),
        ("GET", ["mailFolders", id]) => one(call, id),
        ("GET", ["mailFolders", id, "childFolders"]) => list(call, Some(id)),
        ("GET", ["mailFolders", id, "childFolders", "$count"]) => count(call, Some(id)),
        ("GET", ["mailFolders", id, "childFolders", "delta"]) => folder_delta::handle(call, Some(id)),
        ("POST", ["mailFolders"]) => folder_change::create(call, None),
        ("POST", ["mailFolders", id, "childFolders"]) => folder_change::create(call, Some(id)),
        ("PATCH", ["mailFolders", id]) => folder_change::update(call, id),
        ("DELETE", ["mailFolders", id]) => folder_change::delete(call, id),
        ("POST", ["mailFolders", id, "move"]) => folder_change::shift(call, id),
        (_, ["mailFolders"] | ["mailFolders", _] | ["mailFolders", _, "childFolders" | "move" | "copy"]) => {
            Err(GraphError::unsupported(405))
        }
        (_, path) => Err(GraphError::segment(path.last().copied().unwrap_or_default())),
    }
}

/// A folder as an entity.
pub(super) fn entity(folder: &Folder) -> Value {
    let mut members = Map::new();
    let search = folder.kind == FolderKind::Search;
    if search {
        members.insert("@odata.type".to_owned(), "#microsoft.graph.mailSearchFolder".into());
    }
    members.insert("id".to_owned(), folder_id(folder.id).into());
    members.insert("displayName".to_owned(), folder.name.as_str().into());
    if let Some(parent) = folder.parent {
        members.insert("parentFolderId".to_owned(), folder_id(parent).into());
    }
    members.insert("childFolderCount".to_owned(), folder.children.into());
    members.insert("unreadItemCount".to_owned(), folder.unread.into());
    members.insert("totalItemCount".to_owned(), folder.total.into());
    members.insert("isHidden".to_owned(), folder.hidden.into());
    if search {
        members.insert("isSupported".to_owned(), true.into());
        members.insert("includeNestedFolders".to_owned(), false.into());
        members.insert("filterQuery".to_owned(), "isRead eq false".into());
        members.insert("sourceFolderIds".to_owned(), json!([]));
    }
    Value::Object(members)
}

/// Refuses a property no folder has.
pub(super) fn check_select(call: &Call<'_>) -> Result<(), GraphError> {
    match call.query.select.iter().flatten().find(|name| !PROPERTIES.contains(&name.as_str())) {
        Some(unknown) => {
            let text = format!("Could not find a property named '{unknown}' on type 'microsoft.graph.mailFolder'.");
            Err(GraphError::request("RequestBroker--ParseUri", text))
        }
        None => Ok(()),
    }
}

fn one(call: &Call<'_>, segment: &str) -> Answer {
    check_select(call)?;
    let folder = call.mailbox()?.folder(folder_of(call, segment)?)?;
    let mut body = entity(&folder);
    expand(call, &folder, &mut body)?;
    let mut body = call.selected(body);
    if let Value::Object(members) = &mut body {
        members.insert("@odata.context".to_owned(), call.context("mailFolders/$entity").into());
    }
    reply::entity(200, &body)
}

/// The folders a listing of `parent` tells, hidden ones only if asked for.
fn children(call: &Call<'_>, parent: Option<&str>) -> Result<Vec<Folder>, GraphError> {
    let parent = folder_of(call, parent.unwrap_or("msgfolderroot"))?;
    let mut folders = call.mailbox()?.folders_below(parent, false)?;
    let hidden = wants_hidden(call);
    folders.retain(|folder| is_mail(folder) && (hidden || !folder.hidden));
    for term in &call.query.filter {
        let text = match (&term.literal, term.property.as_str()) {
            (Literal::Text(text), "displayName") => text,
            _ => return Err(GraphError::query("The query filter contains one or more invalid nodes.")),
        };
        match term.compare {
            Compare::Eq => folders.retain(|folder| folder.name.eq_ignore_ascii_case(text)),
            Compare::Ne => folders.retain(|folder| !folder.name.eq_ignore_ascii_case(text)),
            _ => return Err(GraphError::query("The query filter contains one or more invalid nodes.")),
        }
    }
    match call.query.order.as_slice() {
        [] => {}
        [(name, descending)] if name == "displayName" => {
            folders.sort_by_cached_key(|folder| folder.name.to_lowercase());
            if *descending {
                folders.reverse();
            }
        }
        _ => return Err(GraphError::query("The query specified in the URI is not valid.")),
    }
    Ok(folders)
}

/// Whether hidden folders are to be told too.
pub(super) fn wants_hidden(call: &Call<'_>) -> bool {
    call.query.value("includeHiddenFolders").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

fn list(call: &Call<'_>, parent: Option<&str>) -> Answer {
    check_select(call)?;
    let size = match call.query.top.or(call.prefer.page) {
        Some(top) if top > LARGEST && call.query.top.is_some() => {
            return Err(GraphError::query(format!(
                "The limit of '{LARGEST}' for Top query has been exceeded. The value from the incoming request is '{top}'."
            )));
        }
        Some(size) => size.clamp(1, LARGEST),
        None => PAGE,
    };
    let folders = children(call, parent)?;
    let skip = usize::try_from(call.query.skip).unwrap_or(usize::MAX);
    let mut value = Vec::new();
    for folder in folders.iter().skip(skip).take(size) {
        let mut body = entity(folder);
        expand(call, folder, &mut body)?;
        value.push(call.selected(body));
    }
    let mut members = Map::new();
    let place = match parent {
        Some(parent) => format!("mailFolders('{}')/childFolders", super::encode(parent)),
        None => "mailFolders".to_owned(),
    };
    members.insert("@odata.context".to_owned(), call.context(&place).into());
    if call.query.count {
        members.insert("@odata.count".to_owned(), folders.len().into());
    }
    members.insert("value".to_owned(), Value::Array(value));
    if folders.len() > skip.saturating_add(size) {
        let next = (skip + size).to_string();
        let mut path = call.base() + "/mailFolders";
        if let Some(parent) = parent {
            path = format!("{path}/{}/childFolders", super::encode(parent));
        }
        members.insert("@odata.nextLink".to_owned(), (path + &call.query.link(&[("$skip", &next)])).into());
    }
    reply::entity(200, &Value::Object(members))
}

/// `$expand=childFolders`: what lies directly below, in full.
fn expand(call: &Call<'_>, folder: &Folder, body: &mut Value) -> Result<(), GraphError> {
    match call.query.expand.as_deref() {
        None => Ok(()),
        Some(wanted) if wanted == "childFolders" || wanted.starts_with("childFolders(") => {
            let hidden = wants_hidden(call);
            let below = call.mailbox()?.folders_below(folder.id, false)?;
            let list = below.iter().filter(|child| is_mail(child) && (hidden || !child.hidden)).map(entity).collect();
            if let Value::Object(members) = body {
                members.insert("childFolders".to_owned(), Value::Array(list));
            }
            Ok(())
        }
        Some(other) => {
            let text = format!("Could not find a property named '{other}' on type 'microsoft.graph.mailFolder'.");
            Err(GraphError::request("RequestBroker--ParseUri", text))
        }
    }
}

fn count(call: &Call<'_>, parent: Option<&str>) -> Answer {
    Ok(Response::text(200, children(call, parent)?.len().to_string()))
}
