//! A message written from an item's properties, its attachments streamed into it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    super::{
        element::Element,
        envelope::TYPES,
        items::apart,
        mime::CHUNK,
        operation::{get_attachment, item::properties},
        refusal::Refusal,
        retry::{Failed, Patience},
        session::miscounted,
        trouble::Trouble,
        xml::{Intake, Limits, Malformed, MimeSink},
    },
    Work,
    outbox::Tap,
};
use crate::{
    exchange::compose::{Attached, Item, Lines, Person, Source, Written, message},
    mail::{Origin, Part},
};

impl Work {
    /// Writes the message of `item`. An attachment that the server refuses is left out; the item's XML still names it.
    pub(super) async fn write(&mut self, index: usize, item: &Element) -> Result<(), Failed> {
        let properties = properties(item);
        let written = message(&source(item), &properties, &self.session.desk.mailbox);
        let attachments = get_attachment::list(item);
        let mut left_out = BTreeSet::new();
        let mut patience = Patience::default();
        while let Err((at, trouble)) = self.pour(index, &written, &attachments, &left_out, &mut patience).await {
            self.outbox.part(Part::Restarted { index }).await;
            let refused = matches!(trouble, Trouble::Refused(_));
            match (patience.after(trouble, &self.session.desk).await, attachments.get(at)) {
                (Ok(()), _) => {}
                (Err(failed), Some(attached)) if refused && apart(failed.action) => {
                    let (mailbox, id) = (&self.session.desk.mailbox, &self.messages[index].id.0);
                    tracing::warn!(%mailbox, id, attachment = attached.id, trouble = %failed.trouble, "an attachment is left out");
                    left_out.insert(at);
                    patience.renew();
                }
                (Err(failed), _) => return Err(failed),
            }
        }
        self.end(Part::Read { index, properties: Box::new(properties), origin: Origin::Properties }).await;
        Ok(())
    }

    /// The whole message; trouble comes with the place of the attachment that met it.
    async fn pour(
        &self,
        index: usize,
        written: &Written,
        attachments: &[Attached],
        left_out: &BTreeSet<usize>,
        patience: &mut Patience,
    ) -> Result<(), (usize, Trouble)> {
        self.text(index, written.beginning.clone()).await;
        for (at, attached) in attachments.iter().enumerate().filter(|(at, _)| !left_out.contains(at)) {
            self.attach(index, written, attached, patience).await.map_err(|trouble| (at, trouble))?;
        }
        self.text(index, written.end()).await;
        Ok(())
    }

    /// Sends text, however long its taker takes: no connection is held meanwhile.
    async fn text(&self, index: usize, text: String) {
        let mut text = Bytes::from(text);
        while !text.is_empty() {
            let chunk = text.split_to(text.len().min(CHUNK));
            self.outbox.part(Part::Mime { index, chunk }).await;
        }
    }

    async fn attach(&self, index: usize, written: &Written, attached: &Attached, patience: &mut Patience) -> Result<(), Trouble> {
        let mut encoder = Encoder { tap: Tap::new(&self.outbox, index), head: Some(written.attachment(attached)), lines: Lines::default() };
        let mut answer = self.session.open(patience, &get_attachment::request(&attached.id)).await?;
        let mut intake = Intake::new(&mut encoder);
        let message = answer.message(Limits::LEAN, Some(&mut intake)).await;
        let junk = intake.junk;
        if encoder.tap.stalled {
            return Err(Trouble::Stalled);
        }
        let message = message?.ok_or_else(|| miscounted(1, 0))?;
        if let Some(refusal) = Refusal::of_message(&message) {
            return Err(Trouble::Refused(refusal));
        }
        if junk {
            let text = "the content of an attachment is not base64".to_owned();
            return Err(Trouble::Refused(Refusal { code: "AttachmentContentJunk".into(), text, ..Refusal::default() }));
        }
        answer.finish().await?;
        self.session.desk.gate.well(&self.session.desk.mailbox, patience.sent);
        Ok(encoder.finish().await?)
    }
}

/// What of an item a message is written from.
fn source(item: &Element) -> Source<'_> {
    let people = |name: &str| item.child(name).map(|list| list.children.iter().filter_map(person).collect()).unwrap_or_default();
    let from: Vec<Person<'_>> = people("From");
    let body = item.child("Body");
    Source {
        from: if from.is_empty() { people("Sender") } else { from },
        to: people("ToRecipients"),
        cc: people("CcRecipients"),
        bcc: people("BccRecipients"),
        headers: Vec::new(),
        html: body.and_then(|body| body.attribute("BodyType")) == Some("HTML"),
        body: body.map(|body| body.text.as_str()).unwrap_or_default(),
        item: Item { kind: "xml", text: item.to_xml(TYPES) },
    }
}

/// A `t:Mailbox` as somebody.
fn person(mailbox: &Element) -> Option<Person<'_>> {
    Some(Person { name: mailbox.value("Name"), address: mailbox.value("EmailAddress")? })
}

/// Content on its way into a part, in base64 again: what the server sends has other line lengths, or none.
struct Encoder<'a> {
    tap: Tap<'a>,
    /// The part's headers, until there is content.
    head: Option<String>,
    lines: Lines,
}

impl Encoder<'_> {
    async fn finish(&mut self) -> Result<(), Malformed> {
        let rest = self.lines.finish();
        self.send(rest).await
    }

    async fn send(&mut self, text: String) -> Result<(), Malformed> {
        let mut text = Bytes::from(self.head.take().unwrap_or_default() + &text);
        while !text.is_empty() {
            self.tap.chunk(text.split_to(text.len().min(CHUNK))).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl MimeSink for Encoder<'_> {
    async fn chunk(&mut self, chunk: Bytes) -> Result<(), Malformed> {
        let encoded = self.lines.feed(&chunk);
        self.send(encoded).await
    }
}
