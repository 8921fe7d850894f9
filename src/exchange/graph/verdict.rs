//! What each code and HTTP status asks for, as one table.
//!
//! Sources: Graph "Microsoft Graph error responses and resource types", "Use delta query to track changes in Microsoft Graph data",
//! "Microsoft Graph throttling guidance"; the codes of Exchange behind it are those of the EWS reference, page "ResponseCode". A code that is
//! not here is retried a few times and then judged by what was asked: see [`verdict`].

use super::refusal::Refusal;
use crate::exchange::Verdict;

/// What a refusal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The same again, a little later, a few times.
    Retry,
    /// The same fewer times; if it stays so, it may be the fault of an item or a page.
    Suspect,
    /// Leave the whole mailbox alone for the time named.
    Throttle,
    /// The same with a smaller page.
    Smaller,
    /// The cursor is dead.
    Resync,
    /// This query is not accepted; another may be.
    Query,
    /// No list of changes is to be had here: list messages instead.
    NoDelta,
    /// The folder is no more.
    FolderGone,
    /// The item, or the folder asked for, is not there (any more).
    ItemGone,
    /// The id is none of this mailbox's, or of another interface.
    WrongId,
    /// This item cannot be given in this form.
    Item,
    /// No access: to an item, a folder or the mailbox, whichever was asked for.
    Denied,
    /// This mailbox cannot be read.
    Mailbox,
    /// Configuration, credentials or permission.
    Configuration,
    /// The server does not understand the request.
    Misunderstood,
    /// Already judged below.
    Final(Verdict),
}

/// What a code asks for, letter case aside; none for an unknown one.
#[rustfmt::skip]
pub fn judge(code: &str) -> Option<Action> {
    use Action::*;
    let lower = code.to_ascii_lowercase();
    Some(match lower.as_str() {
        "applicationthrottled" | "toomanyrequests" | "activitylimitreached" | "errortoomanyobjectsopened" | "quotalimitreached"
        | "errorserverbusy" => Throttle,
        "servicenotavailable" | "serviceunavailable" | "errorinternalservertransienterror" | "errormailboxstoreunavailable"
        | "mailboxinfostale" | "errorconnectionfailed" | "erroradunavailable" | "errorirresolvableconflict" | "unknownerror" => Retry,
        "generalexception" | "internalservererror" | "errorinternalservererror" | "resourcelocked" | "notallowed" => Suspect,
        "errortimeoutexpired" | "gatewaytimeout" => Smaller,
        "syncstatenotfound" | "resyncrequired" | "syncstateinvalid" | "invalidsyncstatedata" | "errorinvalidsyncstatedata"
        | "resyncchangesapplydifferences" | "resyncchangesuploaddifferences" => Resync,
        "errorinvalidurlquery" | "inefficientfilter" => Query,
        "errorquotaexceeded" | "notsupported" => NoDelta,
        "erroritemnotfound" | "itemnotfound" => ItemGone,
        "errorsyncfoldernotfound" | "errorfoldernotfound" => FolderGone,
        "errorinvalididmalformed" | "errorinvalidmailboxitemid" => WrongId,
        "errormimecontentconversionfailed" | "errorcontentconversionfailed" | "errorcorruptdata" | "erroritemcorrupt"
        | "errorinvalidrecipients" | "errorcannotopenfileattachment" | "errormessagesizeexceeded" | "errorcontenttoolarge"
        | "malwaredetected" => Item,
        "erroraccessdenied" | "accessdenied" => Denied,
        "mailboxnotenabledforrestapi" | "errormailboxnotenabledforrestapi" | "resourcenotfound" | "request_resourcenotfound"
        | "errorinvaliduser" | "errornonexistentmailbox" | "errormissingemailaddress" | "errormailboxmoveinprogress" => Mailbox,
        "authorization_requestdenied" | "invalidauthenticationtoken" | "compacttoken" | "unauthenticated" | "authenticationerror"
        | "insufficient_claims" | "unsupportedapiversion" => Configuration,
        "errorinvalidrequest" | "requestbroker--parseuri" | "badrequest" => Misunderstood,
        _ => return None,
    })
}

/// What an HTTP status asks for where there is no known code.
pub fn judge_status(status: u16, bare: bool) -> Option<Action> {
    Some(match status {
        429 | 503 | 509 => Action::Throttle,
        408 | 504 => Action::Smaller,
        500 => Action::Suspect,
        410 => Action::Resync,
        413 => Action::Item,
        403 => Action::Denied,
        300..=399 | 401 | 407 => Action::Configuration,
        405 | 501 => Action::Misunderstood,
        507 => Action::NoDelta,
        423 | 502 => Action::Retry,
        // A gateway that does not know its way; Graph itself says what it did not find.
        404 if bare => Action::Retry,
        _ => return None,
    })
}

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

/// What was asked for when a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A mailbox's folders.
    Mailbox,
    /// One folder's items.
    Folder,
    /// Items by their ids.
    Items,
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
        _ => match scope {
            Scope::Mailbox => Verdict::StopMailbox,
            Scope::Folder => Verdict::SkipFolder,
            Scope::Items => Verdict::Later,
        },
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
