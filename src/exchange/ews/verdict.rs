//! What each response code and HTTP status asks for, as one table.
//!
//! Source: EWS reference, page "ResponseCode", sorted by what is known of the servers' behaviour. A code that is not here is retried a few
//! times and then judged by what was asked: see [`verdict`]. So are codes about subscriptions, since nothing here subscribes.

use crate::exchange::Verdict;
pub use crate::exchange::scope::Scope;

/// What a code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The same again, a little later, a few times.
    Retry,
    /// The same; if it stays so, the mailbox's store is down, and nothing of the mailbox can be read.
    Unavailable,
    /// The same after a new login, once.
    Login,
    /// The same, and if it stays so, it may be the item's fault.
    Suspect,
    /// Leave the mailbox alone for the time named.
    Throttle,
    /// The same with fewer ids, or a smaller page.
    Smaller,
    /// The same with fewer properties.
    FewerProperties,
    /// The same with an older schema version.
    OlderVersion,
    /// The same under the primary address, which the message names.
    PrimaryAddress,
    /// The item was not looked at: ask for it again.
    Again,
    /// The folder's cursor is dead.
    Resync,
    /// The folder is no more.
    FolderGone,
    /// This folder cannot be read.
    Folder,
    /// The item left.
    ItemGone,
    /// This item cannot be given in this form.
    Item,
    /// No access: to an item, a folder or the mailbox, whichever was asked for.
    Denied,
    /// There is no archive.
    NoArchive,
    /// The archive cannot be reached from here.
    ArchiveElsewhere,
    /// This mailbox cannot be read.
    Mailbox,
    /// Configuration, credentials or permission.
    Configuration,
    /// The server does not understand the request.
    Misunderstood,
    /// Already judged below.
    Final(Verdict),
}

/// What the code asks for; none for an unknown one.
#[rustfmt::skip]
pub fn judge(code: &str) -> Option<Action> {
    use Action::*;
    Some(match code.strip_prefix("Error").unwrap_or(code) {
        "ServerBusy" | "ExceededConnectionCount" | "ExceededSubscriptionCount" => Throttle,
        "TimeoutExpired" | "ExceededFindCountLimit" | "RequestStreamTooBig" | "NotEnoughMemory" => Smaller,
        "InternalServerError" => Suspect,
        "TooManyObjectsOpened" | "InternalServerTransientError" | "InsufficientResources" | "ADUnavailable"
        | "ADOperation" | "ConnectionFailed" | "ConnectionFailedTransientError" | "MailboxFailover"
        | "ServiceUnavailable" | "ClientDisconnected" | "RequestAborted" | "NoRespondingCASInDestinationSite"
        | "ProxyRequestProcessingFailed" | "ProxiedSubscriptionCallFailure" | "ProxyRequestNotAllowed" | "CrossSiteRequest"
        | "WrongServerVersion" | "InvalidChangeKey" => Retry,
        "MailboxStoreUnavailable" => Unavailable,
        "InvalidAuthorizationContext" | "InvalidClientAccessTokenRequest" | "TokenSerializationDenied" => Login,
        "BatchProcessingStopped" => Again,
        "InvalidSyncStateData" => Resync,
        "SyncFolderNotFound" | "FolderNotFound" => FolderGone,
        "ItemNotFound" => ItemGone,
        "FolderCorrupt" | "RecoverableItemsAccessDenied" | "SearchFolderNotInitialized" | "InvalidFolderTypeForOperation"
        | "PublicFolderRequestProcessingFailed" | "NoPublicFolderReplicaAvailable" => Folder,
        "InvalidIdMalformed" | "InvalidId" | "InvalidIdEmpty" | "InvalidIdXml" | "InvalidIdStoreObjectIdTooLong" | "ItemCorrupt"
        | "CorruptData" | "MimeContentConversionFailed" | "ContentConversionFailed" | "UnsupportedMimeConversion"
        | "MimeContentInvalid" | "MimeContentInvalidBase64String" | "MessageSizeExceeded" | "DataSizeLimitExceeded" | "VirusDetected"
        | "VirusMessageDeleted" | "CannotOpenFileAttachment" | "InvalidAttachmentId" => Item,
        "ItemPropertyRequestFailed" | "FolderPropertRequestFailed" | "FolderPropertyRequestFailed" | "InvalidPropertyRequest"
        | "UnsupportedTypeForConversion" => FewerProperties,
        "AccessDenied" => Denied,
        "ImpersonateUserDenied" | "ImpersonationDenied" | "ImpersonationFailed" | "InvalidUserPrincipalName" | "InvalidSid"
        | "NonExistentMailbox" | "MailRecipientNotFound" | "CannotFindUser" | "AccountDisabled" | "MailboxConfiguration"
        | "InvalidLicense" | "QuotaExceeded" | "MailboxMoveInProgress" => Mailbox,
        "NonPrimarySmtpAddress" => PrimaryAddress,
        "ArchiveMailboxNotEnabled" => NoArchive,
        "ArchiveMailboxServiceDiscoveryFailed" | "GetRemoteArchiveFolderFailed" | "GetRemoteArchiveItemFailed"
        | "FindRemoteArchiveFolderFailed" => ArchiveElsewhere,
        "InvalidServerVersion" | "IncorrectSchemaVersion" | "InvalidSchemaVersionForMailboxVersion" => OlderVersion,
        "InvalidExchangeImpersonationHeaderData" | "InvalidIdMalformedEwsLegacyIdFormat" | "OrganizationAccessBlocked"
        | "PasswordExpired" | "PasswordChangeRequired" => Configuration,
        "SchemaValidation" | "InvalidRequest" | "InvalidOperation" | "DuplicateSOAPHeader" | "RestrictionTooLong"
        | "RestrictionTooComplex" | "QueryFilterTooLong" | "InvalidIndexedPagingParameters" => Misunderstood,
        _ => return None,
    })
}

/// Whether a code means that another server has the mailbox now.
pub fn moved(code: &str) -> bool {
    let moves = ["MailboxFailover", "MailboxStoreUnavailable", "ProxyRequestNotAllowed", "CrossSiteRequest", "WrongServerVersion"];
    code.strip_prefix("Error").is_some_and(|code| moves.contains(&code))
}

/// What an HTTP status without a SOAP answer asks for.
pub fn judge_status(status: u16) -> Action {
    match status {
        429 | 503 => Action::Throttle,
        413 => Action::Smaller,
        440 => Action::Login,
        401 | 403 | 405 | 407 | 410 | 415 => Action::Configuration,
        456 => Action::Mailbox,
        _ => Action::Retry,
    }
}

/// What is left to do once retries are over.
pub fn verdict(action: Option<Action>, scope: Scope) -> Verdict {
    match action {
        Some(Action::Final(verdict)) => verdict,
        Some(Action::Retry | Action::Throttle | Action::Again | Action::Smaller) => Verdict::Later,
        Some(Action::Mailbox | Action::PrimaryAddress | Action::Unavailable) => Verdict::StopMailbox,
        Some(Action::Configuration | Action::OlderVersion | Action::Login) => Verdict::Refused,
        // Not understood: of one folder or item alone, no reason to give up the rest.
        Some(Action::Misunderstood) if scope == Scope::Mailbox => Verdict::Refused,
        Some(Action::Resync) if scope == Scope::Folder => Verdict::Resync,
        Some(Action::FolderGone | Action::ItemGone) if scope == Scope::Folder => Verdict::FolderGone,
        _ => scope.verdict(),
    }
}

/// What a person can do about a code.
pub fn hint(code: &str, text: &str) -> Option<&'static str> {
    Some(match code.strip_prefix("Error").unwrap_or(code) {
        "ImpersonateUserDenied" | "ImpersonationDenied" | "ImpersonationFailed" => {
            "give the account the role ApplicationImpersonation with this mailbox in its scope, or set access_type to delegate"
        }
        "InvalidExchangeImpersonationHeaderData" if text.contains("must not") => "set access_type to delegate",
        "InvalidAuthorizationContext" | "InvalidExchangeImpersonationHeaderData" => {
            "an application needs access_type impersonation and the permission full_access_as_app"
        }
        "AccessDenied" => "give the account full access to this mailbox, or set access_type to impersonation",
        "NonExistentMailbox" | "MailRecipientNotFound" | "CannotFindUser" => {
            "check the mailbox's primary SMTP address, and that it lives on this server"
        }
        "NonPrimarySmtpAddress" => "configure the mailbox by its primary SMTP address",
        "AccountDisabled" => "enable the mailbox's user in Active Directory",
        "MailboxMoveInProgress" => "the mailbox is being moved; it will be tried again",
        "PasswordExpired" | "PasswordChangeRequired" => "renew the password of auth_user",
        "OrganizationAccessBlocked" | "HTTP 403" => {
            "EWS may be switched off for this tenant or application: see EWSEnabled and EwsAllowedAppIDs"
        }
        "HTTP 401" => "check auth_user, its password and auth_type",
        "HTTP 404" | "HTTP 405" => "check ews_endpoint: it normally ends in /EWS/Exchange.asmx",
        "HTTP 456" => "the account is locked: unlock it first",
        "SchemaValidation" | "InvalidRequest" => "the server does not understand this request; please report it with the server's version",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
