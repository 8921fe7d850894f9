//! What the kinds of items other than mail add to ItemType.

use super::super::address::{write_mailbox, write_one};
use super::super::shape::{Base, Path};
use super::super::xml::Xml;
use super::{ItemWriter, Kind, display_name};
use crate::store::{Address, Details, Item};

const DEFAULT: Option<Base> = Some(Base::Default);
const ALL: Option<Base> = Some(Base::All);

/// MeetingMessageType and its children, for invitations and answers.
pub(super) fn write_meeting(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item, kind: Kind) {
    if kind == Kind::Message {
        return;
    }
    for (field, element) in [
        ("meeting:IsDelegated", "t:IsDelegated"),
        ("meeting:IsOutOfDate", "t:IsOutOfDate"),
        ("meeting:HasBeenProcessed", "t:HasBeenProcessed"),
    ] {
        if writer.wants(field, ALL) {
            xml.value(element, false);
        }
    }
    if writer.wants("meeting:ResponseType", ALL) {
        let response = match item.class.to_ascii_lowercase() {
            class if class.ends_with(".pos") => "Accept",
            class if class.ends_with(".neg") => "Decline",
            class if class.ends_with(".tent") => "Tentative",
            _ => "NoResponseReceived",
        };
        xml.element("t:ResponseType", response);
    }
}

/// CalendarItemType.
pub(super) fn write_calendar(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item) {
    let Some(Details::Appointment { start, end, location }) = &item.details else {
        return;
    };
    if writer.wants("calendar:UID", ALL) {
        xml.element("t:UID", &hex::encode_upper(item.search_key));
    }
    if writer.wants("calendar:Start", DEFAULT) {
        xml.element("t:Start", &writer.precision.time(*start));
    }
    if writer.wants("calendar:End", DEFAULT) {
        xml.element("t:End", &writer.precision.time(*end));
    }
    if writer.wants("calendar:IsAllDayEvent", ALL) {
        xml.value("t:IsAllDayEvent", false);
    }
    if writer.wants("calendar:LegacyFreeBusyStatus", DEFAULT) {
        xml.element("t:LegacyFreeBusyStatus", "Busy");
    }
    if writer.wants("calendar:Location", DEFAULT) {
        xml.element("t:Location", location);
    }
    for (field, element) in [
        ("calendar:IsMeeting", "t:IsMeeting"),
        ("calendar:IsCancelled", "t:IsCancelled"),
        ("calendar:IsRecurring", "t:IsRecurring"),
        ("calendar:MeetingRequestWasSent", "t:MeetingRequestWasSent"),
    ] {
        if writer.wants(field, ALL) {
            xml.value(element, false);
        }
    }
    if writer.wants("calendar:CalendarItemType", DEFAULT) {
        xml.element("t:CalendarItemType", "Single");
    }
    if writer.wants("calendar:Organizer", DEFAULT) {
        write_one(xml, "t:Organizer", item.from.as_ref());
    }
}

/// ContactItemType.
pub(super) fn write_contact(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item) {
    let Some(Details::Contact { given, surname, company, email }) = &item.details else {
        return;
    };
    let name = display_name(item);
    for (field, element, value) in [
        ("contacts:FileAs", "t:FileAs", &name),
        ("contacts:DisplayName", "t:DisplayName", &name),
        ("contacts:GivenName", "t:GivenName", given),
        ("contacts:CompanyName", "t:CompanyName", company),
    ] {
        if writer.wants(field, DEFAULT) {
            xml.element(element, value);
        }
    }
    let by_index =
        |path: &Path| matches!(path, Path::Indexed(field, index) if field == "contacts:EmailAddress" && index == "EmailAddress1");
    let wanted = writer.wants("contacts:EmailAddresses", DEFAULT) || writer.shape.additional.iter().any(by_index);
    if wanted && !email.is_empty() {
        xml.open("t:EmailAddresses")
            .open_with("t:Entry", &[("Key", "EmailAddress1")])
            .text(email)
            .close("t:Entry")
            .close("t:EmailAddresses");
    }
    if writer.wants("contacts:Surname", DEFAULT) {
        xml.element("t:Surname", surname);
    }
}

/// DistributionListType.
pub(super) fn write_list(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item) {
    if writer.wants("contacts:DisplayName", DEFAULT) {
        xml.element("t:DisplayName", &display_name(item));
    }
    let Some(Details::DistributionList(members)) = &item.details else {
        return;
    };
    if writer.wants_single("distributionlist:Members", DEFAULT) && !members.is_empty() {
        xml.open("t:Members");
        for member in members {
            write_member(xml, member);
        }
        xml.close("t:Members");
    }
}

fn write_member(xml: &mut Xml, member: &Address) {
    xml.open("t:Member");
    write_mailbox(xml, member);
    xml.element("t:Status", "Normal").close("t:Member");
}

/// TaskType.
pub(super) fn write_task(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item) {
    let Some(Details::Task { due, percent }) = &item.details else {
        return;
    };
    if writer.wants("task:DueDate", DEFAULT) {
        xml.element("t:DueDate", &writer.precision.time(*due));
    }
    if writer.wants("task:IsComplete", ALL) {
        xml.value("t:IsComplete", *percent >= 100);
    }
    if writer.wants("task:IsRecurring", ALL) {
        xml.value("t:IsRecurring", false);
    }
    if writer.wants("task:PercentComplete", DEFAULT) {
        xml.value("t:PercentComplete", percent);
    }
    if writer.wants("task:Status", DEFAULT) {
        let status = match percent {
            0 => "NotStarted",
            1..100 => "InProgress",
            _ => "Completed",
        };
        xml.element("t:Status", status);
    }
}

/// PostItemType.
pub(super) fn write_post(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item) {
    if writer.wants("message:From", DEFAULT) {
        write_one(xml, "t:From", item.from.as_ref());
    }
    if writer.wants("message:InternetMessageId", ALL)
        && let Some(id) = &item.message_id
    {
        xml.element("t:InternetMessageId", id);
    }
    if writer.wants("message:IsRead", DEFAULT) {
        xml.value("t:IsRead", item.read);
    }
    if writer.wants("postitem:PostedTime", ALL) {
        xml.element("t:PostedTime", &writer.precision.time(item.created));
    }
}
