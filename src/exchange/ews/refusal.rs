//! What Exchange says when it will not: SOAP faults and response messages of the class Error, in all the shapes they come in.
//!
//! Sources: EWS reference, pages "ResponseCode", "MessageXml" and "Fault"; "EWS throttling in Exchange".

use std::time::Duration;

use super::{
    element::Element,
    verdict::{Action, judge},
};
pub use crate::exchange::shorten::shorten;

/// A refusal: of one whole request, or of one message within its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The innermost response code.
    pub code: String,
    /// The server's words.
    pub text: String,
    /// How long the server wants to be left alone; zero counts as not said.
    pub wait: Option<Duration>,
    /// The throttling policy that was exceeded.
    pub policy: Option<String>,
}

impl Refusal {
    /// What a response message refuses; none where it succeeded, if only with a warning.
    pub fn of_message(message: &Element) -> Option<Self> {
        let code = message.value("ResponseCode");
        match message.attribute("ResponseClass") {
            Some("Success") => return None,
            // One id that was not even looked at: the only warning without a result.
            Some("Warning") if code != Some("ErrorBatchProcessingStopped") => return None,
            None if matches!(code, None | Some("NoError")) => return None,
            _ => {}
        }
        Some(Self::new(code.unwrap_or("(no code)"), message.value("MessageText"), message.child("MessageXml")))
    }

    /// What a SOAP fault says (SOAP 1.1, 4.4), with or without the detail that Exchange adds.
    pub fn of_fault(fault: &Element) -> Self {
        let detail = fault.child("detail");
        let bare = |text: &str| text.rsplit(':').next().unwrap_or(text).trim().to_owned();
        let fault_code = fault.value("faultcode").map(bare);
        let code = match (detail.and_then(|detail| detail.find("ResponseCode")), fault_code) {
            (Some(code), _) if !code.text.trim().is_empty() => code.text.trim().to_owned(),
            (_, Some(code)) if code.starts_with("Error") => code,
            (_, Some(code)) => format!("SOAP {code}"),
            _ => "SOAP fault".to_owned(),
        };
        let words = fault.value("faultstring").or_else(|| fault.find("Text").map(|text| text.text.trim()));
        let words = words.or_else(|| detail.and_then(|detail| detail.value("Message")));
        let mut refusal = Self::new(&code, words, detail.and_then(|detail| detail.find("MessageXml")));
        if !refusal.code.starts_with("Error") && names_version(&refusal.text) {
            refusal.code = "ErrorInvalidServerVersion".to_owned();
        }
        refusal
    }

    /// Whether it asks to leave the mailbox alone for a while.
    pub fn throttles(&self) -> bool {
        judge(&self.code) == Some(Action::Throttle)
    }

    fn new(code: &str, text: Option<&str>, xml: Option<&Element>) -> Self {
        let mut refusal = Self { code: code.to_owned(), text: text.unwrap_or("no message").to_owned(), ..Self::default() };
        for value in xml.into_iter().flat_map(|xml| &xml.children) {
            let content = value.text.trim();
            match value.attribute("Name").unwrap_or(&value.name) {
                "BackOffMilliseconds" => {
                    let milliseconds = content.parse().unwrap_or(0);
                    refusal.wait = (milliseconds > 0).then(|| Duration::from_millis(milliseconds));
                }
                "Policy" => refusal.policy = Some(content.to_owned()),
                "InnerErrorResponseCode" if !content.is_empty() => refusal.code = content.to_owned(),
                "InnerErrorMessageText" if !content.is_empty() => refusal.text = content.to_owned(),
                "Violation" | "LineNumber" | "LinePosition" => {
                    refusal.text.push_str(&format!("; {} {content}", value.attribute("Name").unwrap_or(&value.name)));
                }
                _ => {}
            }
        }
        if refusal.policy.is_none() {
            refusal.policy = quoted_after(&refusal.text, "policy part ");
        }
        if refusal.wait.is_none() {
            refusal.wait = suggested(&refusal.text);
        }
        refusal.text = shorten(&refusal.text);
        refusal
    }
}

/// Whether a fault without a code complains of the schema version asked for.
pub fn names_version(text: &str) -> bool {
    text.contains("specified server version is invalid") || text.contains("ErrorInvalidSchemaVersionForMailboxVersion")
}

/// `… policy part 'ConcurrentSyncCalls' …`: the name in quotes.
fn quoted_after(text: &str, before: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (name, _) = rest.strip_prefix('\'')?.split_once('\'')?;
    Some(name.to_owned())
}

/// `Suggested backoff time 5000 ms`: some answers have it in words alone.
fn suggested(text: &str) -> Option<Duration> {
    let (_, rest) = text.split_once("Suggested backoff time ")?;
    let milliseconds: u64 = rest.split(' ').next()?.parse().ok()?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}
