//! Addresses as XML.
//!
//! Source: documentation pages "Mailbox", "EmailAddress (EmailAddressType)".

use super::xml::Xml;
use crate::store::Address;

/// An element around one mailbox, if there is one.
pub(super) fn write_one(xml: &mut Xml, name: &str, address: Option<&Address>) {
    if let Some(address) = address {
        xml.open(name);
        write_mailbox(xml, address);
        xml.close(name);
    }
}

/// An address as `t:Mailbox`.
pub(super) fn write_mailbox(xml: &mut Xml, address: &Address) {
    xml.open("t:Mailbox");
    if let Some(name) = address.name.as_ref().or(address.email.as_ref()) {
        xml.element("t:Name", name);
    }
    if let Some(email) = address.email.as_ref().filter(|email| !email.is_empty()) {
        xml.element("t:EmailAddress", email).element("t:RoutingType", "SMTP");
    }
    xml.element("t:MailboxType", "OneOff").close("t:Mailbox");
}
