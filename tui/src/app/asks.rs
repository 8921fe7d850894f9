//! What is asked of appliances, and what they answer.

use super::{App, Confirm, Dialog, Effect, Round, Row, Tab};
use crate::{
    Action,
    status::{Listing, MailboxState, State},
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
            return Some(format!("{} is not reached", instance.name()));
        }
        (!instance.status.head.actions).then(|| format!("{} takes no actions: it was started without EXCHANGE_SYNC_TOKEN", instance.name()))
    }

    /// Those that take actions.
    fn takers(&self) -> impl Iterator<Item = usize> {
        (0..self.fleet.instances.len()).filter(|source| self.refusal(*source).is_none())
    }

    /// What each of several appliances is asked. What they answer, and who is not asked at all, becomes one notice.
    fn act_all(&mut self, action: &Action) -> Vec<Effect> {
        let asked: Vec<_> = self.takers().collect();
        if asked.is_empty() || self.fleet.instances.len() == 1 {
            return self.act(0, action.clone());
        }
        let refusals = (0..self.fleet.instances.len()).filter_map(|source| self.refusal(source)).collect();
        self.round = Some(Round::new(action.clone(), asked.clone(), refusals));
        asked.into_iter().map(|source| Effect::Act(source, action.clone())).collect()
    }

    pub(super) fn pause(&mut self, row: &Row) -> Vec<Effect> {
        let mailbox = Some(row.mailbox.to_string());
        let paused = self.live(row.source).and_then(|instance| instance.status.mailboxes.get(&*row.mailbox));
        let paused = paused.is_some_and(|mailbox| mailbox.state == MailboxState::Paused);
        self.act(row.source, if paused { Action::Resume { mailbox } } else { Action::Pause { mailbox } })
    }

    pub(super) fn ask_pause_all(&mut self) -> Vec<Effect> {
        let paused = |source: usize| self.live(source).is_some_and(|instance| instance.status.head.state == State::Paused);
        // One that is not reached is asked nothing, whatever it did when it was last seen.
        let resume = self.takers().any(paused);
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
        self.with_selected(|app, row| app.act(row.source, Action::Retry { mailbox: row.mailbox.to_string() }))
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
        let good = answer.is_ok();
        let name = self.live(source).map(|instance| instance.name().to_owned()).unwrap_or_default();
        if let Some(round) = self.round.as_mut().filter(|round| round.awaits(source, action)) {
            round.take(source, &name, answer);
            let (words, good) = round.words();
            self.say(words, good);
        } else {
            let words = answer.unwrap_or_else(|words| words);
            self.say(if self.fleet.instances.len() > 1 { format!("{name}: {words}") } else { words }, good);
        }
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
    pub(crate) fn listed(&mut self, source: usize, answer: Result<Listing, String>) {
        self.quarantine.take(source, answer);
    }

    fn live(&self, source: usize) -> Option<&crate::fleet::Instance> {
        self.fleet.instances.get(source)
    }
}
