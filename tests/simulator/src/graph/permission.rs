//! What an application may do: its permissions (documentation page "Microsoft Graph permissions reference"), and the access policy that
//! limits them to some mailboxes (documentation page "Limiting application permissions to specific Exchange Online mailboxes").

use super::error::GraphError;
use super::query::Query;
use crate::accounts::App;
use crate::state::State;
use crate::store::{Guid, Mailbox};

/// How much of a mailbox an application may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Everything but bodies, previews, attachments and extended properties (`Mail.ReadBasic`).
    Basic,
    /// Everything (`Mail.Read`).
    Read,
    /// It may change things too (`Mail.ReadWrite`).
    Write,
}

fn has(app: &App, names: &[&str]) -> bool {
    app.graph_permissions.iter().any(|name| names.contains(&name.as_str()))
}

/// How far an application's permissions for mail go.
pub(super) fn reach(app: &App) -> Option<Reach> {
    if has(app, &["Mail.ReadWrite"]) {
        Some(Reach::Write)
    } else if has(app, &["Mail.Read"]) {
        Some(Reach::Read)
    } else if has(app, &["Mail.ReadBasic", "Mail.ReadBasic.All"]) {
        Some(Reach::Basic)
    } else {
        None
    }
}

fn denied() -> GraphError {
    GraphError::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
}

fn unprivileged() -> GraphError {
    GraphError::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

/// Checks that an application may do an operation.
///
/// # Errors
/// 403 `Authorization_RequestDenied` without any permission of the kind, 403 `ErrorAccessDenied` where it does not reach.
pub(super) fn check(app: &App, operation: &str, query: &Query) -> Result<(), GraphError> {
    if operation == "graph.GetUser" {
        return if has(app, &["User.Read.All", "Directory.Read.All"]) { Ok(()) } else { Err(unprivileged()) };
    }
    let reach = reach(app).ok_or_else(unprivileged)?;
    let wanted = match operation {
        "graph.CreateFolder" | "graph.UpdateFolder" | "graph.DeleteFolder" | "graph.MoveFolder" | "graph.CopyFolder" => Reach::Write,
        "graph.CreateMessage" | "graph.UpdateMessage" | "graph.DeleteMessage" | "graph.MoveMessage" | "graph.CopyMessage" => Reach::Write,
        "graph.GetMime" | "graph.ListAttachments" | "graph.GetAttachment" | "graph.GetAttachmentContent" => Reach::Read,
        _ if tells_more(query) => Reach::Read,
        _ => Reach::Basic,
    };
    if reach >= wanted { Ok(()) } else { Err(denied()) }
}

/// Whether a query asks for what `Mail.ReadBasic` leaves out.
fn tells_more(query: &Query) -> bool {
    let selected = query.select.iter().flatten().any(|name| matches!(name.as_str(), "body" | "bodyPreview" | "uniqueBody"));
    selected || query.expand.is_some() || query.search.is_some()
}

/// The mailbox a user id or principal name stands for. A further address of a mailbox is nobody's principal name.
///
/// # Errors
/// 404 `ErrorInvalidUser` for nobody, 404 `MailboxNotEnabledForRESTAPI` for somebody without a mailbox.
pub(super) fn find(state: &State, user: &str) -> Result<Mailbox, GraphError> {
    let by_id = Guid::parse(user.to_ascii_lowercase().as_bytes()).and_then(|guid| state.store.mailbox_of(guid));
    let found = by_id.or_else(|| state.store.mailbox(user).filter(|mailbox| mailbox.address().eq_ignore_ascii_case(user)));
    found.ok_or_else(|| {
        if state.accounts.of(user).is_some() {
            let text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
            GraphError::new(404, "MailboxNotEnabledForRESTAPI", text)
        } else {
            GraphError::new(404, "ErrorInvalidUser", format!("The requested user '{user}' is invalid."))
        }
    })
}

/// Checks that the access policy lets an application open a mailbox.
///
/// # Errors
/// 403 `ErrorAccessDenied`.
pub(super) fn admit(app: &App, mailbox: &Mailbox) -> Result<(), GraphError> {
    if app.may_open(mailbox.address()) { Ok(()) } else { Err(GraphError::new(403, "ErrorAccessDenied", "Access to OData is disabled.")) }
}
