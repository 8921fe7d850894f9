//! What of EWS is fed with strangers' bytes: see [`crate::fuzzing`].

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{Stream, executor::block_on};

use super::{
    answer::Answer,
    element::Element,
    mime::Decoder,
    operation::{find_folder, get_attachment, get_folder, get_item, item, sync_folder_hierarchy, sync_folder_items},
    post::{Body, Reply},
    refusal::Refusal,
    trouble::Trouble,
    xml::{Intake, Limits, Malformed, MimeSink},
};
use crate::{
    exchange::compose,
    fuzzing::{Steer, one_short_line},
};

const OPERATIONS: [&str; 6] = ["GetItem", "SyncFolderItems", "SyncFolderHierarchy", "FindFolder", "GetFolder", "GetAttachment"];

/// An answer, whatever it is: read in pieces it must be what it is read whole.
pub fn answer(data: &[u8]) {
    let (steer, body) = Steer::of(data);
    let operation = OPERATIONS[steer.choose(OPERATIONS.len())];
    let status = [200, 500, 503, 404][steer.choose(4)];
    let whole = block_on(read(body, body.len(), status, operation));
    let pieces = block_on(read(body, steer.step(), status, operation));
    assert_eq!(whole, pieces, "the pieces in which an answer comes change what it says");
}

/// MIME content: wherever it is cut, and as another decoder understands it.
pub fn mime(data: &[u8]) {
    let (steer, text) = Steer::of(data);
    let whole = decoded(text, text.len());
    assert_eq!(whole, decoded(text, steer.step()), "the pieces in which MIME content comes change it");
    let dense: Vec<u8> = text.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect();
    // The other one is strict about padding and trailing bits; where it accepts, the bytes must be the same.
    if let Ok(expected) = STANDARD.decode(dense) {
        assert_eq!(whole, Some(expected));
    }
}

fn decoded(text: &[u8], step: usize) -> Option<Vec<u8>> {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    for piece in text.chunks(step.max(1)) {
        decoder.feed(piece, &mut out).ok()?;
    }
    out.extend(decoder.finish().ok()?);
    Some(out.concat())
}

async fn read(body: &[u8], step: usize, status: u16, operation: &str) -> (Vec<String>, Vec<u8>, Option<Trouble>) {
    let pieces = body.chunks(step.max(1)).map(Bytes::copy_from_slice).collect();
    let body = Box::new(Pieces(pieces));
    let reply = Reply { status, request_id: None, retry_after: Some(Duration::from_secs(7)), body };
    let (mut messages, mut content) = (Vec::new(), Gathered::default());
    let trouble = take(reply, operation, &mut messages, &mut content).await.err();
    if let Some(trouble) = &trouble {
        one_short_line(trouble.text());
        if let Trouble::Refused(Refusal { wait: Some(wait), .. }) = trouble {
            assert!(!wait.is_zero());
        }
    }
    (messages, content.0, trouble)
}

async fn take(reply: Reply, operation: &str, messages: &mut Vec<String>, content: &mut Gathered) -> Result<(), Trouble> {
    let mut answer = Answer::open(reply, operation).await?;
    loop {
        let mut intake = Intake::new(content);
        let Some(message) = answer.message(Limits::LEAN, Some(&mut intake)).await? else { break };
        let junk = intake.junk;
        messages.push(format!("{message:?} {junk}"));
        understand(&message);
    }
    answer.finish().await
}

/// Every way in which a response message is read.
fn understand(message: &Element) {
    if let Some(refusal) = Refusal::of_message(message) {
        one_short_line(&refusal.text);
    }
    let _ = (sync_folder_items::read(message), sync_folder_hierarchy::read(message), find_folder::read(message, 0));
    let _ = get_folder::read(std::slice::from_ref(message));
    if let Some(found) = get_item::item(message) {
        compose::fuzzing::written(&item::properties(found), &get_attachment::list(found), found.to_xml("urn:x"));
    }
}

#[derive(Default)]
struct Gathered(Vec<u8>);

#[async_trait]
impl MimeSink for Gathered {
    async fn chunk(&mut self, chunk: Bytes) -> Result<(), Malformed> {
        assert!(!chunk.is_empty(), "nobody is sent nothing");
        self.0.extend_from_slice(&chunk);
        Ok(())
    }
}

struct Pieces(VecDeque<Bytes>);

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

#[async_trait]
impl Body for Pieces {
    async fn accept(self: Box<Self>) {
        assert!(self.0.is_empty(), "a connection was given back with an answer still on it");
    }
}
