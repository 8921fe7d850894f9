//! Tables of cases.

use std::future::Future;

use futures::{StreamExt, stream};

/// Runs rows side by side, since most of their time is waiting, and tells all that failed.
pub async fn table<R, F>(rows: impl IntoIterator<Item = (&'static str, R)>, check: impl Fn(&'static str, R) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = rows.into_iter().map(|(name, row)| {
        let task = tokio::spawn(check(name, row));
        async move { task.await.err().map(|_| name) }
    });
    let failed: Vec<&str> = stream::iter(tasks).buffer_unordered(4).filter_map(|name| async move { name }).collect().await;
    assert!(failed.is_empty(), "failed: {failed:?}");
}
