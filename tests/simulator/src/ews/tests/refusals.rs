use super::*;

const INBOX: &str = "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"/></m:FolderIds></m:GetFolder>";

#[tokio::test]
async fn a_schema_violation_is_a_fault_with_its_place() {
    let world = world();
    let answer = world.ask(&sync_items(world.inbox(), "", 513)).await;
    assert_eq!((answer.status, answer.codes()), (500, vec!["ErrorSchemaValidation".to_owned()]));
    assert_eq!(answer.texts("LineNumber"), ["1"]);
    assert_eq!((answer.texts("LinePosition").len(), answer.texts("Violation").len()), (1, 1));
}

#[tokio::test]
async fn without_a_version_ids_are_taken_for_legacy_ones() {
    let world = world();
    let envelope = |operation: &str| {
        format!("<s:Envelope xmlns:s=\"{SOAP}\" xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\"><s:Body>{operation}</s:Body></s:Envelope>")
    };
    assert_eq!(world.send(ALICE, &envelope(INBOX)).await.codes(), ["NoError"]);
    let by_id = INBOX.replace("<t:DistinguishedFolderId Id=\"inbox\"/>", &format!("<t:FolderId Id=\"{}\"/>", world.inbox().text()));
    assert_eq!(world.send(ALICE, &envelope(&by_id)).await.codes(), ["ErrorInvalidIdMalformedEwsLegacyIdFormat"]);
}

#[tokio::test]
async fn absent_folders_have_their_codes() {
    let world = world();
    for (name, code) in [
        ("archivemsgfolderroot", "ErrorArchiveMailboxNotEnabled"),
        ("voicemail", "ErrorFolderNotFound"),
        ("recoverableitemsroot", "NoError"),
    ] {
        assert_eq!(world.ask(&INBOX.replace("inbox", name)).await.codes(), [code], "{name}");
    }
    let item = INBOX.replace("<t:DistinguishedFolderId Id=\"inbox\"/>", &format!("<t:FolderId Id=\"{}\"/>", world.put("x").text()));
    assert_eq!(world.ask(&item).await.codes(), ["ErrorCannotUseItemIdForFolderId"]);
    let swapped = INBOX.replace("<t:DistinguishedFolderId Id=\"inbox\"/>", "<t:FolderId Id=\"AAMkaaaa\"/>");
    assert_eq!(world.ask(&swapped).await.codes(), ["ErrorInvalidIdMalformed"]);
}

#[tokio::test]
async fn the_root_is_not_traversed() {
    let world = world();
    let find = "<m:FindFolder Traversal=\"Deep\"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:ParentFolderIds><t:DistinguishedFolderId Id=\"root\"/></m:ParentFolderIds></m:FindFolder>";
    assert_eq!(world.ask(find).await.codes(), ["ErrorAccessDenied"]);
    assert_eq!(world.ask(&find.replace("Deep", "Shallow")).await.codes(), ["NoError"]);
}

#[tokio::test]
async fn some_errors_stop_a_batch() {
    let world = world();
    let ask = INBOX.replace("<t:DistinguishedFolderId Id=\"inbox\"/>", "<t:DistinguishedFolderId Id=\"inbox\"><t:Mailbox><t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId><t:DistinguishedFolderId Id=\"inbox\"/>");
    let answer = world.ask(&ask).await;
    assert_eq!(answer.codes(), ["ErrorAccessDenied", "ErrorBatchProcessingStopped"]);
    assert_eq!(answer.attributes("GetFolderResponseMessage", "ResponseClass"), ["Error", "Warning"]);
}
