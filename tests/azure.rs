//! Sink, catalog and checkpoints in Azure Blob Storage, against Azurite.

#[path = "common/azurite.rs"]
mod azurite;

use std::sync::Arc;

use azurite::Azurite;
use bytes::Bytes;
use exchange_sync::{
    blob::{self, Location},
    config::Env,
    mail::{Address, Bucket, Key, Mailbox, Properties},
    sink::{BlobSink, Body, Broken, Envelope, Sink, Verdict},
};
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};

const MESSAGES: &str = "data/acme/mail/a@example.com";

fn mailbox() -> Mailbox {
    let bucket = Bucket { owner: "acme".into(), name: "mail".into() };
    Mailbox { address: Address::new("a@example.com"), bucket, archive: false }
}

fn envelope(key: &str) -> Envelope {
    let dated = chrono::DateTime::from_timestamp(1_700_000_000, 0);
    Envelope { mailbox: mailbox(), folder: ["Inbox".to_owned()].into(), key: Key(key.into()), received: None, dated }
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    Body::Whole(bytes.into(), Arc::new(Properties::default()))
}

fn streamed(chunks: impl Iterator<Item = Result<Bytes, Broken>> + Send + 'static) -> Body {
    Body::Stream(stream::iter(chunks).boxed(), tokio::sync::oneshot::channel().1)
}

async fn messages_are_stored(azurite: &Azurite) {
    azurite.create("mail").await;
    let sink = BlobSink::open(azurite.blobs("mail/a b/ü")).await.unwrap();
    assert_eq!(azurite.names("mail").await, [""; 0], "opening leaves nothing behind");
    let stored = sink.write(&envelope("0a"), whole("From: a\r\n\r\nhello")).await.unwrap();
    assert_eq!((stored.object.as_str(), stored.bytes), ("2023/11/14/0a.eml", 16));
    let chunks: Vec<Bytes> = (0..150_u8).map(|n| Bytes::from(vec![n; 65_537])).collect();
    let content = chunks.concat();
    let stored = sink.write(&envelope("0b"), streamed(chunks.into_iter().map(Ok))).await.unwrap();
    assert_eq!((stored.bytes, &stored.sha256), (content.len() as u64, &hex::encode(Sha256::digest(&content))));
    assert_eq!(azurite.names("mail").await, ["0a", "0b"].map(|key| format!("a b/ü/{MESSAGES}/2023/11/14/{key}.eml")));
    let read = azurite.read("mail", &format!("a%20b/%C3%BC/{MESSAGES}/2023/11/14/0b.eml")).await;
    assert!(read == content);
}

#[tokio::test]
async fn messages_are_stored_over_http_and_https() {
    for https in [false, true] {
        let Some(azurite) = Azurite::start(https) else { return };
        messages_are_stored(&azurite).await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_helps() {
    let Some(azurite) = Azurite::start(false) else { return };
    let missing = BlobSink::open(azurite.blobs("nowhere")).await.unwrap_err();
    assert!(missing.verdict == Verdict::Refused && missing.to_string().contains("az storage container create"), "{missing}");
    let other = "AccountName=devstoreaccount1;AccountKey=c2VjcmV0;BlobEndpoint=";
    let env = [("AZURE_STORAGE_CONNECTION_STRING", format!("{other}http://{}/devstoreaccount1", azurite.address))];
    let wrong = blob::connect(&Location::parse("az://devstoreaccount1/mail").unwrap(), &Env::from_iter(env)).unwrap();
    let wrong = BlobSink::open(wrong).await.unwrap_err();
    assert!(wrong.verdict == Verdict::Refused && wrong.to_string().contains("is the key or SAS token that of the account"), "{wrong}");
    assert!(!wrong.to_string().contains("c2VjcmV0"), "{wrong}");
}
