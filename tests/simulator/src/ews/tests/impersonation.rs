use super::*;

const INBOX: &str = "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"/></m:FolderIds></m:GetFolder>";

fn connecting(kind: &str, value: &str) -> String {
    format!("<t:ExchangeImpersonation><t:ConnectingSID><t:{kind}>{value}</t:{kind}></t:ConnectingSID></t:ExchangeImpersonation>")
}

#[tokio::test]
async fn a_service_account_acts_as_its_users() {
    let world = world();
    let sid = session::security_identifier(world.alice.guid());
    for (kind, value) in
        [("PrimarySmtpAddress", ALICE), ("SmtpAddress", "alice.proxy@example.com"), ("PrincipalName", ALICE), ("SID", sid.as_str())]
    {
        let answer = world.ask_as(SERVICE, &connecting(kind, value), INBOX).await;
        assert_eq!(answer.attributes("FolderId", "Id"), [world.inbox().text()], "{kind}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_impersonation_is_told() {
    let world = world();
    for (account, kind, value, code) in [
        (ALICE, "PrimarySmtpAddress", BOB, "ErrorImpersonateUserDenied"),
        (SERVICE, "PrimarySmtpAddress", "nobody@example.com", "ErrorNonExistentMailbox"),
        (SERVICE, "PrimarySmtpAddress", "alice.proxy@example.com", "ErrorNonPrimarySmtpAddress"),
        (SERVICE, "SID", "S-1-5-21-1-2-3-4", "ErrorInvalidSid"),
    ] {
        let answer = world.ask_as(account, &connecting(kind, value), INBOX).await;
        assert_eq!((answer.status, answer.codes()), (500, vec![code.to_owned()]), "{value}");
    }
    assert_eq!(world.ask_as(SERVICE, "", INBOX).await.codes(), ["ErrorNonExistentMailbox"]);
}

#[tokio::test]
async fn an_application_must_impersonate() {
    let world = world();
    let identity = Identity::App { client_id: "app".into(), tenant: "tenant".into() };
    let refused = Session::open(&world.state, &identity, "GetFolder", Default::default());
    assert!(matches!(refused, Err(Refused::Exchange(error)) if error.text.contains("must be present")));
}

#[tokio::test]
async fn delegates_open_but_do_not_subscribe() {
    let world = world();
    let named = INBOX.replace("<t:DistinguishedFolderId Id=\"inbox\"/>", "<t:DistinguishedFolderId Id=\"inbox\"><t:Mailbox><t:EmailAddress>alice@example.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>");
    assert_eq!(world.ask_as(BOB, "", &named).await.codes(), ["NoError"]);
    assert_eq!(world.ask_as("carol@example.com", "", &named).await.codes(), ["ErrorAccessDenied"]);
    let subscribe = format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:FolderId Id=\"{}\"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>",
        world.inbox().text()
    );
    assert_eq!(world.ask_as(BOB, "", &subscribe).await.codes(), ["ErrorSubscriptionDelegateAccessNotSupported"]);
}
