use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn get(items: &[ItemId], shape: &str) -> String {
    format!("<m:GetItem>{}{}</m:GetItem>", item_shape(shape), ids(items))
}

const MIME: &str = "<t:IncludeMimeContent>true</t:IncludeMimeContent>";

#[tokio::test]
async fn mime_comes_byte_for_byte_and_is_counted() {
    let world = world();
    let id = world.put("whole");
    let answer = world.ask(&get(&[id], MIME)).await;
    assert_eq!(STANDARD.decode(answer.first("MimeContent")).ok(), Some(mail("whole")));
    assert!(answer.text.find("MimeContent") < answer.text.find("ItemId"));
    assert_eq!(world.alice.downloads(id), 1);
}

#[tokio::test]
async fn a_batch_answers_in_order_and_fails_one_by_one() {
    let world = world();
    let (one, gone, two, spoilt) = (world.put("one"), world.put("gone"), world.put("two"), world.put("spoilt"));
    world.alice.delete_item(gone, DeleteHow::Hard).expect("it is there");
    world.alice.spoil_item(spoilt, "ErrorItemCorrupt").expect("it is there");
    let answer = world.ask(&get(&[one, gone, two, spoilt], MIME)).await;
    assert_eq!(answer.codes(), ["NoError", "ErrorItemNotFound", "NoError", "ErrorItemCorrupt"]);
    assert_eq!(answer.attributes("ItemId", "Id"), [one.text(), two.text()]);
    assert_eq!(world.ask(&get(&[spoilt], "")).await.codes(), ["NoError"]);
}

#[tokio::test]
async fn faults_strike_single_items_and_their_mime() {
    let world = world();
    let items = [world.put("a"), world.put("b"), world.put("c")];
    let faults = &world.state.faults;
    faults.add(
        Rule::always(EwsFault::ItemError { code: "ErrorServerBusy".into(), message: None, back_off_ms: None, positions: vec![1] }).times(1),
    );
    assert_eq!(world.ask(&get(&items, MIME)).await.codes(), ["NoError", "ErrorServerBusy", "NoError"]);
    faults.add(Rule::always(EwsFault::BatchStopped { after: 1 }).times(1));
    let stopped = world.ask(&get(&items, MIME)).await;
    assert_eq!(stopped.attributes("GetItemResponseMessage", "ResponseClass"), ["Success", "Warning", "Warning"]);
    faults.add(Rule::always(EwsFault::MimeMissing).times(1));
    assert!(world.ask(&get(&items, MIME)).await.texts("MimeContent").is_empty());
    faults.add(Rule::always(EwsFault::MimeCut { after: 8 }).times(1));
    assert_eq!(world.ask(&get(&items[..1], MIME)).await.first("MimeContent").len(), 8);
    faults.add(Rule::always(EwsFault::UnknownElement).times(1));
    assert_eq!(world.ask(&get(&items[..1], "")).await.texts("HolographicMessage").len(), 1);
}

#[tokio::test]
async fn properties_are_given_as_named() {
    let world = world();
    let id = world.put("named");
    let shape = "<t:AdditionalProperties><t:FieldURI FieldURI=\"item:Subject\"/><t:FieldURI FieldURI=\"message:InternetMessageId\"/><t:ExtendedFieldURI PropertyTag=\"0x300B\" PropertyType=\"Binary\"/><t:ExtendedFieldURI PropertyTag=\"0x1234\" PropertyType=\"String\"/></t:AdditionalProperties>";
    let answer = world.ask(&get(&[id], shape)).await;
    assert_eq!((answer.first("Subject").as_str(), answer.first("InternetMessageId").as_str()), ("named", "<named@example.com>"));
    assert_eq!(answer.texts("Value").len(), 1, "an unknown property is absent");
    let folder = get(&[id], "<t:AdditionalProperties><t:FieldURI FieldURI=\"folder:DisplayName\"/></t:AdditionalProperties>");
    assert_eq!(world.ask(&folder).await.codes(), ["ErrorInvalidPropertyRequest"]);
}

#[tokio::test]
async fn find_item_pages_and_restricts() {
    let world = world();
    for number in 0..7 {
        world.put(&format!("n{number}"));
    }
    let find = |offset: usize, restriction: &str| {
        format!(
            "<m:FindItem Traversal=\"Shallow\">{}<m:IndexedPageItemView MaxEntriesReturned=\"3\" Offset=\"{offset}\" BasePoint=\"Beginning\"/>{restriction}<m:ParentFolderIds><t:DistinguishedFolderId Id=\"inbox\"/></m:ParentFolderIds></m:FindItem>",
            item_shape("")
        )
    };
    let (mut offset, mut seen) = (0, Vec::new());
    loop {
        let answer = world.ask(&find(offset, "")).await;
        seen.extend(answer.attributes("ItemId", "Id"));
        offset = answer.attributes("RootFolder", "IndexedPagingOffset")[0].parse().expect("a number");
        if answer.attributes("RootFolder", "IncludesLastItemInRange")[0] == "true" {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
    let one = "<m:Restriction><t:IsEqualTo><t:FieldURI FieldURI=\"item:Subject\"/><t:FieldURIOrConstant><t:Constant Value=\"n3\"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>";
    assert_eq!(world.ask(&find(0, one)).await.attributes("RootFolder", "TotalItemsInView"), ["1"]);
    let with_mime = find(0, "").replace("</m:ItemShape>", &format!("{MIME}</m:ItemShape>"));
    assert_eq!(world.ask(&with_mime).await.codes(), ["ErrorInvalidPropertyRequest"]);
}

#[tokio::test]
async fn a_message_is_made_of_elements() {
    let world = world();
    let create = "<m:CreateItem MessageDisposition=\"SendAndSaveCopy\"><m:Items><t:Message><t:Subject>Grüße &amp; more</t:Subject><t:Body BodyType=\"Text\">hello</t:Body><t:ToRecipients><t:Mailbox><t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message></m:Items></m:CreateItem>";
    assert_eq!(world.ask(create).await.codes(), ["NoError"]);
    let bob = world.state.store.mailbox(BOB).expect("was added");
    let inbox = bob.root_folder("inbox").expect("a default folder");
    let found = bob.find(inbox, &crate::store::Find { limit: 5, ..Default::default() }).expect("the inbox is there");
    assert_eq!(found.items.iter().map(|item| item.subject.as_deref()).collect::<Vec<_>>(), [Some("Grüße & more")]);
    let sent = world.alice.root_folder("sentitems").expect("a default folder");
    assert_eq!(world.alice.folder(sent).map(|folder| folder.total), Ok(1));
    assert_eq!(
        world.ask(&create.replace(" MessageDisposition=\"SendAndSaveCopy\"", "")).await.codes(),
        ["ErrorMessageDispositionRequired"]
    );
}

#[tokio::test]
async fn an_update_with_a_stale_change_key_is_a_conflict() {
    let world = world();
    let id = world.put("old");
    let update = format!(
        "<m:UpdateItem MessageDisposition=\"SaveOnly\" ConflictResolution=\"NeverOverwrite\"><m:ItemChanges><t:ItemChange><t:ItemId Id=\"{}\" ChangeKey=\"AAAA\"/><t:Updates><t:SetItemField><t:FieldURI FieldURI=\"item:Subject\"/><t:Message><t:Subject>new</t:Subject></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
        id.text()
    );
    assert_eq!(world.ask(&update).await.codes(), ["ErrorIrresolvableConflict"]);
    assert_eq!(world.ask(&update.replace("NeverOverwrite", "AlwaysOverwrite")).await.codes(), ["NoError"]);
    assert_eq!(world.alice.item(id).map(|item| item.subject), Ok(Some("new".to_owned())));
}

#[tokio::test]
async fn control_characters_go_out_replaced_or_as_references() {
    let world = world();
    let id = world.put("=?utf-8?b?YmVsbCAHIGVuZA==?=");
    let ask = get(&[id], "<t:AdditionalProperties><t:FieldURI FieldURI=\"item:Subject\"/></t:AdditionalProperties>");
    assert_eq!(world.ask(&ask).await.first("Subject"), "bell \u{fffd} end");
    world.state.quirks.switch("control-references", true).expect("a known quirk");
    assert!(world.ask(&ask).await.text.contains("bell &#x7; end"));
}

#[tokio::test]
async fn attachments_are_listed_and_fetched() {
    let world = world();
    let mime = "Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nnested\r\n--b--\r\n";
    let id = world.alice.create_item(world.inbox(), NewItem::from_mime(mime.into())).expect("the inbox takes it");
    let shape = "<t:AdditionalProperties><t:FieldURI FieldURI=\"item:Attachments\"/></t:AdditionalProperties>";
    let names = world.ask(&get(&[id], shape)).await.attributes("AttachmentId", "Id");
    assert_eq!(names.len(), 2);
    let list: String = names.iter().map(|id| format!("<t:AttachmentId Id=\"{id}\"/>")).collect();
    let fetch = format!(
        "<m:GetAttachment><m:AttachmentShape/><m:AttachmentIds>{list}<t:AttachmentId Id=\"AAAA\"/></m:AttachmentIds></m:GetAttachment>"
    );
    let answer = world.ask(&fetch).await;
    assert_eq!(answer.codes(), ["NoError", "NoError", "ErrorInvalidAttachmentId"]);
    assert_eq!(answer.first("Content"), "AAEC");
    assert_eq!(answer.first("Subject"), "inner");
}
