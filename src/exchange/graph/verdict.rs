//! What a refusal asks for, and what is left to do once retries are over.

use super::{
    codes::{judge, judge_status},
    refusal::Refusal,
};
use crate::exchange::Verdict;

pub use super::codes::Action;
pub use crate::exchange::scope::Scope;

/// What a refusal asks for: its code decides, its status where that is unknown; none where neither is in a table.
pub fn action(refusal: &Refusal) -> Option<Action> {
    // The one thing that only the message tells.
    let text = refusal.text.to_ascii_lowercase();
    if text.contains("deltatoken") && text.contains("not supported") {
        return Some(Action::NoDelta);
    }
    let by_status = judge_status(refusal.status, refusal.bare);
    match refusal.code.as_deref().and_then(judge) {
        // Whatever passing trouble it is: these statuses want to be waited for.
        None | Some(Action::Retry | Action::Suspect | Action::Smaller) if by_status == Some(Action::Throttle) => by_status,
        // The code that says nothing.
        Some(Action::Retry) if refusal.is("UnknownError") && by_status == Some(Action::Smaller) => by_status,
        // Gone is gone, whatever the code; nothing else could be asked for with the same link.
        None | Some(Action::ItemGone) if refusal.status == 410 => by_status,
        Some(action) => Some(action),
        None => by_status,
    }
}

/// What is left to do once retries are over.
pub fn verdict(action: Option<Action>, scope: Scope) -> Verdict {
    match action {
        Some(Action::Final(verdict)) => verdict,
        Some(Action::Retry | Action::Throttle | Action::Smaller) => Verdict::Later,
        // No item or page is to blame here.
        Some(Action::Suspect) if scope == Scope::Mailbox => Verdict::Later,
        Some(Action::Mailbox) => Verdict::StopMailbox,
        // Who may list and not read has too small a permission, whatever the message.
        Some(Action::Denied) if scope == Scope::Items => Verdict::StopMailbox,
        Some(Action::Configuration) => Verdict::Refused,
        // Not understood: of one folder or item alone, no reason to give up the rest.
        Some(Action::Misunderstood) if scope == Scope::Mailbox => Verdict::Refused,
        Some(Action::Resync) if scope == Scope::Folder => Verdict::Resync,
        Some(Action::FolderGone | Action::ItemGone) if scope == Scope::Folder => Verdict::FolderGone,
        _ => scope.verdict(),
    }
}

/// What a person can do about a refusal.
pub fn hint(refusal: &Refusal) -> Option<&'static str> {
    let code = refusal.code.as_deref().unwrap_or_default().to_ascii_lowercase();
    Some(match (code.as_str(), refusal.status) {
        ("erroraccessdenied" | "accessdenied", _) => {
            "the application needs the permission Mail.Read, and an application access policy or role may keep it from this mailbox"
        }
        ("authorization_requestdenied", _) => "an administrator must grant the application the permission Mail.Read",
        (
            "resourcenotfound" | "request_resourcenotfound" | "errorinvaliduser" | "errornonexistentmailbox" | "errormissingemailaddress",
            _,
        ) => "configure the mailbox by its user principal name or its object id, and check that it has a mailbox in this tenant",
        ("mailboxnotenabledforrestapi" | "errormailboxnotenabledforrestapi", _) => {
            "the mailbox has no licence, was deleted, or is on premises: such mailboxes are read by EWS"
        }
        ("errormailboxmoveinprogress", _) => "the mailbox is being moved; it will be tried again",
        ("errorquotaexceeded", _) => "the mailbox is full",
        (_, 401) => "the application needs the permission Mail.Read, granted by an administrator of the tenant whose mailboxes these are",
        (_, 300..=399 | 407) => "something between here and Graph answers instead: check HTTPS_PROXY",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
