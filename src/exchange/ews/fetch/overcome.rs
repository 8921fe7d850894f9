//! What is done about trouble that concerned a whole request of a download.

use super::{
    super::{
        desk::Set,
        items::apart,
        operation::get_item::{FEWEST, Shape},
        retry::{Failed, Patience},
        trouble::Trouble,
        verdict::Action,
        xml::Limits,
    },
    Work,
};
use crate::mail::{Failure, Part};

impl Work {
    /// Deals with trouble that concerned a whole request.
    pub(super) async fn overcome(&mut self, trouble: Trouble, batch: &[usize]) -> Result<(), Failed> {
        let open: Vec<usize> = batch.iter().copied().filter(|index| self.queue.contains(index)).collect();
        if trouble.action() == Some(Action::Smaller) && open.len() > 1 {
            self.most = open.len() / 2;
            return Ok(());
        }
        let Trouble::Refused(refusal) = &trouble else {
            return self.wait_out(trouble, &open).await;
        };
        let (refusal, action) = (refusal.clone(), trouble.action());
        let failed = Failed { trouble, action };
        match (action, open.as_slice()) {
            _ if failed.wants_fewer() && !open.is_empty() && open.iter().all(|index| self.notes[*index].level < FEWEST) => {
                let level = open.first().map_or(0, |first| self.notes[*first].level) + 1;
                for index in &open {
                    self.notes[*index].level = level;
                }
                // A violation of the schema is the server's, not the items'.
                if action != Some(Action::FewerProperties) {
                    self.session.desk.learn(Set::Messages, level);
                    self.notes.iter_mut().for_each(|note| note.level = note.level.max(level));
                }
            }
            (
                None
                | Some(
                    Action::Retry
                    | Action::Unavailable
                    | Action::Login
                    | Action::Suspect
                    | Action::Throttle
                    | Action::Again
                    | Action::OlderVersion
                    | Action::PrimaryAddress,
                ),
                _,
            ) => return self.wait_out(failed.trouble, &open).await,
            (action, _) if !apart(action) => return Err(failed),
            (_, [index]) => self.refused(vec![(*index, refusal)]).await.map_err(|trouble| Failed { action: trouble.action(), trouble })?,
            // One of them is meant; alone it will show.
            _ => self.most = 1,
        }
        Ok(())
    }

    /// Waits and lets the request be made again, or finds who is to blame once patience is over.
    pub(super) async fn wait_out(&mut self, trouble: Trouble, open: &[usize]) -> Result<(), Failed> {
        self.session.reconsider(&trouble).await;
        let desk = &self.session.desk;
        let waited = match trouble.action() {
            Some(Action::Smaller) => self.patience.back_off(trouble, desk).await,
            _ => self.patience.after(trouble, desk).await,
        };
        let failed = match waited {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        let blamable = match &failed.trouble {
            Trouble::Broken(_) | Trouble::Http { status: 500 | 502 | 504, .. } => true,
            Trouble::Refused(_) => apart(failed.action),
            _ => false,
        };
        let open: Vec<usize> = open.iter().copied().filter(|index| self.queue.contains(index)).collect();
        match open.as_slice() {
            _ if !blamable => Err(failed),
            [index] => {
                let index = *index;
                self.patience.renew();
                match failed.trouble {
                    Trouble::Refused(refusal) => self.by_properties(index, Failure { code: refusal.code, text: refusal.text }).await,
                    // The rest of the server must be well before one item is blamed for a broken transfer.
                    trouble => {
                        let id = self.messages[index].id.clone();
                        self.session.items_within(&mut Patience::default(), &[&id], Shape::Properties, FEWEST, Limits::LEAN).await?;
                        let failure = Failure { code: "TransferCut".into(), text: trouble.text().to_owned() };
                        self.end(Part::Unreadable { index, failure }).await;
                        Ok(())
                    }
                }
            }
            _ => {
                self.most = 1;
                self.patience.renew();
                Ok(())
            }
        }
    }
}
