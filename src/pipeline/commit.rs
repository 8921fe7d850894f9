//! Makes a stored batch part of the record: the catalog first, the cursor behind it.

use std::{iter, sync::Arc};

use chrono::{DateTime, Utc};
use futures::{Stream, stream};

use super::{
    Trouble,
    folder_round::Visit,
    plan::{End, PageEnd},
    transfer::Transferred,
};
use crate::{
    catalog::{Entry, Span, Unseen},
    checkpoint::Checkpoint,
    event::Event,
};

/// A batch that is in the sink, in the catalog, and covered by the cursor if it was its page's last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Messages stored.
    pub messages: u64,
    /// Whether the folder has been read to its end.
    pub drained: bool,
}

/// Commits one batch. Called in the order of the batches: a cursor is saved only after everything before it. What stopped the download comes behind what
/// came before it.
pub async fn commit(visit: Arc<Visit>, batch: Transferred) -> Result<(Committed, Option<Trouble>), Trouble> {
    let Transferred { entries, end, trouble, under_way: _under_way } = batch;
    let (mut messages, mut bytes, mut newest, mut quarantined) = (0, 0, None, Vec::new());
    for entry in &entries {
        match entry {
            Entry::Stored { stored, listed, .. } => {
                (messages, bytes) = (messages + 1, bytes + stored.bytes);
                newest = newest.max(listed.received);
            }
            Entry::Quarantined { key, failure, .. } => quarantined.push((key.clone(), failure.clone())),
            _ => {}
        }
    }
    visit.note_stored(&entries);
    let had = visit.again.as_ref().map(|again| (again, again.among(&entries)));
    let mut lines = match entries.is_empty() {
        true => 0,
        false => visit.ledger.commit(&visit.folder, entries).await?,
    };
    if let Some((again, had)) = had {
        again.had(had);
    }
    let drained = matches!(&end, Some(End::Page(page)) if page.drained);
    let ends_page = matches!(&end, Some(End::Page(_)));
    match end {
        Some(End::Page(page)) => lines += end_page(&visit, page).await?,
        Some(End::Compared(uncovered)) => compared(&visit, uncovered).await?,
        None => {}
    }
    let (mailbox, folder) = (&visit.mailbox.address, &visit.folder.id);
    if messages > 0 {
        visit.pipeline.events.tell(Event::MessagesStored { mailbox: mailbox.clone(), folder: folder.clone(), newest, messages, bytes });
    }
    let changes = (lines as u64).saturating_sub(messages + quarantined.len() as u64);
    if changes > 0 {
        visit.pipeline.events.tell(Event::ChangesRecorded { mailbox: mailbox.clone(), folder: Some(folder.clone()), changes });
    }
    for (key, failure) in quarantined {
        visit.pipeline.events.tell(Event::MessageQuarantined { mailbox: mailbox.clone(), path: visit.path.clone(), key, failure });
    }
    if ends_page {
        visit.pipeline.events.tell(Event::PageDone { mailbox: mailbox.clone(), folder: folder.clone() });
    }
    Ok((Committed { messages, drained }, trouble))
}

/// What was committed, and behind it what stopped the batch, if anything did.
pub fn in_turn(outcome: Result<(Committed, Option<Trouble>), Trouble>) -> impl Stream<Item = Result<Committed, Trouble>> {
    let (first, behind) = match outcome {
        Ok((committed, trouble)) => (Ok(committed), trouble),
        Err(trouble) => (Err(trouble), None),
    };
    stream::iter(iter::once(first).chain(behind.map(Err)))
}

/// Saves the cursor, and at the end of a listing from the start writes down what was not seen in it. Returns the lines written.
async fn end_page(visit: &Visit, end: PageEnd) -> Result<usize, Trouble> {
    if let (Some(oldest_first), Some(reach)) = (&visit.oldest_first, end.reach) {
        oldest_first.commit(reach);
        if !end.drained {
            let delivered = visit.delivered_until(reach.until.map(|left| left.min(reach.began)), oldest_quarantined(visit).await?);
            visit.pipeline.checkpoints.progress(&visit.mailbox, &visit.folder, &visit.digest, &delivered).await?;
            return Ok(0);
        }
    }
    let mut lines = 0;
    let mut walking = end.walking;
    let mut listed = visit.start.listed().filter(|_| !walking);
    if end.drained && end.walking {
        let whole = loop {
            let Unseen { gone, whole } = visit.ledger.walk_ended(&visit.folder.id).await?;
            if gone.is_empty() {
                break whole;
            }
            lines += visit.ledger.commit(&visit.folder, gone).await?;
        };
        (walking, listed) = (false, whole.then(Utc::now));
    }
    let oldest = if end.drained { oldest_quarantined(visit).await? } else { None };
    let checkpoint = Checkpoint {
        reach: visit.ledger.reach().await?,
        folder: visit.folder.clone(),
        cursor: end.cursor,
        walking,
        listed,
        settled: end.drained.then(|| visit.settling()).flatten(),
        // Compared behind the page that drains the folder, so that trouble with it keeps no cursor back.
        uncovered: visit.uncovered.clone(),
        filters: visit.digest.clone(),
        delivered: visit.delivered(end.drained.then_some(end.reach.map_or(visit.asked, |reach| reach.began)), oldest),
    };
    if visit.start.differs(&checkpoint) {
        visit.pipeline.checkpoints.save(&visit.mailbox, &checkpoint).await?;
    }
    Ok(lines)
}

/// Notes what is left to be compared. The lines written of what was compared are not covered: the look was later than the cursor. So they are compared in
/// the next visit, until there is nothing to be written.
async fn compared(visit: &Visit, uncovered: Vec<Span>) -> Result<(), Trouble> {
    let checkpoints = &visit.pipeline.checkpoints;
    if let Some(saved) = checkpoints.load(&visit.mailbox, &visit.folder.id).await? {
        checkpoints.save(&visit.mailbox, &Checkpoint { uncovered, ..saved }).await?;
    }
    Ok(())
}

/// The oldest of the folder's messages that are not in the sink.
async fn oldest_quarantined(visit: &Visit) -> Result<Option<DateTime<Utc>>, Trouble> {
    if visit.ledger.totals().await?.quarantined == 0 {
        return Ok(None);
    }
    Ok(visit.ledger.oldest_quarantined(&visit.folder.id).await?)
}
