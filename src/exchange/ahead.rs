//! A download that runs ahead of its taker.

use std::future::Future;

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::Error;
use crate::mail::Part;

/// The parts that `work` sends, at most `waiting` of them ahead of their taker. Nothing happens before the stream is polled: then `pass` is waited for,
/// in the order of first polls, and held until the work is done, through every retry, since of two downloads in order the second must never keep the
/// first from going on. All of it ends when the stream is dropped.
pub fn ahead<P, F>(
    waiting: usize,
    pass: impl Future<Output = P> + Send + 'static,
    work: impl FnOnce(mpsc::Sender<Result<Part, Error>>) -> F + Send + 'static,
) -> BoxStream<'static, Result<Part, Error>>
where
    P: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let begun = async move {
        let pass = pass.await;
        let (sender, receiver) = mpsc::channel(waiting);
        let task = tokio::spawn(async move {
            let _pass = pass;
            work(sender).await;
        });
        stream::unfold((receiver, AbortOnDropHandle::new(task)), |(mut receiver, task)| async move {
            match receiver.recv().await {
                Some(part) => Some((part, (receiver, task))),
                None => match task.await {
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    _ => None,
                },
            }
        })
    };
    stream::once(begun).flatten().boxed()
}
