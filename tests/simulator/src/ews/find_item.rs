//! FindItem.
//!
//! Source: documentation pages "FindItem operation", "EWS throttling in Exchange" (EWSFindCountLimit), "SortOrder".

use super::envelope::{elements, part, text, typed};
use super::error::EwsError;
use super::item::{Extra, ItemWriter};
use super::paging::{Page, write_root};
use super::restriction::Restriction;
use super::schema::parse_date_time;
use super::session::Session;
use super::shape::{Path, Shape};
use super::xml::Xml;
use crate::fault::EwsFault;
use crate::store::{Find, Folder, Found, Item, Mailbox, Order};
use chrono::{DateTime, Utc};
use roxmltree::Node;

/// The most entries of one page.
const CAP: usize = 1000;
/// The most entries of one page when there is a restriction or a query.
const RESTRICTED_CAP: usize = 250;

/// What is looked for, the same in every folder.
#[derive(Debug)]
struct Search {
    shape: Shape,
    page: Page,
    restriction: Option<Restriction>,
    query: Option<String>,
    calendar: Option<(DateTime<Utc>, DateTime<Utc>)>,
    order: Order,
    none: bool,
    cap: usize,
}

/// FindItem: one response message for each folder.
pub(super) fn find(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let search = Search::read(session, operation)?;
    let folders = part(operation, "ParentFolderIds").into_iter().flat_map(elements);
    Ok(session.batch(folders, |xml, id| {
        search.shape.refuse_costly()?;
        let (mailbox, folder) = session.folder(id)?;
        search.write(session, xml, &mailbox, &folder)
    }))
}

impl Search {
    fn read(session: &Session, operation: Node<'_, '_>) -> Result<Self, EwsError> {
        for unsupported in ["GroupBy", "DistinguishedGroupBy", "SeekToConditionPageItemView", "ContactsView"] {
            if part(operation, unsupported).is_some() {
                return Err(EwsError::invalid_operation(format!("{unsupported} is not offered by this server.")));
            }
        }
        let shape = match part(operation, "ItemShape") {
            Some(node) => Shape::read(node)?,
            None => Shape::id_only(),
        };
        shape.refuse_prefix(false)?;
        let restriction = part(operation, "Restriction");
        let greater = restriction.is_some_and(|node| node.descendants().any(|node| node.tag_name().name() == "IsGreaterThanOrEqualTo"));
        if greater && session.quirk("no-greater-or-equal") {
            return Err(EwsError::new("ErrorInvalidRestriction", "The restriction is invalid."));
        }
        let restriction = restriction.map(Restriction::read).transpose()?;
        let query = part(operation, "QueryString")
            .map(text)
            .map(|query| query.trim().to_owned())
            .filter(|query| !query.is_empty() && !session.quirk("queries-ignored"));
        if restriction.is_some() && query.is_some() {
            return Err(EwsError::invalid_request("A restriction and a query string exclude each other."));
        }
        let calendar = part(operation, "CalendarView").and_then(|view| {
            let time = |name: &str| view.attribute(name).and_then(parse_date_time);
            time("StartDate").zip(time("EndDate"))
        });
        let cap = if session.quirk("no-page-cap") {
            usize::MAX
        } else if restriction.is_some() || query.is_some() {
            RESTRICTED_CAP
        } else {
            CAP
        };
        Ok(Self {
            shape,
            page: Page::read(operation, "IndexedPageItemView", "FractionalPageItemView")?,
            restriction,
            query,
            calendar,
            order: read_order(operation)?,
            // Nothing here is soft-deleted inside its folder, and there are no associated items.
            none: operation.attribute("Traversal").map(str::trim) != Some("Shallow"),
            cap,
        })
    }

    fn admits(&self, item: &Item) -> bool {
        let by_restriction = self.restriction.as_ref().is_none_or(|restriction| restriction.admits(item));
        let by_query = self.query.as_ref().is_none_or(|query| {
            let wanted = query.to_lowercase();
            let wanted = wanted.strip_prefix("subject:").unwrap_or(&wanted).trim_matches('"').to_owned();
            let subject = item.subject.as_deref().unwrap_or_default().to_lowercase();
            subject.contains(&wanted) || item.text.to_lowercase().contains(&wanted)
        });
        by_restriction && by_query && self.calendar.is_none_or(|window| within(item, window))
    }

    fn look(&self, mailbox: &Mailbox, folder: &Folder, offset: usize, limit: usize) -> Result<Found, EwsError> {
        let range = self.restriction.as_ref().and_then(Restriction::received_range);
        let open = self.query.is_none() && self.calendar.is_none() && (self.restriction.is_none() || range.is_some());
        let filter = |item: &Item| self.admits(item);
        let (from, before) = range.unwrap_or_default();
        Ok(mailbox.find(
            folder.id,
            &Find {
                order: self.order,
                offset,
                limit,
                received_from: from,
                received_before: before,
                filter: (!open).then_some(&filter as &dyn Fn(&Item) -> bool),
            },
        )?)
    }

    fn write(&self, session: &Session, xml: &mut Xml, mailbox: &Mailbox, folder: &Folder) -> Result<(), EwsError> {
        let (range, found) = if self.none {
            (0..0, Found { items: Vec::new(), total: 0, next: 0, last: true })
        } else {
            // From the beginning the page is known at once; other pages need the total first.
            let found = match self.page {
                Page::Whole => self.look(mailbox, folder, 0, self.cap)?,
                Page::Indexed { most, offset, from_end: false } => self.look(mailbox, folder, offset, most.min(self.cap))?,
                _ => {
                    let total = self.look(mailbox, folder, 0, 0)?.total;
                    let range = self.page.range(total, self.cap);
                    self.look(mailbox, folder, range.start, range.len())?
                }
            };
            (self.page.range(found.total, self.cap), found)
        };
        write_root(xml, &self.page, &range, found.total);
        let writer = ItemWriter {
            shape: &self.shape,
            listing: true,
            precision: session.precision(),
            owner: mailbox.display_name(),
            disguised: session.faults.contains(&EwsFault::UnknownElement),
        };
        xml.open("t:Items");
        for item in &found.items {
            writer.write(xml, item, Extra::default());
        }
        xml.close("t:Items").close("m:RootFolder");
        Ok(())
    }
}

fn within(item: &Item, (from, until): (DateTime<Utc>, DateTime<Utc>)) -> bool {
    match &item.details {
        Some(crate::store::Details::Appointment { start, end, .. }) => *start < until && *end > from,
        _ => false,
    }
}

/// The order asked for: by date received or by subject.
fn read_order(operation: Node<'_, '_>) -> Result<Order, EwsError> {
    let Some(order) = part(operation, "SortOrder").and_then(|node| typed(node, "FieldOrder")) else {
        return Ok(Order::NewestFirst);
    };
    let descending = order.attribute("Order").map(str::trim) == Some("Descending");
    let path = elements(order).next().map(Path::read).transpose()?;
    let by_subject = match path {
        Some(Path::Field(field)) => match field.as_str() {
            "item:DateTimeReceived" | "item:DateTimeSent" | "item:DateTimeCreated" | "item:LastModifiedTime" | "calendar:Start" => false,
            "item:Subject" | "contacts:DisplayName" | "contacts:FileAs" | "message:ConversationTopic" => true,
            other => return Err(unsortable(other)),
        },
        Some(Path::Extended(extended)) => match extended.tag {
            Some(0x0E06 | 0x0039 | 0x3007 | 0x3008) => false,
            Some(0x0037) => true,
            _ => return Err(unsortable("this extended property")),
        },
        _ => return Err(unsortable("this property")),
    };
    Ok(match (by_subject, descending) {
        (false, false) => Order::ReceivedAscending,
        (false, true) => Order::ReceivedDescending,
        (true, false) => Order::SubjectAscending,
        (true, true) => Order::SubjectDescending,
    })
}

fn unsortable(what: &str) -> EwsError {
    EwsError::new("ErrorUnsupportedPathForSortGroup", format!("Items cannot be sorted by {what}."))
}
