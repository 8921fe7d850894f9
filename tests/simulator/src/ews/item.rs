//! An item as XML: the element its class asks for, and its properties in the order the schema forces.
//!
//! Source: types.xsd (ItemType and the types derived from it); documentation pages "ItemShape" and "Message".

mod kinds;
mod properties;

pub(super) use properties::write_attachment_facts;

use super::mime::MimePart;
use super::shape::{Base, Shape};
use super::value::{Precision, change_key};
use super::xml::Xml;
use crate::content::Attachment;
use crate::store::{Details, Item, ItemId};

/// The element an item is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything without an element of its own.
    Item,
    /// Mail, reports, notes.
    Message,
    /// An appointment.
    Calendar,
    /// A contact.
    Contact,
    /// A distribution list.
    List,
    /// An invitation.
    Request,
    /// An answer to an invitation.
    Response,
    /// An invitation taken back.
    Cancellation,
    /// A task.
    Task,
    /// A post.
    Post,
}

impl Kind {
    /// The kind an item's class makes it.
    pub fn of(class: &str) -> Self {
        let class = class.to_ascii_lowercase();
        let within = |parent: &str| class == parent || class.starts_with(&format!("{parent}."));
        match () {
            () if within("ipm.note") || within("report") || within("ipm.stickynote") => Self::Message,
            () if within("ipm.schedule.meeting.request") => Self::Request,
            () if within("ipm.schedule.meeting.resp") => Self::Response,
            () if within("ipm.schedule.meeting.canceled") => Self::Cancellation,
            () if within("ipm.appointment") => Self::Calendar,
            () if within("ipm.contact") => Self::Contact,
            () if within("ipm.distlist") => Self::List,
            () if within("ipm.task") => Self::Task,
            () if within("ipm.post") => Self::Post,
            () => Self::Item,
        }
    }

    /// The element's name.
    pub fn element(self) -> &'static str {
        match self {
            Self::Item => "t:Item",
            Self::Message => "t:Message",
            Self::Calendar => "t:CalendarItem",
            Self::Contact => "t:Contact",
            Self::List => "t:DistributionList",
            Self::Request => "t:MeetingRequest",
            Self::Response => "t:MeetingResponse",
            Self::Cancellation => "t:MeetingCancellation",
            Self::Task => "t:Task",
            Self::Post => "t:PostItem",
        }
    }

    /// Whether it has the properties of mail.
    fn is_mail(self) -> bool {
        matches!(self, Self::Message | Self::Request | Self::Response | Self::Cancellation)
    }
}

/// What had to be read from an item's content, because the shape asks for it.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// The header lines of its MIME.
    pub headers: Option<String>,
    /// Its attachments.
    pub attachments: Vec<Attachment>,
    /// Its MIME.
    pub mime: Option<PromisedMime>,
}

/// What stands in MimeContent.
#[derive(Debug)]
pub(super) enum PromisedMime {
    /// A message, encoded when it is sent.
    Part(MimePart),
    /// Nothing, by a fault.
    Empty,
}

/// Writes items of one response.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemWriter<'a> {
    /// What is wanted.
    pub shape: &'a Shape,
    /// A listing gives less than a single answer: no bodies, attachments or recipients.
    pub listing: bool,
    /// How times are written.
    pub precision: Precision,
    /// The name of the mailbox's owner.
    pub owner: &'a str,
    /// Elements come under a name no schema knows, by a fault.
    pub disguised: bool,
}

impl ItemWriter<'_> {
    /// Writes one item.
    pub fn write(&self, xml: &mut Xml, item: &Item, extra: Extra) {
        let kind = Kind::of(&item.class);
        let name = if self.disguised { "t:HolographicMessage" } else { kind.element() };
        xml.open(name);
        properties::write_item(self, xml, item, kind, extra);
        match kind {
            _ if kind.is_mail() => {
                properties::write_mail(self, xml, item);
                kinds::write_meeting(self, xml, item, kind);
            }
            Kind::Calendar => kinds::write_calendar(self, xml, item),
            Kind::Contact => kinds::write_contact(self, xml, item),
            Kind::List => kinds::write_list(self, xml, item),
            Kind::Task => kinds::write_task(self, xml, item),
            Kind::Post => kinds::write_post(self, xml, item),
            _ => {}
        }
        xml.close(name);
    }

    /// Whether a property is wanted: it belongs to the base shape from `level` up, or it was named.
    fn wants(&self, field: &str, level: Option<Base>) -> bool {
        level.is_some_and(|level| self.shape.base >= level) || self.shape.names(field)
    }

    /// Whether a property that listings lack is wanted.
    fn wants_single(&self, field: &str, level: Option<Base>) -> bool {
        self.wants(field, level.filter(|_| !self.listing))
    }
}

/// Writes an item's identifier under an element's name.
pub(super) fn write_id(xml: &mut Xml, name: &str, id: &ItemId, change: u64) {
    xml.empty(name, &[("Id", &id.text()), ("ChangeKey", &change_key(change, false))]);
}

/// The display name an item without mail headers goes by.
fn display_name(item: &Item) -> String {
    match &item.details {
        Some(Details::Contact { given, surname, .. }) => format!("{given} {surname}").trim().to_owned(),
        _ => item.subject.clone().unwrap_or_default(),
    }
}
