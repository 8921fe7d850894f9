//! Takes a request's envelope apart: encoding, SOAP, headers, the one operation in the body.
//!
//! Sources: SOAP 1.1 sections 4.1.2 and 4.4 (envelope, version mismatch, must-understand); documentation pages "RequestServerVersion",
//! "ExchangeImpersonation", "ConnectingSID".

use super::error::EwsError;
use super::schema::{self, Known};
use super::xml::{MESSAGES, SOAP, TYPES};
use bytes::Bytes;
use roxmltree::{Document, Node};

/// The versions a request may name (types.xsd, ExchangeVersionType), oldest first.
const VERSIONS: [&str; 19] = [
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2009",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2012",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
    "V2015_10_05",
    "V2016_01_06",
    "V2016_04_13",
    "V2016_07_13",
    "V2016_10_10",
    "V2017_01_07",
    "V2017_04_14",
    "V2017_07_11",
];

/// Why a request is answered with a SOAP fault, and under which fault code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// An error of Exchange.
    Exchange(EwsError),
    /// An error of SOAP itself, with its fault code.
    Soap(&'static str, String),
}

impl From<EwsError> for Refused {
    fn from(error: EwsError) -> Self {
        Self::Exchange(error)
    }
}

/// Whom a request wants to act as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ConnectingAs {
    /// By user principal name.
    Principal(String),
    /// By security identifier.
    Sid(String),
    /// By primary address.
    Primary(String),
    /// By any address.
    Address(String),
}

/// What the headers of a request say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The version asked for, as a place in the order of age; `None` when the header is missing.
    pub version: Option<usize>,
    /// Whom to act as.
    pub connecting_as: Option<ConnectingAs>,
    /// Times are wanted to the millisecond (documentation page "DateTimePrecision"; the default is whole seconds).
    pub milliseconds: bool,
}

impl Head {
    /// Whether the request is at least of the version named (false when no version was named).
    pub fn is_at_least(&self, version: &str) -> bool {
        let wanted = VERSIONS.iter().position(|known| *known == version);
        self.version.is_some() && self.version >= wanted
    }
}

/// A request's headers and operation.
#[derive(Clone, Debug)]
pub(super) struct Envelope<'a, 'input> {
    /// The headers.
    pub head: Head,
    /// The operation's element, checked against the schema.
    pub operation: Node<'a, 'input>,
}

/// Turns a body into text: UTF-8 with or without byte order mark, or UTF-16 with one.
pub(super) fn decode(body: &Bytes) -> Result<String, EwsError> {
    let (text, _, damaged) = encoding_rs::UTF_8.decode(body);
    if damaged {
        return Err(EwsError::new(
            "ErrorSchemaValidation",
            "The request failed schema validation: invalid character in the given encoding.",
        ));
    }
    Ok(text.into_owned())
}

/// Parses the text of a request. A document type declaration is refused, as Exchange refuses it.
pub(super) fn parse(text: &str) -> Result<Document<'_>, EwsError> {
    Document::parse(text).map_err(|error| {
        let position = error.pos();
        let violation =
            schema::Violation { text: format!("the document is not well-formed: {error}."), line: position.row, column: position.col };
        violation.into()
    })
}

/// Reads the headers and finds the operation. A lenient server (`strict` false) looks neither at the schema nor at the version's name.
pub(super) fn read<'a, 'input>(document: &'a Document<'input>, strict: bool) -> Result<Envelope<'a, 'input>, Refused> {
    let root = document.root_element();
    if root.tag_name().name() != "Envelope" || root.tag_name().namespace() != Some(SOAP) {
        let found = root.tag_name().namespace().unwrap_or_default();
        let text = format!("The envelope is not of SOAP 1.1: its namespace is '{found}'.");
        return Err(Refused::Soap("VersionMismatch", text));
    }
    let mut parts = root.children().filter(Node::is_element);
    let mut next = parts.next();
    let mut head = Head { version: (!strict).then_some(VERSIONS.len()), ..Head::default() };
    if let Some(header) = next.filter(|node| node.has_tag_name((SOAP, "Header"))) {
        head = read_head(header, strict)?;
        next = parts.next();
    }
    let body = next
        .filter(|node| node.has_tag_name((SOAP, "Body")))
        .ok_or_else(|| Refused::Soap("Client", "The envelope has no body.".to_owned()))?;
    let operation = body.first_element_child().ok_or_else(|| Refused::Soap("Client", "The body of the envelope is empty.".to_owned()))?;
    match schema::known(operation) {
        Known::Offered if !strict => {}
        Known::Offered => schema::check_operation(operation).map_err(EwsError::from)?,
        Known::Unoffered => {
            let name = operation.tag_name().name();
            let text = format!("The operation {name} is not offered by this server.");
            return Err(EwsError::invalid_operation(text).into());
        }
        Known::Undeclared => return Err(EwsError::from(schema::undeclared(operation)).into()),
    }
    if let Some(extra) = operation.next_sibling_element() {
        return Err(EwsError::from(schema::undeclared(extra)).into());
    }
    Ok(Envelope { head, operation })
}

fn read_head(header: Node<'_, '_>, strict: bool) -> Result<Head, Refused> {
    let mut head = Head::default();
    let mut seen: Vec<&str> = Vec::new();
    for entry in header.children().filter(Node::is_element) {
        let name = entry.tag_name().name();
        if entry.tag_name().namespace() != Some(TYPES) {
            if matches!(entry.attribute((SOAP, "mustUnderstand")), Some("1" | "true")) {
                let text = format!("The header '{name}' is not understood.");
                return Err(Refused::Soap("MustUnderstand", text));
            }
            continue;
        }
        if seen.contains(&name) {
            let text = format!("The header '{name}' is there more than once.");
            return Err(EwsError::new("ErrorDuplicateSOAPHeader", text).into());
        }
        seen.push(name);
        match name {
            "RequestServerVersion" if strict => head.version = Some(read_version(entry)?),
            "ExchangeImpersonation" => {
                schema::check_as(entry, "impersonation").map_err(EwsError::from)?;
                head.connecting_as = read_connecting(entry);
            }
            "DateTimePrecision" => head.milliseconds = text(entry).trim() == "Milliseconds",
            _ => {}
        }
    }
    if !strict {
        head.version = Some(VERSIONS.len());
    }
    Ok(head)
}

fn read_version(entry: Node<'_, '_>) -> Result<usize, EwsError> {
    let version = entry.attribute("Version").unwrap_or_default();
    VERSIONS
        .iter()
        .position(|known| *known == version)
        .ok_or_else(|| EwsError::new("ErrorInvalidServerVersion", "The specified server version is invalid."))
}

fn read_connecting(entry: Node<'_, '_>) -> Option<ConnectingAs> {
    let choice = entry.first_element_child()?.first_element_child()?;
    let value = text(choice).trim().to_owned();
    Some(match choice.tag_name().name() {
        "PrincipalName" => ConnectingAs::Principal(value),
        "SID" => ConnectingAs::Sid(value),
        "PrimarySmtpAddress" => ConnectingAs::Primary(value),
        _ => ConnectingAs::Address(value),
    })
}

/// A child element by namespace and name.
fn element<'a, 'input>(node: Node<'a, 'input>, namespace: &str, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.is_element() && child.has_tag_name((namespace, name)))
}

/// A child of an operation's element, of the messages namespace.
pub(super) fn part<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    element(node, MESSAGES, name)
}

/// A child of the types namespace.
pub(super) fn typed<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    element(node, TYPES, name)
}

/// All child elements.
pub(super) fn elements<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

/// All the text directly in an element.
pub(super) fn text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|child| child.text()).collect()
}

/// The text of a child of the types namespace.
pub(super) fn typed_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    typed(node, name).map(text)
}

/// Whether a text is a true boolean.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text.trim(), "true" | "1")
}

#[cfg(test)]
mod tests;
