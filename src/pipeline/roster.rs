//! Who is read just now: mailboxes come, go and change while the others are read on.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use futures::{Stream, StreamExt, stream};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::{Afresh, Difference, Pipeline, Round, Schedule, Subscription, rounds::Turns};
use crate::{event::Event, mail::Address};

/// What is to be read from now on, and how.
pub struct Assignment {
    /// The rooms and limits.
    pub pipeline: Arc<Pipeline>,
    /// The mailboxes, each once.
    pub subscriptions: Vec<Subscription>,
    /// When they are visited.
    pub schedule: Schedule,
}

impl Assignment {
    /// Whether mailboxes that both name are read in the same way.
    fn same_way(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pipeline, &other.pipeline) && self.schedule == other.schedule
    }
}

/// Reads mailboxes as assigned: each assignment takes the place of the one before. Mailboxes of which nothing changes are not touched, unless the pipeline or
/// the schedule is another one: then all begin anew. Each item is the end of one mailbox's work.
///
/// Ends when all of an assignment's mailboxes have come to their end, or when nothing is assigned and nothing more will be. Dropping the stream stops all
/// that is under way.
pub fn roster(assignments: impl Stream<Item = Assignment>) -> impl Stream<Item = Round> {
    stream::unfold((Roster::default(), Box::pin(assignments.fuse())), |(mut roster, mut assignments)| async move {
        loop {
            if let Some(round) = roster.ended.pop_front() {
                return Some((round, (roster, assignments)));
            }
            if roster.all_ended() {
                return None;
            }
            tokio::select! {
                Some(assignment) = assignments.next() => roster.take(assignment).await,
                Some(end) = roster.tasks.join_next_with_id() => roster.note(end),
                else => return None,
            }
        }
    })
}

/// The mailboxes of the present assignment, and the tasks that read them.
#[derive(Default)]
struct Roster {
    present: Option<(Assignment, Turns)>,
    members: HashMap<Address, Member>,
    tasks: JoinSet<Round>,
    running: HashSet<Id>,
    ended: VecDeque<Round>,
}

/// A mailbox of the assignment.
struct Member {
    subscription: Subscription,
    task: AbortHandle,
    afresh: Afresh,
}

impl Roster {
    /// Whether all that was assigned has come to its end by itself.
    fn all_ended(&self) -> bool {
        self.tasks.is_empty() && !self.members.is_empty()
    }

    /// A task came to its end, or was stopped.
    fn note(&mut self, end: Result<(Id, Round), JoinError>) {
        match end {
            Ok((id, round)) => {
                self.running.remove(&id);
                self.ended.push_back(round);
            }
            // A swallowed panic would look like progress.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => {
                self.running.remove(&error.id());
            }
        }
    }

    /// Puts an assignment in the place of the one before.
    async fn take(&mut self, assignment: Assignment) {
        let old = self.present.take();
        let difference = Difference::between(old.as_ref().map_or(&[], |(old, _)| &old.subscriptions), &assignment.subscriptions);
        let unchanged = old.filter(|(old, _)| old.same_way(&assignment));
        let touched: HashSet<&Address> = match &unchanged {
            Some(_) => difference.removed.iter().chain(&difference.changed).collect(),
            None => self.members.keys().collect(),
        };
        let mut stopped: HashMap<Address, Member> = HashMap::new();
        for address in touched.into_iter().cloned().collect::<Vec<_>>() {
            stopped.extend(self.members.remove(&address).map(|member| (address, member)));
        }
        self.stop(stopped.values()).await;
        let events = &assignment.pipeline.events;
        for mailbox in &difference.removed {
            events.tell(Event::MailboxRemoved { mailbox: mailbox.clone() });
        }
        for mailbox in &difference.added {
            events.tell(Event::MailboxAdded { mailbox: mailbox.clone() });
        }
        let turns = unchanged.map_or_else(|| assignment.schedule.turns(assignment.pipeline.limits.mailboxes), |(_, turns)| turns);
        for one in &assignment.subscriptions {
            let address = &one.mailbox.address;
            if self.members.contains_key(address) {
                continue;
            }
            let afresh = stopped.remove(address).map(|before| before.leaves(one)).unwrap_or_default();
            let task = self.tasks.spawn(assignment.pipeline.clone().rounds(one.clone(), turns.clone(), afresh.clone()));
            self.running.insert(task.id());
            self.members.insert(address.clone(), Member { subscription: one.clone(), task, afresh });
        }
        self.present = Some((assignment, turns));
    }

    /// Stops these and waits until they have let go of their seats, their ledgers and what they hold in memory. What is under way for them is dropped: it
    /// was not yet recorded.
    async fn stop(&mut self, members: impl Iterator<Item = &Member>) {
        let stopping: Vec<Id> = members.map(|member| (member.task.abort(), member.task.id()).1).collect();
        while stopping.iter().any(|id| self.running.contains(id)) {
            match self.tasks.join_next_with_id().await {
                Some(end) => self.note(end),
                None => break,
            }
        }
    }
}

impl Member {
    /// What is left to be listed from the start when the mailbox's rounds begin anew. Kept elsewhere it is another copy, which begins at its own start; and
    /// so it does where nobody had asked for a start before.
    fn leaves(self, now: &Subscription) -> Afresh {
        let same = self.subscription.from_start && self.subscription.mailbox.bucket == now.mailbox.bucket;
        if same { self.afresh } else { Afresh::default() }
    }
}
