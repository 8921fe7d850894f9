use std::time::Duration;

use futures::stream;
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path as Name, throttle::ThrottleConfig};

use super::{
    super::testing::{chunks, envelope, whole},
    *,
};
use crate::blob::Location;

async fn open(store: &Arc<dyn ObjectStore>) -> BlobSink {
    BlobSink::open(Blobs::over(Arc::clone(store), Location::parse("az://contosomail/archive/x").unwrap())).await.unwrap()
}

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

fn name(key: &str) -> Name {
    Name::parse(format!("x/data/acme/mail/a@example.com/2023/11/14/{key}.eml")).unwrap()
}

async fn read(store: &Arc<dyn ObjectStore>, key: &str) -> Bytes {
    store.get(&name(key)).await.unwrap().bytes().await.unwrap()
}

async fn count(store: &Arc<dyn ObjectStore>) -> usize {
    store.list(None).count().await
}

#[tokio::test]
async fn whole_and_streamed_messages_are_stored_alike() {
    let store = memory();
    let sink = open(&store).await;
    let content: Vec<u8> = (0..9_000_003_u32).map(|n| (n % 251) as u8).collect();
    let whole = sink.write(&envelope("0a"), whole(content.clone())).await.unwrap();
    assert_eq!(whole.object, "2023/11/14/0a.eml");
    assert_eq!(whole.sha256, hex::encode(Sha256::digest(&content)));
    for size in [1000, PIECE, PART - 1, PART, PART + 1, content.len()] {
        let parts = content.chunks(size).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
        let streamed = sink.write(&envelope("0b"), chunks(parts)).await.unwrap();
        assert_eq!((streamed.bytes, &streamed.sha256), (content.len() as u64, &whole.sha256));
        assert!(read(&store, "0b").await == content);
    }
    let empty = sink.write(&envelope("0c"), chunks(vec![])).await.unwrap();
    assert_eq!((empty.bytes, count(&store).await), (0, 3));
    assert_eq!(sink.pieces.available_permits(), PIECES);
}

#[tokio::test]
async fn a_stream_that_breaks_leaves_nothing_and_keeps_what_was_there() {
    let store = memory();
    let sink = open(&store).await;
    let part = || Ok(Bytes::from(vec![7; PART + 1]));
    let error = sink.write(&envelope("0a"), chunks(vec![part(), part(), Err(Broken)])).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Broken);
    assert_eq!(error.to_string(), "storing message 0a of a@example.com failed: the download broke off");
    assert_eq!(count(&store).await, 0);
    sink.write(&envelope("0a"), whole("first")).await.unwrap();
    sink.write(&envelope("0a"), chunks(vec![part(), Err(Broken)])).await.unwrap_err();
    assert_eq!(read(&store, "0a").await, "first");
    sink.write(&envelope("0a"), whole("second")).await.unwrap();
    assert_eq!(read(&store, "0a").await, "second");
    assert_eq!(sink.write(&envelope("../0a"), whole("x")).await.unwrap_err().verdict, Verdict::Unacceptable);
}

/// Many large messages at once, each of more parts than there are pieces for: all get through, and together they never hold more than allowed.
#[tokio::test(start_paused = true)]
async fn many_streams_share_what_they_hold() {
    let slow = ThrottleConfig { wait_put_per_call: Duration::from_millis(50), ..ThrottleConfig::default() };
    let store: Arc<dyn ObjectStore> = Arc::new(object_store::throttle::ThrottledStore::new(InMemory::new(), slow));
    let sink = open(&store).await;
    let content = Bytes::from((0..PART + PIECE + 5).map(|n| (n % 253) as u8).collect::<Vec<_>>());
    let writes = (0..40).map(|n| {
        let (sink, content) = (sink.clone(), content.clone());
        tokio::spawn(async move {
            let mut rest = content;
            let arriving = stream::unfold((), move |()| {
                let next = (!rest.is_empty()).then(|| rest.split_to(rest.len().min(10_007)));
                async move {
                    tokio::task::yield_now().await;
                    next.map(|chunk| (Ok(chunk), ()))
                }
            });
            sink.write(&envelope(&format!("{n:02}")), Body::Stream(arriving.boxed(), tokio::sync::oneshot::channel().1)).await.unwrap()
        })
    });
    for stored in futures::future::join_all(writes).await {
        assert_eq!(stored.unwrap().bytes, content.len() as u64);
    }
    for n in 0..40 {
        assert!(read(&store, &format!("{n:02}")).await == content);
    }
    assert_eq!(sink.pieces.available_permits(), PIECES);
}

#[tokio::test]
async fn a_write_that_is_given_up_leaves_nothing() {
    let store = memory();
    let sink = open(&store).await;
    let endless = stream::iter([Ok(Bytes::from(vec![7; 3 * PART]))]).chain(stream::pending()).boxed();
    let envelope = envelope("0a");
    let mut write = sink.write(&envelope, Body::Stream(endless, tokio::sync::oneshot::channel().1));
    while sink.pieces.available_permits() > PIECES - PART / PIECE {
        assert!(futures::poll!(&mut write).is_pending());
        tokio::task::yield_now().await;
    }
    drop(write);
    while sink.pieces.available_permits() < PIECES {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(&store).await, 0);
}
