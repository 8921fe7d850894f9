//! What the catalog tells of a folder beyond the folder's cursor: messages stored just before the program was killed, or before a download broke off.
//! Exchange tells what became of a folder since a cursor, and that only as a net result: of what came and went in between it tells nothing, nor of a flag
//! that was set and taken back (KDE kdepim-runtime, resources/ews, expects the same). So once such a folder was read to its end, these messages are looked up.

use super::{PAGE, Trouble, folder_round::Visit};
use crate::{
    catalog::{Entry, Ledger, Reach, Span},
    checkpoint::Checkpoint,
    mail::{Listed, Lookup},
};

/// The most spans that are remembered. With more of them, the oldest two count as one, with all that lies between.
const SPANS: usize = 16;

/// The lines about a folder that its cursor did not cover when a visit began: those known from earlier visits, which did not come to an end, and those
/// from the last cursor to the present `reach`.
pub async fn uncovered(ledger: &dyn Ledger, saved: &Checkpoint, reach: Reach) -> Result<Vec<Span>, Trouble> {
    let mut spans = saved.uncovered.clone();
    let last = Span { after: saved.reach, until: reach };
    if last.after < last.until && !ledger.told(&saved.folder.id, last, 1).await?.is_empty() {
        spans.push(last);
    }
    while spans.len() > SPANS {
        let oldest = spans.remove(0);
        if let Some(next) = spans.first_mut() {
            next.after = next.after.min(oldest.after);
        }
    }
    Ok(spans)
}

/// Looks up the next of the messages that these lines are about, and takes what was looked up off the spans: what is to be written down, or nothing once
/// all are done. To be asked when the folder was listed to its end: whatever comes later, a cursor tells.
pub async fn compare(visit: &Visit, spans: &mut Vec<Span>) -> Result<Option<Vec<Entry>>, Trouble> {
    while let Some(span) = spans.first_mut() {
        let told = visit.ledger.told(&visit.folder.id, *span, PAGE).await?;
        let Some((last, ..)) = told.last() else {
            spans.remove(0);
            continue;
        };
        span.after = *last;
        let items: Vec<Listed> = told.iter().map(|(_, _, listed)| listed.clone()).collect();
        let found = visit.pipeline.exchange.lookup(&visit.mailbox, &visit.folder, &items).await?;
        let entries: Vec<Entry> = told
            .into_iter()
            .zip(found)
            .filter_map(|((_, key, Listed { id, .. }), found)| match found {
                Lookup::Gone => Some(Entry::Deleted { key, id }),
                // Where it is now, the listing of that folder tells, if it is read.
                Lookup::Found(properties) if properties.folder.as_ref().is_some_and(|folder| *folder != visit.folder.id) => {
                    Some(Entry::Deleted { key, id })
                }
                Lookup::Found(properties) => Some(Entry::Changed { key, id, properties }),
                Lookup::Unreadable(_) => None,
            })
            .collect();
        if !entries.is_empty() {
            return Ok(Some(entries));
        }
    }
    Ok(None)
}
