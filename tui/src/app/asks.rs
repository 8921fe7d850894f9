//! What is asked of appliances, and what they answer.

use super::{App, Confirm, Dialog, Effect, Row, Tab};
use crate::{
    Action,
    status::{MailboxState, Quarantined, State},
};

impl App {
    /// An action for one appliance, if it takes any.
    fn act(&mut self, source: usize, action: Action) -> Vec<Effect> {
        match self.refusal(source) {
            None => vec![Effect::Act(source, action)],
            Some(refusal) => {
                self.say(refusal, false);
                Vec::new()
            }
        }
    }

    /// Why an appliance takes no actions.
    fn refusal(&self, source: usize) -> Option<String> {
        let instance = self.live(source)?;
        if instance.replay.is_some() {
            return Some("this is a recording: nothing can be done in it".into());
        }
        if instance.gone() {
            return Some(format!("{} is not reached just now", instance.name()));
        }
        (!instance.status.head.actions).then(|| format!("{} takes no actions", instance.name()))
    }

    /// Those that take actions.
    fn takers(&self) -> impl Iterator<Item = usize> {
        (0..self.fleet.instances.len()).filter(|source| self.refusal(*source).is_none())
    }

    /// What each of several appliances is asked; who takes none is passed over unless nobody does.
    fn act_all(&mut self, action: &Action) -> Vec<Effect> {
        let asked: Vec<_> = self.takers().map(|source| Effect::Act(source, action.clone())).collect();
        if asked.is_empty() { self.act(0, action.clone()) } else { asked }
    }

    pub(super) fn pause(&mut self, row: &Row) -> Vec<Effect> {
        let mailbox = Some(row.mailbox.to_string());
        let paused = self.live(row.source).and_then(|instance| instance.status.mailboxes.get(&*row.mailbox));
        let paused = paused.is_some_and(|mailbox| mailbox.state == MailboxState::Paused);
        self.act(row.source, if paused { Action::Resume { mailbox } } else { Action::Pause { mailbox } })
    }

    pub(super) fn ask_pause_all(&mut self) -> Vec<Effect> {
        let resume = self.fleet.instances.iter().any(|instance| instance.status.head.state == State::Paused);
        if self.takers().next().is_none() {
            return self.act(0, Action::Pause { mailbox: None });
        }
        self.dialog = Some(Dialog::Confirm(Confirm::PauseAll { resume }));
        Vec::new()
    }

    pub(super) fn pause_all(&mut self, resume: bool) -> Vec<Effect> {
        self.act_all(&if resume { Action::Resume { mailbox: None } } else { Action::Pause { mailbox: None } })
    }

    /// In quarantine the selected message, elsewhere the selected mailbox.
    pub(super) fn retry(&mut self) -> Vec<Effect> {
        if self.tab == Tab::Quarantine {
            let Some((source, item)) = self.quarantine.selected().cloned() else { return Vec::new() };
            return self.act(source, Action::RetryQuarantined { mailbox: Some(item.mailbox), id: Some(item.key) });
        }
        match self.table.selected().cloned() {
            Some(row) => self.act(row.source, Action::Retry { mailbox: row.mailbox.to_string() }),
            None => Vec::new(),
        }
    }

    pub(super) fn retry_all(&mut self) -> Vec<Effect> {
        self.act_all(&Action::RetryQuarantined { mailbox: None, id: None })
    }

    pub(super) fn verify(&mut self, row: &Row) -> Vec<Effect> {
        self.act(row.source, Action::Verify { mailbox: row.mailbox.to_string() })
    }

    /// Asks everybody for what is in quarantine.
    pub(super) fn reload(&mut self) -> Vec<Effect> {
        (0..self.fleet.instances.len()).map(Effect::List).collect()
    }

    /// An action was done, or refused. What came of a retry shows in the list.
    pub(crate) fn acted(&mut self, source: usize, action: &Action, answer: Result<String, String>) -> Vec<Effect> {
        let (words, good) = match answer {
            Ok(words) => (words, true),
            Err(words) => (words, false),
        };
        let name = self.live(source).filter(|_| self.fleet.instances.len() > 1).map(|instance| format!("{}: ", instance.name()));
        self.say(name.unwrap_or_default() + &words, good);
        if good {
            self.levered(source, action);
        }
        match action {
            Action::RetryQuarantined { .. } if self.tab == Tab::Quarantine => vec![Effect::List(source)],
            _ => Vec::new(),
        }
    }

    /// Shows a mailbox as it was just made, before the appliance tells: the same key, pressed again, is to do the opposite.
    fn levered(&mut self, source: usize, action: &Action) {
        let (mailbox, state) = match action {
            Action::Pause { mailbox: Some(mailbox) } => (mailbox, MailboxState::Paused),
            Action::Resume { mailbox: Some(mailbox) } => (mailbox, MailboxState::Queued),
            _ => return,
        };
        let instance = self.fleet.instances.get_mut(source);
        if let Some(mailbox) = instance.and_then(|instance| instance.status.mailboxes.get_mut(mailbox))
            && (mailbox.state == MailboxState::Paused) != (state == MailboxState::Paused)
        {
            mailbox.state = state;
            self.fleet.version += 1;
        }
    }

    /// What is in quarantine of one appliance.
    pub(crate) fn listed(&mut self, source: usize, answer: Result<Vec<Quarantined>, String>) {
        self.quarantine.take(source, answer);
    }

    fn live(&self, source: usize) -> Option<&crate::fleet::Instance> {
        self.fleet.instances.get(source)
    }
}
