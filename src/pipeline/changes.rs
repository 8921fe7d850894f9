//! Pages become a stream of plans here, and nowhere else.

use std::sync::Arc;

use futures::{Stream, stream};

use super::{
    Trouble,
    describe::describe,
    folder_round::Visit,
    plan::{End, PageEnd, Plan, Wanted},
    resolve::{Resolved, resolve},
    standstill::Standstill,
    task::Task,
    uncovered::{Named, compare},
};
use crate::{
    catalog::{Place, Span},
    event::Event,
    exchange::{self, Verdict},
    mail::{Cursor, Folder, Mailbox, Page},
};

/// The most entries asked for on one page; Exchange refuses more (EWS reference: MaxChangesReturned).
pub const PAGE: usize = 512;

struct Position {
    cursor: Option<Cursor>,
    walking: bool,
    remaining: usize,
    standstill: Standstill,
    /// Whether the listing began anew in this visit: a server that refuses its own new cursors would have that for ever.
    resynced: bool,
    /// How far what is in quarantine was gone through, if it is.
    retried: Option<Place>,
    /// Whether it comes first. Where trying it was interrupted before, what is new has gone before it.
    retries_first: bool,
    drained: bool,
    /// What is still to be compared with the server once the folder is listed to its end.
    uncovered: Vec<Span>,
    /// What pages tell of these.
    named: Named,
    /// Whether nothing was listed in this visit yet.
    fresh: bool,
}

/// A folder's plans from its last cursor, until it is drained or has had its share of this round (`emails_per_folder`).
pub fn changes(visit: Arc<Visit>) -> impl Stream<Item = Result<Plan, Trouble>> {
    let position = Position {
        cursor: visit.start.cursor(),
        walking: visit.start.walking(),
        // A listing that is kept aside is handed out within one visit: between visits it would take room for every folder of every mailbox.
        remaining: match visit.oldest_first {
            Some(_) => usize::MAX,
            None => visit.pipeline.limits.messages_per_folder.max(1),
        },
        standstill: Standstill::default(),
        resynced: false,
        retried: visit.again.as_ref().map(|_| Place::default()),
        retries_first: visit.again.as_ref().is_some_and(|again| !again.has_begun()),
        drained: false,
        uncovered: visit.uncovered.clone(),
        named: Named::default(),
        fresh: true,
    };
    stream::try_unfold((visit, position), |(visit, mut position)| async move {
        // A task of its own: while the consumer commits, nobody polls this stream, and a step that stands still in the queue for the ledger would
        // keep the commit from it for ever.
        let step = Task::spawn(async move { (position.step(&visit).await, visit, position) });
        let (plan, visit, position) = step.done().await;
        Ok(plan?.map(|plan| (plan, (visit, position))))
    })
}

impl Position {
    async fn step(&mut self, visit: &Visit) -> Result<Option<Plan>, Trouble> {
        let listed = self.drained || self.remaining == 0;
        if listed || self.retries_first {
            let wanted = self.quarantined(visit).await?;
            if !wanted.is_empty() {
                return Ok(Some(Plan { wanted, ..Plan::default() }));
            }
        }
        if self.drained && !self.uncovered.is_empty() {
            let record = compare(visit, &mut self.uncovered, &self.named).await?;
            return Ok(Some(Plan { record, end: Some(End::Compared(self.uncovered.clone())), ..Plan::default() }));
        }
        if listed {
            return Ok(None);
        }
        let (mut page, reach) = match &visit.oldest_first {
            Some(oldest_first) => {
                // A batch each, so that what is delivered is told after every one.
                let limit = visit.pipeline.limits.batch_size.max(1);
                let aged = oldest_first.page(visit, limit, std::mem::take(&mut self.fresh)).await?;
                (aged.page, Some(aged.reach))
            }
            None => {
                let page = self.page(visit).await?;
                self.notice_a_standstill(visit, &page)?;
                (page, None)
            }
        };
        if !self.uncovered.is_empty() {
            self.named.note(&page.changes);
        }
        describe(visit, &mut page.changes).await?;
        let decisions = visit.ledger.identify(&visit.folder, &page.changes).await?;
        let Resolved { mut plan, passed_over, known } = resolve(visit, decisions).await?;
        visit.pipeline.events.tell(Event::PageListed {
            mailbox: visit.mailbox.address.clone(),
            folder: visit.folder.id.clone(),
            // What is handed out by its age was listed before.
            changes: if reach.is_none() { page.changes.len() } else { 0 },
            wanted: plan.wanted.len(),
            passed_over,
            known,
            kept: false,
        });
        self.remaining = self.remaining.saturating_sub(plan.wanted.len());
        self.drained = page.ends();
        self.cursor = Some(page.cursor.clone());
        plan.end = Some(End::Page(PageEnd { cursor: page.cursor, walking: self.walking, drained: self.drained, reach }));
        Ok(Some(plan))
    }

    /// The next messages in quarantine that are to be tried again; nothing once there are no others.
    async fn quarantined(&mut self, visit: &Visit) -> Result<Vec<Wanted>, Trouble> {
        let (Some(again), Some(mut after)) = (&visit.again, self.retried) else { return Ok(Vec::new()) };
        if after == Place::default() {
            again.begin();
        }
        loop {
            let some = visit.ledger.quarantined(&visit.folder.id, after, PAGE).await?;
            let Some((last, ..)) = some.last() else { break };
            after = *last;
            let mut wanted = some.into_iter().map(|(_, key, listed)| Wanted { listed, key }).collect::<Vec<_>>();
            again.left(&mut wanted);
            if !wanted.is_empty() {
                self.retried = Some(after);
                return Ok(wanted);
            }
        }
        again.ends();
        self.retried = None;
        Ok(Vec::new())
    }

    async fn page(&mut self, visit: &Visit) -> Result<Page, Trouble> {
        let pipeline = &visit.pipeline;
        let limit = self.remaining.min(PAGE);
        match pipeline.exchange.page(&visit.mailbox, &visit.folder, self.cursor.as_ref(), limit).await {
            Err(error) if error.verdict == Verdict::Resync && self.cursor.is_some() && !self.resynced => {
                visit.tell_resync();
                if let Some(saved) = pipeline.checkpoints.load(&visit.mailbox, &visit.folder.id).await? {
                    pipeline.checkpoints.save_to_begin_anew(&visit.mailbox, saved).await?;
                }
                visit.ledger.walk_begins(&visit.folder.id, false).await?;
                (self.cursor, self.walking, self.resynced) = (None, true, true);
                Ok(pipeline.exchange.page(&visit.mailbox, &visit.folder, None, limit).await?)
            }
            page => Ok(page?),
        }
    }

    fn notice_a_standstill(&mut self, visit: &Visit, page: &Page) -> Result<(), exchange::Error> {
        let Some(cause) = self.standstill.notice(self.cursor.as_ref(), page) else { return Ok(()) };
        Err(standing_still(&visit.mailbox, &visit.folder, cause))
    }
}

/// A listing that does not come to an end.
pub fn standing_still(mailbox: &Mailbox, folder: &Folder, cause: String) -> exchange::Error {
    exchange::Error {
        verdict: Verdict::SkipFolder,
        attempt: format!("listing folder {} of {}", folder.path.join("/"), mailbox.address),
        code: None,
        cause,
        hint: None,
    }
}
