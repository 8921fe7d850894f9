//! Every code that is known of, with what it asks for by its documentation and by what servers were seen to do.

use super::*;

/// Code, action, and what is left to do for a mailbox's folders, a folder's items and items by their ids once retries are over.
type Row = (&'static str, Option<Action>, [Verdict; 3]);

const STOP: [Verdict; 3] = [Verdict::StopMailbox; 3];
const LATER: [Verdict; 3] = [Verdict::Later; 3];
const REFUSED: [Verdict; 3] = [Verdict::Refused; 3];
/// No more is given up than was asked for.
const SCOPED: [Verdict; 3] = [Verdict::StopMailbox, Verdict::SkipFolder, Verdict::Later];
const GONE: [Verdict; 3] = [Verdict::StopMailbox, Verdict::FolderGone, Verdict::Later];
const BUG: [Verdict; 3] = [Verdict::Refused, Verdict::SkipFolder, Verdict::Later];

#[rustfmt::skip]
const ROWS: &[Row] = {
    use Action::*;
    &[
        ("ServerBusy", Some(Throttle), LATER),
        ("ExceededConnectionCount", Some(Throttle), LATER),
        ("ExceededFindCountLimit", Some(Smaller), LATER),
        ("ExceededSubscriptionCount", Some(Throttle), LATER),
        ("TooManyObjectsOpened", Some(Retry), LATER),
        ("TimeoutExpired", Some(Smaller), LATER),
        ("InternalServerTransientError", Some(Retry), LATER),
        // Some item may be its cause, so it ends what was asked for and no more.
        ("InternalServerError", Some(Suspect), SCOPED),
        ("InsufficientResources", Some(Retry), LATER),
        ("NotEnoughMemory", Some(Smaller), LATER),
        ("ADUnavailable", Some(Retry), LATER),
        ("ADOperation", Some(Retry), LATER),
        ("ConnectionFailed", Some(Retry), LATER),
        ("ConnectionFailedTransientError", Some(Retry), LATER),
        // Dismounted, or on its way to another server: minutes. No other folder of the mailbox fares better meanwhile.
        ("MailboxStoreUnavailable", Some(Unavailable), STOP),
        // Hours are possible, so no retry of the request; cursors are kept, and dead ones say so themselves once the move is over.
        ("MailboxMoveInProgress", Some(Mailbox), STOP),
        ("MailboxFailover", Some(Retry), LATER),
        ("ServiceUnavailable", Some(Retry), LATER),
        ("ClientDisconnected", Some(Retry), LATER),
        ("RequestAborted", Some(Retry), LATER),
        ("NoRespondingCASInDestinationSite", Some(Retry), LATER),
        ("ProxyRequestProcessingFailed", Some(Retry), LATER),
        ("ProxiedSubscriptionCallFailure", Some(Retry), LATER),
        ("ProxyRequestNotAllowed", Some(Retry), LATER),
        ("CrossSiteRequest", Some(Retry), LATER),
        ("WrongServerVersion", Some(Retry), LATER),
        ("BatchProcessingStopped", Some(Again), LATER),
        ("InvalidSyncStateData", Some(Resync), [Verdict::StopMailbox, Verdict::Resync, Verdict::Later]),
        ("SyncFolderNotFound", Some(FolderGone), GONE),
        ("FolderNotFound", Some(FolderGone), GONE),
        ("ItemNotFound", Some(ItemGone), GONE),
        ("InvalidIdMalformed", Some(Item), SCOPED),
        ("InvalidId", Some(Item), SCOPED),
        ("InvalidIdEmpty", Some(Item), SCOPED),
        ("InvalidIdXml", Some(Item), SCOPED),
        ("InvalidIdStoreObjectIdTooLong", Some(Item), SCOPED),
        // The header RequestServerVersion is missing.
        ("InvalidIdMalformedEwsLegacyIdFormat", Some(Configuration), REFUSED),
        ("InvalidChangeKey", Some(Retry), LATER),
        ("ItemCorrupt", Some(Item), SCOPED),
        ("CorruptData", Some(Item), SCOPED),
        ("FolderCorrupt", Some(Folder), SCOPED),
        ("MimeContentConversionFailed", Some(Item), SCOPED),
        ("ContentConversionFailed", Some(Item), SCOPED),
        ("UnsupportedMimeConversion", Some(Item), SCOPED),
        // Documented for items being created, which nothing here does; of a server that says so all the same, one item is all that is given up.
        ("MimeContentInvalid", Some(Item), SCOPED),
        ("MimeContentInvalidBase64String", Some(Item), SCOPED),
        ("ItemPropertyRequestFailed", Some(FewerProperties), SCOPED),
        ("FolderPropertRequestFailed", Some(FewerProperties), SCOPED),
        ("FolderPropertyRequestFailed", Some(FewerProperties), SCOPED),
        ("InvalidPropertyRequest", Some(FewerProperties), SCOPED),
        ("UnsupportedTypeForConversion", Some(FewerProperties), SCOPED),
        ("MessageSizeExceeded", Some(Item), SCOPED),
        ("DataSizeLimitExceeded", Some(Item), SCOPED),
        ("VirusDetected", Some(Item), SCOPED),
        ("VirusMessageDeleted", Some(Item), SCOPED),
        ("CannotOpenFileAttachment", Some(Item), SCOPED),
        ("InvalidAttachmentId", Some(Item), SCOPED),
        ("AccessDenied", Some(Denied), SCOPED),
        ("RecoverableItemsAccessDenied", Some(Folder), SCOPED),
        ("ImpersonateUserDenied", Some(Mailbox), STOP),
        ("ImpersonationDenied", Some(Mailbox), STOP),
        ("ImpersonationFailed", Some(Mailbox), STOP),
        ("InvalidExchangeImpersonationHeaderData", Some(Configuration), REFUSED),
        ("InvalidUserPrincipalName", Some(Mailbox), STOP),
        ("InvalidSid", Some(Mailbox), STOP),
        ("NonExistentMailbox", Some(Mailbox), STOP),
        ("MailRecipientNotFound", Some(Mailbox), STOP),
        ("CannotFindUser", Some(Mailbox), STOP),
        ("NonPrimarySmtpAddress", Some(PrimaryAddress), STOP),
        ("AccountDisabled", Some(Mailbox), STOP),
        ("MailboxConfiguration", Some(Mailbox), STOP),
        ("InvalidLicense", Some(Mailbox), STOP),
        ("OrganizationAccessBlocked", Some(Configuration), REFUSED),
        ("PasswordExpired", Some(Configuration), REFUSED),
        ("PasswordChangeRequired", Some(Configuration), REFUSED),
        ("InvalidAuthorizationContext", Some(Login), REFUSED),
        ("InvalidClientAccessTokenRequest", Some(Login), REFUSED),
        ("TokenSerializationDenied", Some(Login), REFUSED),
        ("QuotaExceeded", Some(Mailbox), STOP),
        ("ArchiveMailboxNotEnabled", Some(NoArchive), SCOPED),
        ("ArchiveMailboxServiceDiscoveryFailed", Some(ArchiveElsewhere), SCOPED),
        ("GetRemoteArchiveFolderFailed", Some(ArchiveElsewhere), SCOPED),
        ("GetRemoteArchiveItemFailed", Some(ArchiveElsewhere), SCOPED),
        ("FindRemoteArchiveFolderFailed", Some(ArchiveElsewhere), SCOPED),
        ("SearchFolderNotInitialized", Some(Folder), SCOPED),
        ("InvalidFolderTypeForOperation", Some(Folder), SCOPED),
        ("PublicFolderRequestProcessingFailed", Some(Folder), SCOPED),
        ("NoPublicFolderReplicaAvailable", Some(Folder), SCOPED),
        ("InvalidServerVersion", Some(OlderVersion), REFUSED),
        ("IncorrectSchemaVersion", Some(OlderVersion), REFUSED),
        ("InvalidSchemaVersionForMailboxVersion", Some(OlderVersion), REFUSED),
        ("SchemaValidation", Some(Misunderstood), BUG),
        ("InvalidRequest", Some(Misunderstood), BUG),
        ("InvalidOperation", Some(Misunderstood), BUG),
        ("DuplicateSOAPHeader", Some(Misunderstood), BUG),
        ("RestrictionTooLong", Some(Misunderstood), BUG),
        ("RestrictionTooComplex", Some(Misunderstood), BUG),
        ("QueryFilterTooLong", Some(Misunderstood), BUG),
        ("InvalidIndexedPagingParameters", Some(Misunderstood), BUG),
        ("RequestStreamTooBig", Some(Smaller), LATER),
        // Nothing here subscribes: like any code that nobody expects.
        ("InvalidSubscription", None, SCOPED),
        ("SubscriptionNotFound", None, SCOPED),
        ("ExpiredSubscription", None, SCOPED),
        ("SubscriptionUnsubscribed", None, SCOPED),
        ("SubscriptionUnsubsribed", None, SCOPED),
        ("SubscriptionAccessDenied", None, SCOPED),
        ("SubscriptionDelegateAccessNotSupported", None, SCOPED),
        ("InvalidSubscriptionRequest", None, SCOPED),
        ("ReadEventsFailed", None, SCOPED),
        ("EventNotFound", None, SCOPED),
        ("InvalidWatermark", None, SCOPED),
        ("InvalidPullSubscriptionId", None, SCOPED),
        ("MissedNotificationEvents", None, SCOPED),
        ("NewEventStreamConnectionOpened", None, SCOPED),
        ("SomethingNew", None, SCOPED),
    ]
};

#[test]
fn the_table_holds() {
    for (code, action, verdicts) in ROWS {
        let judged = judge(&format!("Error{code}"));
        assert_eq!(judged, *action, "{code}");
        let left = [Scope::Mailbox, Scope::Folder, Scope::Items].map(|scope| verdict(judged, scope));
        assert_eq!(left, *verdicts, "{code}");
    }
}

#[test]
fn statuses_without_an_answer_are_judged_too() {
    use Action::*;
    for (status, action) in [
        (401, Configuration),
        (403, Configuration),
        (404, Retry),
        (405, Configuration),
        (407, Configuration),
        (408, Retry),
        (413, Smaller),
        (429, Throttle),
        (440, Login),
        (456, Mailbox),
        (500, Retry),
        (502, Retry),
        (503, Throttle),
        (504, Retry),
        (599, Retry),
    ] {
        assert_eq!(judge_status(status), action, "{status}");
    }
}

#[test]
fn a_move_lets_go_of_the_server() {
    for code in ["MailboxFailover", "MailboxStoreUnavailable", "ProxyRequestNotAllowed", "CrossSiteRequest", "WrongServerVersion"] {
        assert!(moved(&format!("Error{code}")), "{code}");
    }
    assert!(!moved("ErrorServerBusy"));
}
