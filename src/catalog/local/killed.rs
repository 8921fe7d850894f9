//! A writer that is killed, again and again: this test runs itself in a process that stores messages until it is ended by force.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use sha2::{Digest, Sha256};

use super::{tests::*, *};
use crate::{
    mail::{Origin, Properties},
    sink::{Body, Envelope, LocalSink, Sink},
};

const INSIDE: &str = "EXCHANGE_SYNC_TEST_KILLED_IN";

#[tokio::test]
async fn what_the_catalog_tells_is_stored_whenever_the_writer_is_killed() {
    if let Some(dir) = std::env::var_os(INSIDE) {
        return write_until_killed(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let name = "catalog::local::killed::what_the_catalog_tells_is_stored_whenever_the_writer_is_killed";
    let mut grown = 0;
    for round in 1..=4 {
        let mut writer = Command::new(std::env::current_exe().unwrap());
        writer.args(["--exact", name]).env(INSIDE, dir.path()).stdout(Stdio::null());
        let mut child = writer.spawn().unwrap();
        // Each round at another point of the writer's life.
        while length(dir.path()) <= grown + round * 997 {
            assert_eq!(child.try_wait().unwrap(), None, "the writer ended by itself");
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        grown = length(dir.path());

        let ledger = open(dir.path()).await;
        let told = lines(dir.path());
        assert_eq!(ledger.totals().await.unwrap().messages, told.len() as u64);
        for line in &told {
            let object = segment(dir.path()).parent().unwrap().parent().unwrap().join(line["object"].as_str().unwrap());
            assert_eq!(hex::encode(Sha256::digest(fs::read(object).unwrap())), line["sha256"]);
        }
        let last = told.last().unwrap()["item_id"].as_str().unwrap().to_owned();
        assert_eq!(one(&*ledger, "in", created(&last, &last)).await, Decision::Known);
    }
    let _swept = LocalSink::open(dir.path()).unwrap();
    let staging = fs::read_dir(dir.path().join("data/.staging")).unwrap().map(|entry| entry.unwrap().path());
    let parts: Vec<PathBuf> =
        staging.filter(|path| path.is_dir()).flat_map(|path| fs::read_dir(path).unwrap()).map(|entry| entry.unwrap().path()).collect();
    assert_eq!(parts.len(), 1, "more than this process's lock is left: {parts:?}");
}

fn length(dir: &Path) -> u64 {
    fs::metadata(segment(dir)).map_or(0, |metadata| metadata.len())
}

async fn write_until_killed(dir: &Path) {
    let (sink, ledger) = (LocalSink::open(dir).unwrap(), open(dir).await);
    for n in 0.. {
        let id = format!("{n}");
        let Decision::Fetch { listed, key } = one(&*ledger, "in", created(&id, &id)).await else { continue };
        let envelope =
            Envelope { mailbox: mailbox(), folder: ["Inbox".to_owned()].into(), key: key.clone(), received: None, dated: listed.dated() };
        let stored = sink.write(&envelope, Body::Whole(id.into_bytes().repeat(1000).into(), std::sync::Arc::default())).await.unwrap();
        let entry = Entry::Stored { key, listed, properties: std::sync::Arc::new(Properties::default()), origin: Origin::Mime, stored };
        ledger.commit(&folder("in"), vec![entry]).await.unwrap();
    }
}
