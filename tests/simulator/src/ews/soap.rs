//! The envelopes that go out: one around an operation's answer, one around a fault.
//!
//! Sources: SOAP 1.1 section 4.4; documentation pages "ServerVersionInfo" and "SOAP fault" of the EWS reference.

use super::envelope::Refused;
use super::error::EwsError;
use super::xml::{ERRORS, Illegal, MESSAGES, SOAP, TYPES, Xml};
use std::fmt::Write as _;

/// What every envelope begins with.
pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";

/// A build as an envelope's header states it.
pub(super) type Build = [(&'static str, &'static str); 5];

/// The server's build, as its answers state it: Exchange Server 2019.
pub(super) const VERSION: Build =
    [("MajorVersion", "15"), ("MinorVersion", "2"), ("MajorBuildNumber", "1544"), ("MinorBuildNumber", "14"), ("Version", "V2017_07_11")];

/// The build a lenient server claims: Exchange Server 2013 SP1.
pub(super) const OLD_VERSION: Build =
    [("MajorVersion", "15"), ("MinorVersion", "0"), ("MajorBuildNumber", "847"), ("MinorBuildNumber", "4040"), ("Version", "V2017_07_11")];

/// An envelope around the content of a body.
fn envelope(body: Xml, build: Build) -> Xml {
    let mut out = body.sibling();
    let mut attributes = build.to_vec();
    attributes.push(("xmlns:h", TYPES));
    out.raw(DECLARATION)
        .open_with("s:Envelope", &[("xmlns:s", SOAP)])
        .open("s:Header")
        .empty("h:ServerVersionInfo", &attributes)
        .close("s:Header")
        .open("s:Body")
        .append(body)
        .close("s:Body")
        .close("s:Envelope");
    out
}

/// The answer of an operation: its `…Response` element around response messages.
pub(super) fn answer(operation: &str, messages: Xml, build: Build) -> Xml {
    let name = format!("m:{operation}Response");
    let mut out = messages.sibling();
    out.open_with(&name, &[("xmlns:m", MESSAGES), ("xmlns:t", TYPES)])
        .open("m:ResponseMessages")
        .append(messages)
        .close("m:ResponseMessages")
        .close(&name);
    envelope(out, build)
}

/// A SOAP fault as a lenient server sends it: a code and a text.
pub(super) fn bare_fault(refused: &Refused, illegal: Illegal) -> Xml {
    let (code, text) = match refused {
        Refused::Soap(code, text) => (format!("s:{code}"), text),
        Refused::Exchange(error) => (error.code.clone(), &error.text),
    };
    let mut out = Xml::new(illegal);
    out.open_with("s:Envelope", &[("xmlns:s", SOAP)])
        .empty("s:Header", &[])
        .open("s:Body")
        .open("s:Fault")
        .element("faultcode", &code)
        .element("faultstring", text)
        .close("s:Fault")
        .close("s:Body")
        .close("s:Envelope");
    out
}

/// A SOAP fault. Exchange sends none of its own headers with one.
pub(super) fn fault(refused: &Refused, illegal: Illegal) -> Xml {
    let mut out = Xml::new(illegal);
    out.raw(DECLARATION).open_with("s:Envelope", &[("xmlns:s", SOAP)]).open("s:Body").open("s:Fault");
    match refused {
        Refused::Soap(code, text) => {
            out.element("faultcode", &format!("s:{code}"))
                .open_with("faultstring", &[("xml:lang", "en-US")])
                .text(text)
                .close("faultstring");
        }
        Refused::Exchange(error) => write_error(&mut out, error),
    }
    out.close("s:Fault").close("s:Body").close("s:Envelope");
    out
}

fn write_error(out: &mut Xml, error: &EwsError) {
    out.open_with("faultcode", &[("xmlns:a", TYPES)])
        .text(&format!("a:{}", error.code))
        .close("faultcode")
        .open_with("faultstring", &[("xml:lang", "en-US")])
        .text(&error.text)
        .close("faultstring")
        .open("detail")
        .open_with("e:ResponseCode", &[("xmlns:e", ERRORS)])
        .text(&error.code)
        .close("e:ResponseCode")
        .open_with("e:Message", &[("xmlns:e", ERRORS)])
        .text(&error.text)
        .close("e:Message");
    if !error.values.is_empty() {
        out.open_with("t:MessageXml", &[("xmlns:t", TYPES)]);
        write_values(out, &error.values);
        out.close("t:MessageXml");
    }
    out.close("detail");
}

/// Named values as the children of a MessageXml. The place of a schema violation has elements of its own.
pub(super) fn write_values(out: &mut Xml, values: &[(String, String)]) {
    for (name, value) in values {
        if matches!(name.as_str(), "LineNumber" | "LinePosition" | "Violation") {
            out.element(&format!("t:{name}"), value);
        } else {
            out.open_with("t:Value", &[("Name", name)]).text(value).close("t:Value");
        }
    }
}

/// Begins a response message and writes its outcome; the caller adds content and closes it with [`close_message`].
pub(super) fn open_message(out: &mut Xml, operation: &str, outcome: Result<(), &EwsError>) {
    open_named(out, &message_name(operation), outcome);
}

/// As [`open_message`], for an element of any name.
pub(super) fn open_named(out: &mut Xml, name: &str, outcome: Result<(), &EwsError>) {
    match outcome {
        Ok(()) => {
            out.open_with(name, &[("ResponseClass", "Success")]).element("m:ResponseCode", "NoError");
        }
        Err(error) => {
            let class = if error.warning { "Warning" } else { "Error" };
            out.open_with(name, &[("ResponseClass", class)])
                .element("m:MessageText", &error.text)
                .element("m:ResponseCode", &error.code)
                .element("m:DescriptiveLinkKey", "0");
            if !error.values.is_empty() {
                out.open("m:MessageXml");
                write_values(out, &error.values);
                out.close("m:MessageXml");
            }
        }
    }
}

/// Ends a response message.
pub(super) fn close_message(out: &mut Xml, operation: &str) {
    out.close(&message_name(operation));
}

/// The name of an operation's response messages.
pub(super) fn message_name(operation: &str) -> String {
    let mut name = String::with_capacity(operation.len() + 18);
    let _ = write!(name, "m:{operation}ResponseMessage");
    name
}
