//! What each code and HTTP status asks for, as one table.
//!
//! Sources: Graph "Microsoft Graph error responses and resource types", "Use delta query to track changes in Microsoft Graph data",
//! "Microsoft Graph throttling guidance"; the codes of Exchange behind it are those of the EWS reference, page "ResponseCode". A code that is
//! not here is retried a few times and then judged by what was asked.

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
