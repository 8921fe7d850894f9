//! Graph's subscriptions: listed, told of what did not happen, and ended before their time.

use serde::Deserialize;
use serde_json::{Value, json};

use super::items::Which;
use super::{Admin, Answer, Refusal, bad};
use crate::graph::subscriptions::{Change, Chosen, Lifecycle};

/// All of them, of every application.
pub(super) fn list(admin: &Admin) -> Value {
    json!(admin.state.graph.webhooks.all())
}

/// Which subscriptions: one by id, those to a mailbox, or all.
#[derive(Deserialize)]
pub(super) struct Hooks {
    subscription: Option<String>,
    mailbox: Option<String>,
}

impl Hooks {
    fn chosen(self, admin: &Admin) -> Result<Chosen, Refusal> {
        let mailbox = self.mailbox.map(|address| admin.mailbox(&address)).transpose()?;
        Ok(Chosen { subscription: self.subscription, mailbox: mailbox.map(|mailbox| mailbox.guid()), app: None })
    }
}

#[derive(Deserialize)]
pub(super) struct Announce {
    /// `missed`, `reauthorizationRequired` or `subscriptionRemoved`.
    event: String,
    #[serde(flatten)]
    which: Hooks,
}

/// Sends a lifecycle notification; `subscriptionRemoved` ends the subscription, too.
pub(super) fn announce(admin: &Admin, call: Announce) -> Answer {
    let event = Lifecycle::parse(&call.event)
        .ok_or_else(|| bad(format!("event: {:?} is none of missed, reauthorizationRequired, subscriptionRemoved", call.event)))?;
    let chosen = call.which.chosen(admin)?;
    told(admin.state.graph.webhooks.announce(event, &chosen))
}

#[derive(Deserialize)]
pub(super) struct Notify {
    /// `created`, `updated` or `deleted`.
    change: String,
    /// One subscription; all to the mailbox when absent.
    subscription: Option<String>,
    /// Instead of the subscription's own.
    client_state: Option<String>,
    #[serde(flatten)]
    which: Which,
}

/// Sends notifications of items to which nothing happened.
pub(super) fn notify(admin: &Admin, call: Notify) -> Answer {
    let change =
        Change::parse(&call.change).ok_or_else(|| bad(format!("change: {:?} is none of created, updated, deleted", call.change)))?;
    let (_, items) = call.which.find(admin)?;
    let chosen = Chosen { subscription: call.subscription, ..Chosen::default() };
    let send = |item| admin.state.graph.webhooks.notify(change, item, call.client_state.as_deref(), &chosen);
    told(items.into_iter().map(send).sum())
}

/// Ends subscriptions without a word, as when their time is over.
pub(super) fn forget(admin: &Admin, call: Hooks) -> Answer {
    let chosen = call.chosen(admin)?;
    Ok(json!({ "ended": admin.state.graph.webhooks.forget(&chosen) }))
}

fn told(count: usize) -> Answer {
    if count == 0 {
        return Err(Refusal { status: 404, text: "there is no such subscription".to_owned() });
    }
    Ok(json!({ "sent": count }))
}
