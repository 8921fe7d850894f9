//! The envelopes the front itself answers with when no operation is to be asked: faults and refusals for being too busy.
//!
//! Sources: documentation pages "ResponseCode", "EWS throttling in Exchange" and "SyncFolderItems operation"; [SOAP 1.1 section 4.4].
//!
//! [SOAP 1.1 section 4.4]: https://www.w3.org/TR/2000/NOTE-SOAP-20000508/

use std::fmt::Write;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

/// A SOAP fault with this response code in its detail; `values` become the `Value` elements of its MessageXml.
pub fn soap_fault(code: &str, message: &str, values: &[(&str, String)]) -> String {
    let code = escape(code);
    let message = escape(message);
    let mut text = String::from(r#"<?xml version="1.0" encoding="utf-8"?>"#);
    let _ = write!(text, r#"<s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault><faultcode xmlns:a="{TYPES}">a:{code}</faultcode>"#);
    let _ = write!(
        text,
        r#"<faultstring xml:lang="en-US">{message}</faultstring><detail><e:ResponseCode xmlns:e="{ERRORS}">{code}</e:ResponseCode>"#
    );
    let _ = write!(text, r#"<e:Message xmlns:e="{ERRORS}">{message}</e:Message>{}"#, message_xml(values));
    text.push_str("</detail></s:Fault></s:Body></s:Envelope>");
    text
}

/// A whole envelope with one response message that refuses `operation`; the synchronising operations get the elements the schema asks of
/// them: an empty state and "nothing more", as Exchange sends them.
pub fn throttled_message(operation: &str, code: &str, message: &str, values: &[(&str, String)]) -> String {
    let tail = match operation {
        "SyncFolderItems" => "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>",
        "SyncFolderHierarchy" => "<m:SyncState/><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>",
        _ => "",
    };
    let mut text = String::from(r#"<?xml version="1.0" encoding="utf-8"?>"#);
    let _ = write!(
        text,
        r#"<s:Envelope xmlns:s="{SOAP}"><s:Body><m:{operation}Response xmlns:m="{MESSAGES}" xmlns:t="{TYPES}"><m:ResponseMessages>"#
    );
    let _ = write!(
        text,
        r#"<m:{operation}ResponseMessage ResponseClass="Error"><m:MessageText>{}</m:MessageText><m:ResponseCode>{}</m:ResponseCode>"#,
        escape(message),
        escape(code)
    );
    text.push_str("<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>");
    if !values.is_empty() {
        text.push_str("<m:MessageXml>");
        write_values(&mut text, values);
        text.push_str("</m:MessageXml>");
    }
    let _ = write!(text, "{tail}</m:{operation}ResponseMessage></m:ResponseMessages></m:{operation}Response></s:Body></s:Envelope>");
    text
}

fn message_xml(values: &[(&str, String)]) -> String {
    if values.is_empty() {
        return String::new();
    }
    let mut text = format!(r#"<t:MessageXml xmlns:t="{TYPES}">"#);
    write_values(&mut text, values);
    text.push_str("</t:MessageXml>");
    text
}

fn write_values(text: &mut String, values: &[(&str, String)]) {
    for (name, value) in values {
        let _ = write!(text, r#"<t:Value Name="{}">{}</t:Value>"#, escape(name), escape(value));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
