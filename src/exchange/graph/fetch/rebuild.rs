//! A message written from what Graph tells of it as JSON, for those that it cannot give as MIME: its properties, its body, its attachments
//! streamed into it (Graph "message resource type", "List attachments", "Get attachment").

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    super::{
        call::Call,
        describe::apart,
        link::{encode, query},
        message::{self, DESCRIBED, list},
        page::Page,
        retry::{Failed, Patience},
        trouble::Trouble,
        verdict::Action,
    },
    job::Job,
    lane::Lane,
    outbox::{Out, Outbox, Stalled},
};
use crate::{
    exchange::compose::{Attached, Item, Lines, Person, Source, Written, lines, message as write},
    mail::{Failure, Origin, Part, Properties},
};

/// One message at a time is written: unlike MIME, what is told of it is held whole, outside of the memory budget.
static REWRITES: Semaphore = Semaphore::const_new(1);

/// The most pages of attachments of one message.
const PAGES: usize = 100;

/// How one attempt ended short of its end: nobody took the bytes, or there was trouble with the attachment at a place.
enum End {
    Stalled,
    Trouble(usize, Trouble),
}

impl Lane {
    /// Writes the message, since the server gave `failure` for its MIME; gives it up where that fails too.
    pub(super) async fn rebuild(&self, job: Job, failure: Failure, outbox: &Outbox) {
        // Whoever has the turn must be able to go on. Ahead of its turn in the batch it would wait until the messages before it are taken, and one
        // of these may be waiting for this very turn.
        outbox.at_head().await;
        // Never closed.
        let _turn = REWRITES.acquire().await.ok();
        let index = job.index;
        match self.told(&job).await {
            Ok(Told::All(item)) => match self.write(&job, &item, outbox).await {
                Ok(properties) => outbox.part(Part::Read { index, properties: Box::new(properties), origin: Origin::Properties }).await,
                // What keeps breaking off in a mailbox that is well is this message's own trouble.
                Err(failed) if breaks_off(&failed) => match self.well().await {
                    Ok(()) => outbox.part(Part::Unreadable { index, failure }).await,
                    Err(failed) => outbox.send(Out::Failed(Box::new(failed))).await,
                },
                Err(failed) => outbox.send(Out::Failed(Box::new(failed))).await,
            },
            Ok(Told::Gone) => outbox.send(Out::Absent(Box::new(job))).await,
            Ok(Told::Nothing(other)) => {
                let text = match other.trouble.code() {
                    Some(code) if code != failure.code => format!("{}; its properties: {}", failure.text, other.trouble),
                    _ => failure.text,
                };
                outbox.part(Part::Unreadable { index, failure: Failure { text, ..failure } }).await;
            }
            Err(failed) => outbox.send(Out::Failed(Box::new(failed))).await,
        }
    }

    /// What the server tells of a message: everything, or without the body, since that may be what it breaks down over.
    async fn told(&self, job: &Job) -> Result<Told, Failed> {
        let expand = message::expand();
        let mut last = None;
        for more in [",replyTo,internetMessageHeaders,flag,body", ",replyTo,internetMessageHeaders,flag", ""] {
            let select = format!("{DESCRIBED}{more}");
            let path = format!("/messages/{}{}", encode(&job.id.0), query(&[("$select", &select), ("$expand", &expand)]));
            match self.session.ask::<Value>(&self.session.in_form(Call::get("read message", path))).await {
                Ok(answered) => return Ok(Told::All(answered.value)),
                Err(Failed { action: Some(Action::ItemGone | Action::WrongId), .. }) => return Ok(Told::Gone),
                Err(failed) if (apart(failed.action) && failed.action != Some(Action::Denied)) || breaks_off(&failed) => {
                    last = Some(failed)
                }
                Err(failed) => return Err(failed),
            }
        }
        match last {
            Some(failed) => {
                if breaks_off(&failed) {
                    self.well().await?;
                }
                Ok(Told::Nothing(failed))
            }
            None => Ok(Told::Gone),
        }
    }

    async fn write(&self, job: &Job, item: &Value, outbox: &Outbox) -> Result<Properties, Failed> {
        let properties = complete(message::properties(item), &job.properties);
        let attachments = self.attachments(job).await?;
        let mut whole = item.clone();
        whole["attachments"] = Value::Array(attachments.clone());
        let written = write(&source(item, &whole), &properties, &self.session.desk.mailbox);
        let (mut left_out, mut patience) = (BTreeSet::new(), Patience::default());
        loop {
            let (at, trouble) = match self.pour_written(&mut patience, job, &written, &attachments, &left_out, outbox).await {
                Ok(()) => return Ok(properties),
                Err(End::Stalled) => {
                    outbox.part(Part::Restarted { index: job.index }).await;
                    continue;
                }
                Err(End::Trouble(at, trouble)) => (at, trouble),
            };
            outbox.part(Part::Restarted { index: job.index }).await;
            let Err(failed) = patience.after(trouble, &self.session.desk).await else { continue };
            if !matches!(failed.trouble, Trouble::Refused(_)) || !apart(failed.action) {
                return Err(failed);
            }
            let (mailbox, id) = (&self.session.desk.mailbox, &job.id.0);
            tracing::warn!(%mailbox, id, attachment = at, trouble = %failed.trouble, "an attachment is left out");
            left_out.insert(at);
            patience.renew();
        }
    }

    /// The message's attachments, without their content; none where the server breaks down over the list.
    async fn attachments(&self, job: &Job) -> Result<Vec<Value>, Failed> {
        let options = query(&[("$select", "id,name,contentType,size,isInline")]);
        let mut next = Some(Call::get("list attachments", format!("/messages/{}/attachments{options}", encode(&job.id.0))));
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let Some(call) = next.take() else { break };
            match self.session.ask::<Page<Value>>(&self.session.in_form(call)).await {
                Ok(answered) => {
                    all.extend(answered.value.value);
                    next = answered.value.next.map(|link| Call::follow("list attachments", link));
                }
                Err(failed) if apart(failed.action) => {
                    tracing::warn!(mailbox = %self.session.desk.mailbox, id = job.id.0, trouble = %failed.trouble, "attachments are left out");
                    break;
                }
                Err(failed) => return Err(failed),
            }
        }
        Ok(all)
    }

    async fn pour_written(
        &self,
        patience: &mut Patience,
        job: &Job,
        written: &Written,
        attachments: &[Value],
        left_out: &BTreeSet<usize>,
        outbox: &Outbox,
    ) -> Result<(), End> {
        // No connection waits here, so a slow taker is waited for.
        outbox.patiently(job.index, Bytes::from(written.beginning.clone())).await;
        for (at, entry) in attachments.iter().enumerate().filter(|(at, _)| !left_out.contains(at)) {
            let attached = attached(entry);
            if is(entry, "referenceAttachment") {
                let note = format!("{}\r\nis kept elsewhere; the message refers to it.\r\n", attached.name.as_deref().unwrap_or("A file"));
                let text = written.attachment(&Attached { kind: Some("text/plain".into()), ..attached }) + &lines(note.as_bytes());
                outbox.patiently(job.index, Bytes::from(text)).await;
            } else {
                let head = written.attachment(&attached);
                self.pour_attachment(patience, job, &head, &attached.id, outbox).await.map_err(|end| match end {
                    Some(trouble) => End::Trouble(at, trouble),
                    None => End::Stalled,
                })?;
            }
        }
        outbox.patiently(job.index, Bytes::from(written.end())).await;
        Ok(())
    }

    /// One attachment's headers and content; of an attached item the content is its MIME. `None` is a stall.
    async fn pour_attachment(
        &self,
        patience: &mut Patience,
        job: &Job,
        head: &str,
        id: &str,
        outbox: &Outbox,
    ) -> Result<(), Option<Trouble>> {
        let path = format!("/messages/{}/attachments/{}/$value", encode(&job.id.0), encode(id));
        let call = self.session.in_form(Call::get("read attachment", path));
        let mut opened = self.session.open_within(patience, &call).await.map_err(Some)?;
        let send = |text: String| async move { outbox.bytes(job.index, Bytes::from(text)).await.map_err(|Stalled| None) };
        send(head.to_owned()).await?;
        let mut encoder = Lines::default();
        while let Some(bytes) = opened.chunk().await.map_err(Some)? {
            send(encoder.feed(&bytes)).await?;
        }
        send(encoder.finish()).await
    }
}

/// Whether it outlived its retries though it looked as if it would pass.
fn breaks_off(failed: &Failed) -> bool {
    failed.action == Some(Action::Retry) && !matches!(failed.trouble, Trouble::NoToken(_))
}

/// What the server told of a message.
enum Told {
    All(Value),
    Gone,
    Nothing(Failed),
}

/// What of an item a message is written from.
fn source<'a>(item: &'a Value, whole: &Value) -> Source<'a> {
    let people = |name: &str| list(item, name).iter().filter_map(person).collect();
    let one = |name: &str| item.get(name).and_then(person).into_iter().collect::<Vec<_>>();
    let from = one("from");
    let body = |name: &str| item.get("body").and_then(|body| body.get(name)).and_then(Value::as_str).unwrap_or_default();
    let text = |header: &'a Value, name: &str| header.get(name).and_then(Value::as_str);
    Source {
        from: if from.is_empty() { one("sender") } else { from },
        to: people("toRecipients"),
        cc: people("ccRecipients"),
        bcc: people("bccRecipients"),
        headers: list(item, "internetMessageHeaders")
            .iter()
            .filter_map(|header| Some((text(header, "name")?, text(header, "value")?)))
            .collect(),
        html: body("contentType").eq_ignore_ascii_case("html"),
        body: body("content"),
        item: Item { kind: "json", text: serde_json::to_string_pretty(whole).unwrap_or_else(|_| json!({}).to_string()) },
    }
}

fn person(entry: &Value) -> Option<Person<'_>> {
    let address = entry.get("emailAddress")?;
    let text = |name: &str| address.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    Some(Person { name: text("name"), address: text("address")? })
}

fn attached(entry: &Value) -> Attached {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    // A message in base64 may not be called one (RFC 2046, 5.2.1); its name says it.
    let message = is(entry, "itemAttachment");
    Attached {
        id: text("id").unwrap_or_default(),
        name: text("name").map(|name| if message { name + ".eml" } else { name }),
        kind: text("contentType").filter(|_| !message),
        content_id: text("contentId"),
    }
}

fn is(entry: &Value, kind: &str) -> bool {
    entry.get("@odata.type").and_then(Value::as_str).is_some_and(|own| own.rsplit('.').next() == Some(kind))
}

/// The properties, with what only the batch was told of.
fn complete(properties: Properties, before: &Properties) -> Properties {
    Properties {
        class: properties.class.or_else(|| before.class.clone()),
        received: properties.received.or(before.received),
        created: properties.created.or(before.created),
        size: properties.size.or(before.size),
        read: properties.read.or(before.read),
        search_key: properties.search_key.or_else(|| before.search_key.clone()),
        flags: properties.flags.or(before.flags),
        ..properties
    }
}
