//! The Communications Mining API, asked by the published client of it.

use exchange_simulator::{
    Simulator, World,
    fault::{Rule, WireFault},
    reinfer::SyncStatus,
};
use reinfer_client::{
    BucketFullName, BucketIdentifier, BucketType, Client, Config, EmailId, EmailsQueryFilter, Error, Mailbox, MimeContent, NewBucket,
    NewEmail, Token,
    resources::{
        attachments::AttachmentMetadata,
        bucket::{FolderStatus, GetKeyedSyncStateIdsRequest},
        bucket_statistics::Count,
        email::EmailMetadata,
    },
};

const BUCKET: &str = "acme/by-client";

/// Runs a client, which blocks, beside a server. `base`: what its endpoint has behind the server's address.
async fn beside(simulator: &Simulator, base: &str, work: impl FnOnce(&Client) + Send + 'static) {
    let endpoint = format!("{}{base}", simulator.url());
    let token = simulator.reinfer_token().unwrap();
    let client = move || {
        let config = Config { endpoint: endpoint.parse().unwrap(), token: Token(token), retry_config: None, ..Config::default() };
        work(&Client::new(config).unwrap());
    };
    tokio::task::spawn_blocking(client).await.unwrap();
}

fn email(number: u32) -> NewEmail {
    NewEmail {
        id: EmailId(format!("<{number}/&?#@example.com>")),
        mailbox: Mailbox(if number == 3 { "bob@example.com" } else { "alice@example.com" }.to_owned()),
        timestamp: format!("2024-05-0{number}T10:20:30Z").parse().unwrap(),
        mime_content: MimeContent(format!("Subject: {number}\r\n\r\nGrüße, 日本語 {number}\r\n")),
        metadata: Some(EmailMetadata {
            size: Some(1000),
            categories: Some(vec!["Red".into()]),
            has_attachments: Some(true),
            folder: Some(vec!["Inbox".into(), "Sub/folder".into()]),
            ..EmailMetadata::default()
        }),
        attachments: vec![AttachmentMetadata {
            name: "a.pdf".into(),
            size: 12,
            content_type: ".pdf".into(),
            attachment_reference: None,
            content_hash: None,
        }],
    }
}

fn name() -> BucketFullName {
    BucketFullName(BUCKET.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_made_filled_read_and_deleted() {
    let simulator = Simulator::start(World::default()).await.unwrap();
    beside(&simulator, "", |client| {
        let user = client.get_current_user().unwrap();
        assert_eq!((user.username.0.as_str(), user.verified), ("appliance", true));
        assert_eq!(client.refresh_user_permissions().unwrap().permissions_refreshed, Some(true));
        let made = client.create_bucket(&name(), NewBucket { bucket_type: BucketType::Emails, title: Some("A title") }).unwrap();
        assert_eq!(made.full_name(), name());
        assert_eq!(client.get_bucket(BucketIdentifier::Id(made.id.clone())).unwrap(), made);
        assert_eq!(client.get_bucket(BucketIdentifier::FullName(name())).unwrap(), made);
        assert!(client.get_buckets().unwrap().contains(&made));
        client.put_emails(&name(), (1..=3).map(email).collect(), false).unwrap();
        client.put_emails(&name(), vec![email(2)], true).unwrap();
        let Count::ExactBucketCount { value } = client.get_bucket_statistics(&name()).unwrap().count else { panic!("not exact") };
        assert_eq!(value, 3);
    })
    .await;
    let kept = simulator.reinfer().emails(BUCKET);
    assert_eq!(kept.iter().map(|email| email.puts).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(kept[0].mime.text(), Some(email(1).mime_content.0.as_str()));
    beside(&simulator, "/org/tenant/reinfer_/", |client| {
        let pages: Vec<_> = client.get_emails_iter(&name(), Some(2)).map(Result::unwrap).collect();
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        for (read, sent) in pages.into_iter().flatten().zip((1..).map(email)) {
            assert_eq!((read.id, read.mailbox, read.timestamp), (sent.id, sent.mailbox, sent.timestamp));
            assert_eq!((read.mime_content, read.metadata, read.attachments), (sent.mime_content, sent.metadata, sent.attachments));
            assert!(read.created_at.is_some() && read.updated_at >= read.created_at);
        }
        assert_eq!(client.get_email(&name(), email(2).id).unwrap().len(), 1);
        let filter = EmailsQueryFilter { mailbox_name: Some("bob@example.com".into()), ..EmailsQueryFilter::default() };
        let found: Vec<_> = client.query_emails_iter(&name(), filter, Some(1)).flat_map(Result::unwrap).collect();
        assert_eq!(found.iter().map(|email| &email.id).collect::<Vec<_>>(), [&email(3).id]);
        client.delete_emails(BucketIdentifier::FullName(name()), &[email(1).id, email(3).id]).unwrap();
        assert_eq!(client.get_emails_iter(&name(), None).flat_map(Result::unwrap).count(), 1);
        client.delete_bucket(BucketIdentifier::FullName(name())).unwrap();
        let gone = client.get_bucket(BucketIdentifier::FullName(name())).unwrap_err();
        assert!(matches!(gone, Error::Api { status_code, .. } if status_code.as_u16() == 404), "{gone}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_states_are_listed_and_deleted() {
    let simulator = Simulator::start(World::default()).await.unwrap();
    let id = simulator.reinfer().bucket("acme/mail").unwrap().id;
    // The client cannot store states: the program does.
    let folder = r#"{"keyed_sync_state":{"mailbox_name":"alice@example.com","folder_id":"F","folder_path":["Inbox"],"status":"IN_PROGRESS","synced_until":"2024-05-01T00:00:00Z"}}"#;
    let mailbox = r#"{"keyed_sync_state":{"mailbox_name":"alice@example.com","status":"UP_TO_DATE","fingerprint":"x"}}"#;
    for (key, state) in [("aa", folder), ("bb", mailbox)] {
        let url = format!("{}/api/_private/buckets/id:{id}/keyed-sync-state/{key}", simulator.url());
        assert!(put(&url, &simulator.reinfer_token().unwrap(), state).await.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(simulator.reinfer().sync_states("acme/mail")["bb"].status, SyncStatus::UpToDate);
    beside(&simulator, "", move |client| {
        let id = reinfer_client::BucketId(id);
        let states = client.get_keyed_sync_states(&id).unwrap();
        assert_eq!((states[0].folder_id.as_deref(), states[0].status.clone()), (Some("F"), FolderStatus::InProgress));
        assert_eq!((states[1].folder_id.as_deref(), states[1].status.clone()), (None, FolderStatus::UpToDate));
        let ids = client.get_keyed_sync_state_ids(&id, &GetKeyedSyncStateIdsRequest { mailbox_name: "alice@example.com".into() }).unwrap();
        assert_eq!(ids.len(), 2);
        client.delete_keyed_sync_state(&id, &ids[0]).unwrap();
        assert_eq!(client.get_keyed_sync_states(&id).unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_understood_and_a_poisoned_batch_is_sent_one_by_one() {
    let simulator = Simulator::start(World::default()).await.unwrap();
    let error = WireFault::ReinferError { status: 422, message: Some("no".into()), retry_after_s: None, retry_after_date: false };
    simulator.state().faults.add(Rule::always(error).on("reinfer.PutEmails").holding(&email(2).id.0));
    beside(&simulator, "", |client| {
        let mail = BucketFullName("acme/mail".to_owned());
        let refused = client.put_emails(&mail, vec![email(2)], false).unwrap_err();
        assert!(matches!(&refused, Error::Api { status_code, message } if status_code.as_u16() == 422 && message == "no"), "{refused}");
        let sent = client.put_emails_split_on_failure(&mail, (1..=3).map(email).collect(), false);
        assert_eq!(sent.num_failed, 1);
        let large = NewEmail { metadata: Some(EmailMetadata { size: Some(1 << 31), ..EmailMetadata::default() }), ..email(4) };
        let refused = client.put_emails(&mail, vec![large], false).unwrap_err();
        assert!(refused.to_string().contains("emails[0].metadata.size"), "{refused}");
    })
    .await;
    assert_eq!(simulator.reinfer().email_count("acme/mail"), 2);
    assert!(simulator.reinfer().revoke_token(&simulator.reinfer_token().unwrap()));
    simulator.reinfer().add_token(
        exchange_simulator::world::TokenSpec { token: "other".into(), permissions: Some(Vec::new()), ..Default::default() }
            .build()
            .unwrap(),
    );
    beside(&simulator, "", |client| {
        let forbidden = client.get_buckets().unwrap_err();
        assert!(matches!(forbidden, Error::Api { status_code, .. } if status_code.as_u16() == 403), "{forbidden}");
    })
    .await;
}

/// A request by hand; gives the answer's text.
async fn put(url: &str, token: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nConnection: close"
    );
    socket.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}
