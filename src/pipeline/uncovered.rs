//! What the catalog tells of a folder beyond the folder's cursor: messages stored just before the program was killed, or before a download broke off.
//! Exchange tells what became of a folder since a cursor, and that only as a net result: of what came and went in between it tells nothing, nor of a flag
//! that was set and taken back (KDE kdepim-runtime, resources/ews, expects the same). So once such a folder was read to its end, these messages are looked
//! up. One that the server refuses to show then counts as being as it was.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
    time::Duration,
};

use tokio::time::sleep;

use super::{PAGE, Trouble, folder_round::Visit};
use crate::{
    catalog::{Entry, Ledger, Reach, Span, Told},
    checkpoint::Checkpoint,
    mail::{Change, IdForm, ItemId, Listed, Lookup},
};

/// The most spans that are remembered. With more of them, the two that are nearest to each other count as one, with all that lies between.
const SPANS: usize = 64;

/// So long Graph may deny a message that it has: its replicas lag behind each other.
const LAG: Duration = Duration::from_secs(5);

/// The lines about a folder that its cursor did not cover when a visit began: those known from earlier visits, which did not come to an end, and those
/// from the last cursor to the present `reach`.
pub async fn uncovered(ledger: &dyn Ledger, saved: &Checkpoint, reach: Reach) -> Result<Vec<Span>, Trouble> {
    let mut spans = saved.uncovered.clone();
    let last = Span { after: saved.reach, until: reach };
    if last.after < last.until && !ledger.told(&saved.folder.id, last, 1).await?.is_empty() {
        spans.push(last);
    }
    while spans.len() > SPANS {
        join_nearest(&mut spans);
    }
    Ok(spans)
}

fn join_nearest(spans: &mut Vec<Span>) {
    let gap = |pair: &[Span]| match pair {
        [one, next] => (next.after.0.saturating_sub(one.until.0), next.after.1.abs_diff(one.until.1)),
        _ => (u64::MAX, u64::MAX),
    };
    let nearest = spans.windows(2).enumerate().min_by_key(|(_, pair)| gap(pair)).map(|(at, _)| at);
    if let Some(at) = nearest {
        let one = spans.remove(at);
        if let Some(next) = spans.get_mut(at) {
            next.after = one.after;
        }
    }
}

/// What a visit's pages told of items: where these are now, the cursor behind the pages covers.
#[derive(Debug, Default)]
pub struct Named {
    there: HashSet<u64>,
    gone: HashSet<u64>,
    state: RandomState,
}

impl Named {
    /// The most of each that are remembered: without, a look at the server has the last word.
    const MOST: usize = 1 << 16;

    /// A page tells of these.
    pub fn note(&mut self, changes: &[Change]) {
        for change in changes {
            let (id, those, others) = match change {
                Change::Created(Listed { id, .. }) | Change::Updated(Listed { id, .. }) | Change::ReadChanged { id, .. } => {
                    (id, &mut self.there, &mut self.gone)
                }
                Change::Deleted(id) => (id, &mut self.gone, &mut self.there),
            };
            let digest = self.state.hash_one(&id.0);
            others.remove(&digest);
            if those.len() < Self::MOST {
                those.insert(digest);
            }
        }
    }

    fn there(&self, id: &ItemId) -> bool {
        self.there.contains(&self.state.hash_one(&id.0))
    }

    fn gone(&self, id: &ItemId) -> bool {
        self.gone.contains(&self.state.hash_one(&id.0))
    }
}

/// Looks up the next of the messages that these lines are about, and takes what was looked up off the spans. Returns what is to be written down. To be asked
/// when the folder was listed to its end.
pub async fn compare(visit: &Visit, spans: &mut Vec<Span>, named: &Named) -> Result<Vec<Entry>, Trouble> {
    while let Some(span) = spans.first_mut() {
        let told = visit.ledger.told(&visit.folder.id, *span, PAGE).await?;
        let whole = told.len() < PAGE;
        if let Some(last) = told.last() {
            span.after = last.place;
        }
        if whole {
            spans.remove(0);
        }
        if !told.is_empty() {
            let found = look_up(visit, &told, named).await?;
            return Ok(told.into_iter().zip(found).filter_map(|(told, found)| difference(visit, told, found, named)).collect());
        }
    }
    Ok(Vec::new())
}

async fn look_up(visit: &Visit, told: &[Told], named: &Named) -> Result<Vec<Lookup>, Trouble> {
    let (exchange, mailbox, folder) = (&visit.pipeline.exchange, &visit.mailbox, &visit.folder);
    let items: Vec<Listed> = told.iter().map(|told| told.listed.clone()).collect();
    let mut found = exchange.lookup(mailbox, folder, &items).await?;
    let doubtful = |told: &Told, found: &Lookup| {
        let matters = told.present && !named.there(&told.listed.id) && !named.gone(&told.listed.id);
        visit.form != IdForm::Ews && *found == Lookup::Gone && matters
    };
    let places: Vec<usize> =
        (0..found.len()).filter(|n| told.get(*n).zip(found.get(*n)).is_some_and(|(told, found)| doubtful(told, found))).collect();
    if !places.is_empty() {
        sleep(LAG).await;
        let again: Vec<Listed> = places.iter().filter_map(|place| items.get(*place).cloned()).collect();
        for (place, answer) in places.into_iter().zip(exchange.lookup(mailbox, folder, &again).await?) {
            if let Some(found) = found.get_mut(place) {
                *found = answer;
            }
        }
    }
    Ok(found)
}

/// What the server says of a message and the catalog does not.
fn difference(visit: &Visit, told: Told, found: Lookup, named: &Named) -> Option<Entry> {
    let Told { key, listed, present, stored, .. } = told;
    let (there, gone) = (named.there(&listed.id), named.gone(&listed.id));
    match found {
        // Just listed: denied by a replica that lags, or gone since, which the next listing tells.
        Lookup::Gone if there => None,
        Lookup::Gone => present.then_some(Entry::Deleted { key, id: listed.id }),
        Lookup::Unreadable(_) => None,
        Lookup::Found(properties) => match &properties.folder {
            // Where a folder is read, its own listing tells. Of one that is not known nothing is concluded: ids have more than one spelling.
            Some(folder) if *folder != visit.folder.id => {
                (present && !there && visit.unread.contains(folder)).then_some(Entry::Deleted { key, id: listed.id })
            }
            // Back, without a word: a listing told at most that it had left.
            Some(_) if stored && (gone || !present) => Some(Entry::Moved { key, listed }),
            // A draft's size tells whether it was written on since it was fetched, so that must come from a listing.
            _ if stored && present && !gone && listed.flags.is_some_and(|flags| flags & 0x8 == 0) => {
                Some(Entry::Changed { key, id: listed.id, properties })
            }
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_are_too_many_are_joined_where_the_least_lies_between() {
        let span = |after, until| Span { after: Reach(1, after), until: Reach(1, until) };
        let mut spans = vec![span(0, 10), span(50, 60), span(65, 70), span(200, 210)];
        join_nearest(&mut spans);
        assert_eq!(spans, [span(0, 10), span(50, 70), span(200, 210)]);
        join_nearest(&mut spans);
        assert_eq!(spans, [span(0, 70), span(200, 210)]);
        let far = Span { after: Reach(3, 0), until: Reach(3, 1) };
        spans.push(far);
        join_nearest(&mut spans);
        assert_eq!(spans, [span(0, 210), far], "within a segment first");
    }

    #[test]
    fn so_many_names_are_remembered_and_no_more() {
        let mut named = Named::default();
        let id = |n: usize| ItemId(format!("item {n}"));
        let changes: Vec<Change> = (0..Named::MOST + 10).map(|n| Change::Deleted(id(n))).collect();
        named.note(&changes);
        assert!(named.gone(&id(0)) && named.gone(&id(Named::MOST - 1)) && !named.gone(&id(Named::MOST + 5)));
        named.note(&[Change::Created(Listed::bare(id(0)))]);
        assert!(named.there(&id(0)) && !named.gone(&id(0)), "the last word counts");
    }
}
