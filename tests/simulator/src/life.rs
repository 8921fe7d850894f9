//! What happens by itself while the server runs: mail arrives, is read, moved and deleted, at the rates of the world.

use std::time::Duration;

use chrono::Utc;
use tokio::time::{MissedTickBehavior, interval};

use crate::content::{Batch, Rng, Role};
use crate::store::{Address, DeleteHow, Find, FolderKind, Item, ItemUpdate, Mailbox, NewItem};
use crate::world::Rates;

/// How often things happen.
const TICK: Duration = Duration::from_millis(200);
/// Among how many of the newest messages one is chosen.
const NEWEST: u64 = 50;

/// One mailbox and what is due in it.
#[derive(Debug)]
struct Lively {
    mailbox: Mailbox,
    rates: Rates,
    due: [f64; 4],
    mail: Batch,
    arrived: u64,
    rng: Rng,
}

/// Lets things happen until it is dropped.
pub(crate) async fn live(rates: Vec<(Mailbox, Rates)>, seed: u64) {
    let mut all: Vec<Lively> = rates
        .into_iter()
        .enumerate()
        .map(|(at, (mailbox, rates))| Lively::new(mailbox, rates, Rng::of(&[seed, at as u64, 0x11fe])))
        .collect();
    if all.is_empty() {
        return;
    }
    let mut ticks = interval(TICK);
    // A stalled machine must not be followed by a burst.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        for lively in &mut all {
            lively.tick(TICK);
        }
    }
}

/// Mail that arrives now, unread; the nth is always the same but for its date.
pub(crate) fn arrival(mail: &Batch, number: u64) -> NewItem {
    NewItem { read: false, delivered: true, created: None, ..mail.make_at(number, Utc::now()) }
}

/// The mail that arrives in a mailbox.
pub(crate) fn arrivals(mailbox: &Mailbox, seed: u64) -> Batch {
    Batch {
        seed,
        count: 0,
        owner: Address { name: Some(mailbox.display_name().to_owned()), email: Some(mailbox.address().to_owned()) },
        role: Role::Received,
        from: Utc::now(),
        to: Utc::now(),
        sizes: Vec::new(),
        big: Vec::new(),
        kinds: Vec::new(),
        unread_percent: 0,
    }
}

impl Lively {
    fn new(mailbox: Mailbox, rates: Rates, mut rng: Rng) -> Self {
        let mail = arrivals(&mailbox, rng.next_u64());
        Self { mailbox, rates, due: [0.0; 4], mail, arrived: 0, rng }
    }

    fn tick(&mut self, passed: Duration) {
        let Rates { arrivals_per_minute, moves_per_minute, deletions_per_minute, reads_per_minute } = self.rates;
        let minutes = passed.as_secs_f64() / 60.0;
        for (due, rate) in self.due.iter_mut().zip([arrivals_per_minute, reads_per_minute, moves_per_minute, deletions_per_minute]) {
            *due += rate * minutes;
        }
        for deed in 0..4 {
            while self.due.get(deed).is_some_and(|due| *due >= 1.0) {
                if let Some(due) = self.due.get_mut(deed) {
                    *due -= 1.0;
                }
                self.happen(deed);
            }
        }
    }

    /// One deed. A folder somebody deleted meanwhile, or an empty inbox, is no failure: then nothing happens.
    fn happen(&mut self, deed: usize) {
        let Some(inbox) = self.mailbox.root_folder("inbox") else { return };
        if deed == 0 {
            self.arrived += 1;
            let _ = self.mailbox.create_item(inbox, arrival(&self.mail, self.arrived));
            return;
        }
        let unread = |item: &Item| !item.read;
        let filter: Option<&dyn Fn(&Item) -> bool> = if deed == 1 { Some(&unread) } else { None };
        let total = self.mailbox.folder(inbox).map_or(0, |folder| if deed == 1 { folder.unread } else { folder.total });
        let offset = self.rng.below(total.min(NEWEST)) as usize;
        let Ok(found) = self.mailbox.find(inbox, &Find { offset, limit: 1, filter, ..Find::default() }) else { return };
        let Some(item) = found.items.first() else { return };
        let _ = match deed {
            1 => self.mailbox.update_item(item.id, &ItemUpdate { read: Some(true), ..ItemUpdate::default() }).map(|_| ()),
            2 => self.file(item),
            _ => {
                let how = [DeleteHow::ToDeletedItems, DeleteHow::ToDeletedItems, DeleteHow::Soft, DeleteHow::Hard];
                self.mailbox.delete_item(item.id, self.rng.pick(&how).copied().unwrap_or(DeleteHow::Hard))
            }
        };
    }

    /// Moves a message to one of the plain mail folders below the inbox or the top.
    fn file(&mut self, item: &Item) -> Result<(), crate::store::StoreError> {
        let Some(top) = self.mailbox.root_folder("msgfolderroot") else { return Ok(()) };
        let goals: Vec<_> = self
            .mailbox
            .folders_below(top, true)?
            .into_iter()
            .filter(|folder| folder.well_known.is_none() && folder.kind == FolderKind::Plain && !folder.hidden)
            .collect();
        match self.rng.pick(&goals) {
            Some(goal) => self.mailbox.move_item(item.id, goal.id).map(|_| ()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[tokio::test(start_paused = true)]
    async fn things_happen_at_their_rates() {
        let built = World::uniform(1, 100).build(&[]).unwrap();
        let mailbox = built.store.mailboxes().remove(0);
        let rates = Rates { arrivals_per_minute: 60.0, moves_per_minute: 10.0, deletions_per_minute: 5.0, reads_per_minute: 20.0 };
        let inbox = mailbox.root_folder("inbox").unwrap();
        let before = mailbox.folder(inbox).unwrap();
        let task = tokio::spawn(live(vec![(mailbox.clone(), rates)], 1));
        tokio::time::sleep(Duration::from_secs(61)).await;
        task.abort();
        let after = mailbox.folder(inbox).unwrap();
        // 61 seconds at 60 a minute, give or take the tick at the end.
        let arrived = after.total + after.deleted_total - before.total;
        assert!((59..=61).contains(&arrived), "{arrived} arrived");
        assert!((14..=16).contains(&after.deleted_total), "{} left", after.deleted_total);
        let newest = mailbox.find(inbox, &Find { limit: 1, ..Find::default() }).unwrap().items.remove(0);
        assert!(newest.received.is_some_and(|at| Utc::now() - at < chrono::TimeDelta::minutes(5)));
    }
}
