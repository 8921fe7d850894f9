//! EWS reference: GetItem operation. Items by their ids: with MIME content, by properties, or with everything there is.

use super::{
    super::{
        element::Element,
        envelope::{additional, attribute, extended, fields},
        session::Request,
    },
    wrap,
};
use crate::mail::ItemId;

/// The level with the fewest properties.
pub const FEWEST: usize = 2;

/// What is asked of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// MIME content and properties.
    Mime,
    /// Properties alone.
    Properties,
    /// All properties and the body, for items without MIME.
    Everything,
}

/// The items in the order of `ids`. `level` 0 asks for the properties of messages, which some servers refuse for other kinds of items; 1 for
/// those of all items; 2 for none beyond the id.
pub fn request(ids: &[&ItemId], shape: Shape, level: usize) -> Request {
    let ids: Vec<String> = ids.iter().map(|id| format!("<t:ItemId Id=\"{}\"/>", attribute(&id.0))).collect();
    let shape = match shape {
        Shape::Mime => {
            format!("<t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>{}", additional(&properties(level)))
        }
        Shape::Properties => format!("<t:BaseShape>IdOnly</t:BaseShape>{}", additional(&properties(level))),
        Shape::Everything => format!(
            "<t:BaseShape>{}</t:BaseShape><t:IncludeMimeContent>false</t:IncludeMimeContent><t:BodyType>Best</t:BodyType>{}",
            if level < 2 { "AllProperties" } else { "Default" },
            additional(&if level == 0 { extended(&SENDERS) + &extended(&EVERYWHERE) } else { String::new() })
        ),
    };
    wrap("GetItem", "", &format!("<m:ItemShape>{shape}</m:ItemShape><m:ItemIds>{}</m:ItemIds>", ids.concat()), ids.len())
}

/// PidTagInternetMessageId and PidTagMessageFlags: what messages have under `message:` and other items here.
const EVERYWHERE: [(&str, &str); 2] = [("0x1035", "String"), ("0x0E07", "Integer")];

/// PidTagSenderSmtpAddress and PidTagSentRepresentingSmtpAddress: for senders given by a directory name.
const SENDERS: [(&str, &str); 2] = [("0x5D01", "String"), ("0x5D02", "String")];

fn properties(level: usize) -> String {
    if level >= 2 {
        return String::new();
    }
    let item = fields(&[
        "item:ItemClass",
        "item:Subject",
        "item:Sensitivity",
        "item:DateTimeReceived",
        "item:Size",
        "item:Categories",
        "item:Importance",
        "item:DateTimeSent",
        "item:DateTimeCreated",
        "item:HasAttachments",
        "item:LastModifiedTime",
        "item:ConversationId",
    ]);
    let message = fields(&[
        "message:Sender",
        "message:ToRecipients",
        "message:CcRecipients",
        "message:BccRecipients",
        "message:From",
        "message:InternetMessageId",
        "message:IsRead",
    ]);
    if level == 0 { item + &message + &extended(&SENDERS) + &extended(&EVERYWHERE) } else { item + &extended(&EVERYWHERE) }
}

/// The item of a response message that succeeded.
pub fn item(message: &Element) -> Option<&Element> {
    message.child("Items")?.children.first()
}
