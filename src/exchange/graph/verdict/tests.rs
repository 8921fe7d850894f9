use super::*;

fn refused(status: u16, code: &str) -> Refusal {
    Refusal { status, code: Some(code.to_owned()).filter(|code| !code.is_empty()), text: "words".to_owned(), ..Refusal::default() }
}

#[rustfmt::skip]
const ROWS: &[(&str, u16, Option<Action>)] = {
    use Action::*;
    &[
        ("ApplicationThrottled", 429, Some(Throttle)),
        ("TooManyRequests", 429, Some(Throttle)),
        ("activityLimitReached", 429, Some(Throttle)),
        ("ErrorTooManyObjectsOpened", 429, Some(Throttle)),
        ("UnknownError", 429, Some(Throttle)),
        ("UnknownError", 503, Some(Throttle)),
        ("UnknownError", 504, Some(Smaller)),
        ("UnknownError", 500, Some(Retry)),
        ("quotaLimitReached", 429, Some(Throttle)),
        ("", 509, Some(Throttle)),
        ("ErrorServerBusy", 503, Some(Throttle)),
        ("ErrorServerBusy", 500, Some(Throttle)),
        ("serviceNotAvailable", 503, Some(Throttle)),
        ("ServiceUnavailable", 503, Some(Throttle)),
        ("generalException", 500, Some(Suspect)),
        ("InternalServerError", 500, Some(Suspect)),
        ("ErrorInternalServerError", 500, Some(Suspect)),
        ("ErrorInternalServerTransientError", 500, Some(Retry)),
        ("ErrorInternalServerTransientError", 503, Some(Throttle)),
        ("ErrorTimeoutExpired", 504, Some(Smaller)),
        ("ErrorTimeoutExpired", 500, Some(Smaller)),
        ("", 504, Some(Smaller)),
        ("ErrorMailboxStoreUnavailable", 500, Some(Retry)),
        ("ErrorMailboxStoreUnavailable", 503, Some(Throttle)),
        ("ErrorMailboxMoveInProgress", 503, Some(Mailbox)),
        ("MailboxInfoStale", 503, Some(Throttle)),
        ("ErrorConnectionFailed", 500, Some(Retry)),
        ("ErrorADUnavailable", 500, Some(Retry)),
        ("resourceLocked", 423, Some(Suspect)),
        ("NotAllowed", 403, Some(Suspect)),
        ("ErrorIrresolvableConflict", 409, Some(Retry)),
        ("invalidRequest", 400, None),
        ("InvalidAuthenticationToken", 401, Some(Configuration)),
        ("unauthenticated", 403, Some(Configuration)),
        ("AuthenticationError", 401, Some(Configuration)),
        ("insufficient_claims", 401, Some(Configuration)),
        ("syncStateNotFound", 410, Some(Resync)),
        ("SyncStateNotFound", 404, Some(Resync)),
        ("SYNCSTATENOTFOUND", 500, Some(Resync)),
        ("resyncRequired", 410, Some(Resync)),
        ("SyncStateInvalid", 400, Some(Resync)),
        ("InvalidSyncStateData", 400, Some(Resync)),
        ("resyncChangesApplyDifferences", 410, Some(Resync)),
        ("", 410, Some(Resync)),
        ("itemNotFound", 410, Some(Resync)),
        ("ErrorInvalidUrlQuery", 400, Some(Query)),
        ("InefficientFilter", 400, Some(Query)),
        ("ErrorQuotaExceeded", 507, Some(NoDelta)),
        ("ErrorQuotaExceeded", 403, Some(NoDelta)),
        ("notSupported", 501, Some(NoDelta)),
        ("ErrorItemNotFound", 404, Some(ItemGone)),
        ("itemNotFound", 404, Some(ItemGone)),
        ("ErrorSyncFolderNotFound", 404, Some(FolderGone)),
        ("ErrorFolderNotFound", 404, Some(FolderGone)),
        ("ErrorInvalidIdMalformed", 400, Some(WrongId)),
        ("ErrorInvalidMailboxItemId", 400, Some(WrongId)),
        ("ErrorMimeContentConversionFailed", 500, Some(Item)),
        ("ErrorContentConversionFailed", 500, Some(Item)),
        ("ErrorCorruptData", 500, Some(Item)),
        ("ErrorInvalidRecipients", 400, Some(Item)),
        ("ErrorCannotOpenFileAttachment", 500, Some(Item)),
        ("ErrorMessageSizeExceeded", 400, Some(Item)),
        ("ErrorContentTooLarge", 413, Some(Item)),
        ("", 413, Some(Item)),
        ("malwareDetected", 403, Some(Item)),
        ("ErrorInvalidRequest", 400, Some(Misunderstood)),
        ("ErrorInvalidRequest", 405, Some(Misunderstood)),
        ("RequestBroker--ParseUri", 400, Some(Misunderstood)),
        ("BadRequest", 400, Some(Misunderstood)),
        ("UnsupportedApiVersion", 400, Some(Configuration)),
        ("MailboxNotEnabledForRESTAPI", 404, Some(Mailbox)),
        ("ErrorMailboxNotEnabledForRESTAPI", 403, Some(Mailbox)),
        ("ResourceNotFound", 404, Some(Mailbox)),
        ("Request_ResourceNotFound", 404, Some(Mailbox)),
        ("ErrorInvalidUser", 404, Some(Mailbox)),
        ("ErrorNonExistentMailbox", 404, Some(Mailbox)),
        ("ErrorMissingEmailAddress", 400, Some(Mailbox)),
        ("ErrorAccessDenied", 403, Some(Denied)),
        ("accessDenied", 403, Some(Denied)),
        ("", 403, Some(Denied)),
        ("Authorization_RequestDenied", 403, Some(Configuration)),
        ("", 302, Some(Configuration)),
        ("", 502, Some(Retry)),
        ("", 404, None),
        ("ErrorMailboxMoveInProgress", 400, Some(Mailbox)),
        ("ErrorADUnavailable", 503, Some(Throttle)),
        ("ErrorConnectionFailed", 503, Some(Throttle)),
        ("MailboxInfoStale", 500, Some(Retry)),
        ("ErrorIrresolvableConflict", 412, Some(Retry)),
        ("CompactToken", 401, Some(Configuration)),
        ("unauthenticated", 401, Some(Configuration)),
        ("insufficient_claims", 403, Some(Configuration)),
        ("resyncChangesUploadDifferences", 410, Some(Resync)),
        ("SyncStateInvalid", 410, Some(Resync)),
        ("gatewayTimeout", 504, Some(Smaller)),
        ("ErrorItemCorrupt", 500, Some(Item)),
        ("ErrorContentTooLarge", 400, Some(Item)),
        ("ErrorCannotOpenFileAttachment", 400, Some(Item)),
        ("notSupported", 400, Some(NoDelta)),
        ("UnsupportedApiVersion", 501, Some(Configuration)),
        ("MailboxNotEnabledForRESTAPI", 403, Some(Mailbox)),
        // Said of subscriptions alone, of which there are none here.
        ("extensionError", 400, None),
        ("SomethingNew", 400, None),
        ("SomethingNew", 500, Some(Suspect)),
        ("SomethingNew", 503, Some(Throttle)),
    ]
};

#[test]
fn the_table_holds() {
    for (code, status, expected) in ROWS {
        assert_eq!(action(&refused(*status, code)), *expected, "{code} with {status}");
    }
}

#[test]
fn an_empty_404_comes_from_a_gateway() {
    assert_eq!(action(&Refusal { status: 404, bare: true, ..Refusal::default() }), Some(Action::Retry));
}

#[test]
fn a_token_that_is_not_supported_means_no_delta() {
    let refusal = Refusal { text: "Parameter 'DeltaToken' not supported for this request.".to_owned(), ..refused(400, "BadRequest") };
    assert_eq!(action(&refusal), Some(Action::NoDelta));
}

#[test]
fn a_scope_decides_what_a_refusal_ends() {
    assert_eq!(verdict(judge("ErrorAccessDenied"), Scope::Mailbox), Verdict::StopMailbox);
    assert_eq!(verdict(judge("ErrorAccessDenied"), Scope::Folder), Verdict::SkipFolder);
    assert_eq!(verdict(judge("ErrorAccessDenied"), Scope::Items), Verdict::StopMailbox);
    assert_eq!(verdict(judge("SyncStateNotFound"), Scope::Folder), Verdict::Resync);
    assert_eq!(verdict(judge("ErrorItemNotFound"), Scope::Folder), Verdict::FolderGone);
    assert_eq!(verdict(judge("ErrorFolderNotFound"), Scope::Folder), Verdict::FolderGone);
    assert_eq!(verdict(judge("BadRequest"), Scope::Mailbox), Verdict::Refused);
    assert_eq!(verdict(judge("BadRequest"), Scope::Folder), Verdict::SkipFolder);
    assert_eq!(verdict(None, Scope::Items), Verdict::Later);
    assert_eq!(verdict(judge("InternalServerError"), Scope::Mailbox), Verdict::Later);
    assert_eq!(verdict(judge("InternalServerError"), Scope::Folder), Verdict::SkipFolder);
    assert_eq!(verdict(None, Scope::Mailbox), Verdict::StopMailbox);
}
