//! The SOAP envelope around a request (EWS reference: RequestServerVersion, ExchangeImpersonation).

use bytes::Bytes;
use quick_xml::escape::escape;

/// Namespace of the messages.
pub const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// Namespace of the types.
pub const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";

/// Schema versions that may be asked for, newest first.
pub const VERSIONS: [&str; 8] = [
    "Exchange2016",
    "Exchange2013_SP1",
    "Exchange2013",
    "Exchange2010_SP2",
    "Exchange2010_SP1",
    "Exchange2010",
    "Exchange2007_SP1",
    "Exchange2007",
];

/// How the account reaches mailboxes that are not its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// By permissions on the mailbox; folders are named together with their mailbox.
    Delegate,
    /// In the mailbox owner's name, said in a header of every request.
    #[default]
    Impersonation,
}

/// How requests for one mailbox are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Schema version, one of [`VERSIONS`].
    pub version: &'static str,
    /// The kind of access.
    pub access: Access,
    /// The mailbox's primary SMTP address.
    pub address: String,
}

impl Dialect {
    /// Whether the server knows what came with Exchange 2013.
    pub fn modern(&self) -> bool {
        matches!(self.version, "Exchange2016" | "Exchange2013_SP1" | "Exchange2013")
    }

    /// The whole envelope around a request body.
    pub fn envelope(&self, body: &str) -> Bytes {
        let impersonation = match self.access {
            Access::Impersonation => format!(
                "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>",
                escape(self.address.as_str())
            ),
            Access::Delegate => String::new(),
        };
        Bytes::from(format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"{TYPES}\" \
             xmlns:m=\"{MESSAGES}\"><soap:Header><t:RequestServerVersion Version=\"{}\"/>{impersonation}</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>",
            self.version
        ))
    }

    /// A folder by its well-known name; with delegate access the mailbox is named too, else it would be the account's own.
    pub fn well_known(&self, name: &str) -> String {
        match self.access {
            Access::Impersonation => format!("<t:DistinguishedFolderId Id=\"{}\"/>", escape(name)),
            Access::Delegate => format!(
                "<t:DistinguishedFolderId Id=\"{}\"><t:Mailbox><t:EmailAddress>{}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>",
                escape(name),
                escape(self.address.as_str())
            ),
        }
    }
}

/// `t:FieldURI` elements.
pub fn fields(names: &[&str]) -> String {
    names.iter().map(|name| format!("<t:FieldURI FieldURI=\"{name}\"/>")).collect()
}

/// `t:ExtendedFieldURI` elements of MAPI properties: tag and type (EWS reference: ExtendedFieldURI).
pub fn extended(tags: &[(&str, &str)]) -> String {
    tags.iter().map(|(tag, kind)| format!("<t:ExtendedFieldURI PropertyTag=\"{tag}\" PropertyType=\"{kind}\"/>")).collect()
}

/// `t:AdditionalProperties` around `content`; nothing where that is empty, since the schema forbids an empty one.
pub fn additional(content: &str) -> String {
    if content.is_empty() { String::new() } else { format!("<t:AdditionalProperties>{content}</t:AdditionalProperties>") }
}

/// An id as an attribute value.
pub fn attribute(id: &str) -> String {
    escape(id).into_owned()
}
