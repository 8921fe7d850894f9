//! The server itself: faults, habits, latency, revocations, lost sync states, migrations, status.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Answer, Place, Refusal, bad};
use crate::fault::{Rule, RuleId};
use crate::graph::subscriptions::{Chosen, Lifecycle};
use crate::store::Mailbox;
use crate::world::Latency;

/// Adds a rule, removes one by its id, or removes all.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Fault {
    Add(Box<Rule>),
    Remove(u64),
    Clear(bool),
}

pub(super) fn fault(admin: &Admin, call: Fault) -> Answer {
    match call {
        Fault::Add(rule) => match rule.complaint() {
            Some(complaint) => Err(bad(complaint)),
            None => Ok(json!({ "id": admin.state.faults.add(*rule) })),
        },
        Fault::Remove(id) if admin.state.faults.remove(RuleId(id)) => Ok(json!({ "removed": id })),
        Fault::Remove(id) => Err(Refusal { status: 404, text: format!("there is no rule {id}") }),
        Fault::Clear(true) => {
            admin.state.faults.clear();
            Ok(json!({ "removed": "all" }))
        }
        Fault::Clear(false) => Err(bad("clear: true, or leave it out")),
    }
}

pub(super) fn faults(admin: &Admin) -> Value {
    let list = admin.state.faults.list();
    json!(list.into_iter().map(|(id, rule, struck)| json!({ "id": id, "rule": rule, "struck": struck })).collect::<Vec<_>>())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quirks {
    #[serde(default)]
    on: Vec<String>,
    #[serde(default)]
    off: Vec<String>,
}

pub(super) fn quirks(admin: &Admin, call: Quirks) -> Answer {
    for (names, on) in [(call.on, true), (call.off, false)] {
        for name in names {
            admin.state.quirks.switch(&name, on).map_err(bad)?;
        }
    }
    Ok(json!({ "on": admin.state.quirks.all() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delay {
    latency_ms: Latency,
}

pub(super) fn latency(admin: &Admin, call: Delay) -> Answer {
    let [least, most] = call.latency_ms.bounds();
    if least > most {
        return Err(bad("latency_ms: [least, most]"));
    }
    admin.state.gate.delay_answers(Duration::from_millis(least), Duration::from_millis(most));
    Ok(json!({ "latency_ms": [least, most] }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {
    /// An account's name or an application's client id.
    account: String,
}

pub(super) fn revoke(admin: &Admin, call: Revoke) -> Answer {
    let accounts = &admin.state.accounts;
    let name = accounts.login(&call.account).map(|account| account.address.clone());
    let name = name.or_else(|| accounts.app(&call.account).map(|app| app.client_id.clone()));
    let name = name.ok_or_else(|| Refusal { status: 404, text: format!("there is no account or application {:?}", call.account) })?;
    admin.state.gate.logins.revoke(&name);
    // Whoever watched by such a token is asked to show a fresh one.
    let of_app = Chosen { app: Some(name.clone()), ..Chosen::default() };
    admin.state.graph.webhooks.announce(Lifecycle::ReauthorizationRequired, &of_app);
    Ok(json!({ "revoked": name }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expire {
    /// All mailboxes when absent.
    mailbox: Option<String>,
    /// All folders when absent.
    folder: Option<Place>,
}

pub(super) fn expire(admin: &Admin, call: Expire) -> Answer {
    let mailboxes = match &call.mailbox {
        Some(address) => vec![admin.mailbox(address)?],
        None if call.folder.is_some() => return Err(bad("a folder needs its mailbox")),
        None => admin.state.store.mailboxes(),
    };
    for mailbox in &mailboxes {
        let folder = call.folder.as_ref().map(|place| place.find(mailbox)).transpose()?;
        mailbox.expire_sync_states(folder)?;
    }
    Ok(json!({ "mailboxes": mailboxes.len() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfMailbox {
    mailbox: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quota {
    mailbox: String,
    over: Option<bool>,
}

pub(super) fn quota(admin: &Admin, call: Quota) -> Answer {
    let over = call.over.unwrap_or(true);
    admin.mailbox(&call.mailbox)?.set_full(over);
    Ok(json!({ "mailbox": call.mailbox, "over": over }))
}

pub(super) fn change_ids(admin: &Admin, call: OfMailbox) -> Answer {
    admin.mailbox(&call.mailbox)?.change_ids();
    Ok(json!({ "mailbox": call.mailbox }))
}

pub(super) fn delete_mailbox(admin: &Admin, call: OfMailbox) -> Answer {
    let mailbox = admin.mailbox(&call.mailbox)?;
    let to_mailbox = Chosen { mailbox: Some(mailbox.guid()), ..Chosen::default() };
    admin.state.graph.webhooks.announce(Lifecycle::SubscriptionRemoved, &to_mailbox);
    Ok(json!({ "removed": admin.state.store.remove(&call.mailbox) }))
}

/// The counters, and as `quirk.NAME` how often each habit had an occasion.
pub(super) fn counters(admin: &Admin) -> Value {
    let mut all = admin.state.counters.all();
    all.extend(admin.state.quirks.shown().into_iter().map(|(name, times)| (format!("quirk.{name}"), times)));
    json!(all)
}

pub(super) fn reset(admin: &Admin) -> Answer {
    admin.state.counters.reset();
    Ok(json!({}))
}

pub(super) fn status(admin: &Admin) -> Answer {
    let mailboxes = admin.state.store.mailboxes();
    let list = mailboxes.iter().map(mailbox_status).collect::<Result<Vec<_>, _>>()?;
    let total: u64 = list.iter().filter_map(|mailbox| mailbox.get("messages").and_then(Value::as_u64)).sum();
    Ok(json!({ "messages": total, "quirks": admin.state.quirks.all(), "mailboxes": list }))
}

fn mailbox_status(mailbox: &Mailbox) -> Answer {
    let (mut folders, mut messages) = (Vec::new(), 0);
    for root in ["root", "archiveroot"].iter().filter_map(|name| mailbox.root_folder(name)) {
        for folder in mailbox.folders_below(root, true)? {
            if folder.kind != crate::store::FolderKind::Search {
                messages += folder.total;
            }
            folders.push(json!({
                "path": mailbox.path(folder.id)?, "id": folder.id.text(), "well_known": folder.well_known,
                "class": folder.class, "hidden": folder.hidden, "messages": folder.total, "unread": folder.unread,
            }));
        }
    }
    Ok(json!({ "address": mailbox.address(), "display_name": mailbox.display_name(), "messages": messages, "folders": folders }))
}
