//! What the API is told of a message beside its content.

use chrono::{DateTime, Utc};

use crate::{
    mail::Properties,
    mime::Survey,
    reinfer::email::{Attachment, Email, Metadata, instant, size},
    sink::Envelope,
};

/// A message as an email. The address is written in lower case always: buckets tell mailboxes apart by it.
pub(super) fn describe(envelope: &Envelope, properties: &Properties, survey: &Survey, bytes: u64) -> Email {
    let received = envelope.received.or(properties.received);
    let at = received.or(envelope.dated).or(properties.sent).or(properties.created).or(properties.modified);
    Email {
        id: envelope.key.0.clone(),
        mailbox: envelope.mailbox.address.as_str().to_owned(),
        // The API wants a time. One that is plainly none, and the same at every attempt, is better than the moment of the upload.
        timestamp: instant(at.unwrap_or(DateTime::<Utc>::UNIX_EPOCH)),
        metadata: Metadata {
            sensitivity: properties.sensitivity.clone(),
            size: Some(size(properties.size.unwrap_or(bytes))),
            categories: properties.categories.clone(),
            importance: properties.importance.clone(),
            has_attachments: properties.has_attachments.or(Some(!survey.attached.is_empty())),
            conversation_id: properties.conversation.clone(),
            conversation_topic: survey.topic.clone(),
            is_read: properties.read,
            folder: envelope.folder.to_vec(),
            received_at: received.map(instant),
        },
        attachments: survey
            .attached
            .iter()
            .map(|attached| Attachment {
                name: attached.name.clone(),
                size: size(attached.size),
                content_type: attached.kind.clone(),
                inline: attached.inline,
            })
            .collect(),
    }
}
