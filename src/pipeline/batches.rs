//! Cuts a plan into batches that are fetched together.

use futures::{Stream, stream};

use super::{
    Trouble,
    plan::{End, Plan, Wanted},
};
use crate::catalog::Entry;

/// Messages fetched together, and what is to be written down behind them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// To be downloaded and stored.
    pub wanted: Vec<Wanted>,
    /// To be written down with them.
    pub record: Vec<Entry>,
    /// Set on a plan's last batch.
    pub end: Option<End>,
}

/// A plan's batches of at most `size` messages; what is to be written down and the plan's end go with the last, which may hold no message.
pub fn batches(plan: Plan, size: usize) -> impl Stream<Item = Result<Batch, Trouble>> {
    let Plan { mut wanted, record, end } = plan;
    let size = size.max(1);
    let mut batches = Vec::with_capacity(wanted.len() / size + 1);
    while wanted.len() > size {
        let rest = wanted.split_off(size);
        batches.push(Ok(Batch { wanted, record: Vec::new(), end: None }));
        wanted = rest;
    }
    batches.push(Ok(Batch { wanted, record, end }));
    stream::iter(batches)
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;
    use crate::{
        mail::{Cursor, ItemId, Key, Listed},
        pipeline::plan::PageEnd,
    };

    fn wanted(n: usize) -> Vec<Wanted> {
        (0..n).map(|n| Wanted { listed: Listed::bare(ItemId(n.to_string())), key: Key(n.to_string()) }).collect()
    }

    #[tokio::test]
    async fn the_page_ends_with_its_last_batch() {
        let end = Some(End::Page(PageEnd { cursor: Cursor("c".into()), walking: false, drained: false, reach: None }));
        for (messages, sizes) in [(0, vec![0]), (3, vec![3]), (4, vec![4]), (9, vec![4, 4, 1])] {
            let plan = Plan { wanted: wanted(messages), end: end.clone(), ..Plan::default() };
            let cut: Vec<Batch> = batches(plan, 4).try_collect().await.unwrap();
            assert_eq!(cut.iter().map(|batch| batch.wanted.len()).collect::<Vec<_>>(), sizes);
            assert_eq!(cut.iter().filter(|batch| batch.end.is_some()).count(), 1);
            assert!(cut.last().unwrap().end.is_some());
        }
    }
}
