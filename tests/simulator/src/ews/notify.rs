//! Subscribe, Unsubscribe and GetEvents; events as XML.
//!
//! Source: documentation pages "Subscribe operation", "Unsubscribe operation", "GetEvents operation", "Notification".

use super::envelope::{elements, is_true, part, text, typed, typed_text};
use super::error::EwsError;
use super::folder::write_id as write_folder_id;
use super::item::write_id;
use super::session::Session;
use super::subscription::{Delivery, Subscription, kind_name};
use super::value::Precision;
use super::xml::Xml;
use crate::store::{Event, EventKind, FolderId, Mailbox, Target};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::TryRecvError;

/// The most events of one answer.
pub(super) const BURST: usize = 50;

/// Subscribe.
pub(super) fn subscribe(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let request = operation.first_element_child();
    Ok(session.single(|xml| {
        let request = request.ok_or_else(|| invalid("The request names no kind of subscription."))?;
        let delivery = match request.tag_name().name() {
            "StreamingSubscriptionRequest" => {
                if !session.head.is_at_least("Exchange2010_SP1") {
                    return Err(EwsError::new(
                        "ErrorIncorrectSchemaVersion",
                        "Streaming subscriptions need at least the version Exchange2010_SP1.",
                    ));
                }
                Delivery::Streaming
            }
            "PullSubscriptionRequest" => {
                let minutes = typed_text(request, "Timeout").and_then(|text| text.trim().parse().ok()).unwrap_or(1);
                Delivery::Pull(Duration::from_secs(60 * minutes))
            }
            // Nobody ever asks for its events: it lapses like one for pulling.
            _ if session.quirk("push-accepted") => Delivery::Pull(Duration::from_secs(30 * 60)),
            _ => {
                return Err(EwsError::new(
                    "ErrorInvalidPushSubscriptionUrl",
                    "The push subscription URL is invalid: this server pushes to nobody.",
                ));
            }
        };
        let (mailbox, folders) = watched(session, request)?;
        let kinds: HashSet<String> =
            typed(request, "EventTypes").into_iter().flat_map(elements).map(|kind| text(kind).trim().to_owned()).collect();
        let subscription = session.state.subscriptions.add(
            &session.acting,
            &mailbox,
            folders,
            kinds,
            delivery,
            session.quirk("subscription-ids-count"),
        )?;
        xml.element("m:SubscriptionId", &subscription.id);
        if matches!(delivery, Delivery::Pull(_)) && !session.quirk("no-watermarks") {
            xml.element("m:Watermark", &watermark(mailbox.event_number()));
        }
        Ok(())
    }))
}

/// The mailbox and folders a subscription is to watch; `None` for all folders.
fn watched(session: &Session, request: Node<'_, '_>) -> Result<(Mailbox, Option<HashSet<FolderId>>), EwsError> {
    let all = request.attribute("SubscribeToAllFolders").is_some_and(is_true);
    let ids = typed(request, "FolderIds");
    match (all, ids) {
        (true, Some(_)) => Err(invalid("SubscribeToAllFolders and folder ids exclude each other.")),
        (false, None) => Err(invalid("A subscription needs folder ids or SubscribeToAllFolders.")),
        (true, None) => Ok((session.own()?.clone(), None)),
        (false, Some(ids)) => {
            let mut folders = HashSet::new();
            let own = session.own()?.clone();
            for node in elements(ids) {
                let (mailbox, folder) = session.folder(node)?;
                if mailbox.guid() != own.guid() {
                    return Err(EwsError::new(
                        "ErrorSubscriptionDelegateAccessNotSupported",
                        "Subscriptions are not supported for delegate user access.",
                    ));
                }
                folders.insert(folder.id);
            }
            Ok((own, Some(folders)))
        }
    }
}

fn invalid(text: &str) -> EwsError {
    EwsError::new("ErrorInvalidSubscriptionRequest", text)
}

/// Unsubscribe.
pub(super) fn unsubscribe(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let id = part(operation, "SubscriptionId").map(text).unwrap_or_default();
    Ok(session.single(|_| session.state.subscriptions.remove(id.trim(), &session.acting)))
}

/// GetEvents: what has happened since a watermark, at most [`BURST`] events at once.
pub(super) fn events(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let id = part(operation, "SubscriptionId").map(text).unwrap_or_default();
    let mark = part(operation, "Watermark").map(text).unwrap_or_default();
    Ok(session.single(|xml| {
        let subscription = session.state.subscriptions.find(id.trim(), &session.acting)?;
        if subscription.delivery == Delivery::Streaming {
            return Err(EwsError::new("ErrorInvalidPullSubscriptionId", "The subscription is not one for pulling."));
        }
        let once = session.quirk("no-watermarks");
        let since = if once { Some(0) } else { parse_watermark(&mark) };
        let since = since.ok_or_else(|| EwsError::new("ErrorInvalidWatermark", "The watermark is invalid."))?;
        let lost = drain(session, &subscription);
        let mut known = subscription.pulled();
        // The client has what came up to its watermark: it need not be kept.
        known.retain(|event| event.number > since);
        if lost {
            return Err(missed());
        }
        let more = known.len() > BURST;
        xml.open(session.notification()).element("t:SubscriptionId", &subscription.id);
        if !once {
            xml.element("t:PreviousWatermark", mark.trim());
        }
        xml.value("t:MoreEvents", more);
        if known.is_empty() && once {
            xml.empty("t:StatusEvent", &[]);
        } else if known.is_empty() {
            xml.open("t:StatusEvent").element("t:Watermark", mark.trim()).close("t:StatusEvent");
        }
        for event in known.iter().take(BURST) {
            let mark = (!once).then(|| watermark(event.number));
            write_event(xml, &subscription.mailbox, event, mark.as_deref(), session.precision());
        }
        if once {
            let told = known.len().min(BURST);
            known.drain(..told);
        }
        xml.close(session.notification());
        Ok(())
    }))
}

/// Takes what waits in the queue; whether events were lost.
fn drain(session: &Session, subscription: &Arc<Subscription>) -> bool {
    let narrow = session.quirk("folder-subscriptions-narrow");
    let mut queue = subscription.take_queue();
    let mut lost = false;
    loop {
        match queue.try_recv() {
            Ok(event) => {
                let mut known = subscription.pulled();
                if subscription.wants(&event, narrow) {
                    known.push(event);
                }
                // What nobody asks for must not pile up.
                if known.len() > crate::store::QUEUE {
                    known.remove(0);
                    lost = true;
                }
            }
            Err(TryRecvError::Lagged(_)) => lost = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    subscription.return_queue(queue);
    lost
}

/// The subscription could not hold all that happened.
pub(super) fn missed() -> EwsError {
    EwsError::new("ErrorMissedNotificationEvents", "Some events were missed; synchronize to learn of them.")
}

fn watermark(number: u64) -> String {
    let mut bytes = b"AQAA".to_vec();
    bytes.extend_from_slice(&number.to_be_bytes());
    STANDARD.encode(bytes)
}

fn parse_watermark(text: &str) -> Option<u64> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let number = bytes.strip_prefix(b"AQAA")?;
    number.try_into().ok().map(u64::from_be_bytes)
}

/// One event. Streamed events carry no watermark.
pub(super) fn write_event(xml: &mut Xml, mailbox: &Mailbox, event: &Event, watermark: Option<&str>, precision: Precision) {
    let name = format!("t:{}", kind_name(event.kind));
    xml.open(&name);
    if let Some(mark) = watermark {
        xml.element("t:Watermark", mark);
    }
    xml.element("t:TimeStamp", &precision.time(event.at));
    write_target(xml, mailbox, event.target, ["t:ItemId", "t:FolderId"]);
    write_folder_id(xml, "t:ParentFolderId", event.parent, 1);
    match event.kind {
        EventKind::Moved { old, old_parent } | EventKind::Copied { old, old_parent } => {
            write_target(xml, mailbox, old, ["t:OldItemId", "t:OldFolderId"]);
            write_folder_id(xml, "t:OldParentFolderId", old_parent, 1);
        }
        EventKind::Modified { unread: Some(unread) } => {
            xml.value("t:UnreadCount", unread);
        }
        _ => {}
    }
    xml.close(&name);
}

fn write_target(xml: &mut Xml, mailbox: &Mailbox, target: Target, [item_name, folder_name]: [&str; 2]) {
    match target {
        Target::Item(id) => {
            let change = mailbox.item(id).map_or(0, |item| item.change);
            write_id(xml, item_name, &id, change);
        }
        Target::Folder(id) => {
            let change = mailbox.folder(id).map_or(0, |folder| folder.change);
            write_folder_id(xml, folder_name, id, change);
        }
    }
}
