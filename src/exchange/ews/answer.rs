//! A SOAP answer read from outside in: envelope, body, one response message after the other.

use super::{
    element::Element,
    post::Reply,
    refusal::{Refusal, names_version, shorten},
    trouble::Trouble,
    xml::{Intake, Limits, Text, Token, Xml},
};

/// An answer whose response messages are still to be read.
pub struct Answer {
    xml: Xml,
    sound: bool,
    /// Whether more response messages may follow.
    more: bool,
}

impl Answer {
    /// Reads up to the first response message of `operation`. A fault, something that is not SOAP, and the answer to another operation
    /// (some servers send one answer too many, and every later one on that connection is then one off) come out as trouble, and the
    /// connection is dropped.
    pub async fn open(reply: Reply, operation: &str) -> Result<Self, Trouble> {
        let Reply { status, retry_after, body, request_id: _ } = reply;
        let sound = (200..300).contains(&status);
        let mut xml = Xml::new(body);
        let broken = match enter(&mut xml, operation).await {
            Ok(Entered::Response(more)) => return Ok(Self { xml, sound, more }),
            Ok(Entered::Fault(fault)) => {
                let mut refusal = Refusal::of_fault(&fault);
                refusal.wait = refusal.wait.or(retry_after);
                return Err(Trouble::Refused(refusal));
            }
            Ok(Entered::Foreign(found)) => {
                return Err(Trouble::Broken(format!("asked for {operation}, the answer holds {}", shorten(&found))));
            }
            Ok(Entered::NotSoap) => None,
            Err(error) => Some(error),
        };
        // What is no SOAP is judged by its status, an envelope or an answer that broke off by that alone.
        let head = xml.head().await;
        match broken {
            Some(error) if head.contains("Envelope") || sound && head.trim().is_empty() => Err(error),
            _ => Err(strange(status, retry_after, &head)),
        }
    }

    /// The next response message as a tree; none after the last. MIME content goes to `intake`.
    pub async fn message(&mut self, limits: Limits, intake: Option<&mut Intake<'_>>) -> Result<Option<Element>, Trouble> {
        if !self.more {
            return Ok(None);
        }
        match self.xml.next(Text::Skip).await? {
            Some(Token::Start(start)) => Ok(Some(self.xml.tree(start, limits, intake).await?)),
            _ => {
                self.more = false;
                Ok(None)
            }
        }
    }

    /// Reads to the end of the envelope, without which nothing of the answer may be trusted as complete, and on to the end of the body.
    pub async fn finish(mut self) -> Result<(), Trouble> {
        while self.xml.depth() > 0 {
            if self.xml.next(Text::Skip).await? == Some(Token::Eof) {
                break;
            }
        }
        // Whatever follows the envelope does not concern this answer, but the connection is no longer to be trusted.
        if matches!(self.xml.next(Text::Skip).await, Ok(Some(Token::Eof))) && self.sound {
            self.xml.accept().await;
        }
        Ok(())
    }
}

enum Entered {
    /// Whether there are response messages.
    Response(bool),
    Fault(Element),
    Foreign(String),
    NotSoap,
}

async fn enter(xml: &mut Xml, operation: &str) -> Result<Entered, Trouble> {
    match xml.next(Text::Skip).await? {
        Some(Token::Start(root)) if root.name == "Envelope" => {}
        _ => return Ok(Entered::NotSoap),
    }
    loop {
        match xml.next(Text::Skip).await? {
            Some(Token::Start(part)) if part.name == "Body" => break,
            Some(Token::Start(_)) => xml.skip().await?,
            _ => return Ok(Entered::Foreign("no body".into())),
        }
    }
    match xml.next(Text::Skip).await? {
        Some(Token::Start(fault)) if fault.name == "Fault" => return Ok(Entered::Fault(xml.tree(fault, Limits::LEAN, None).await?)),
        Some(Token::Start(part)) if part.name.strip_suffix("Response") == Some(operation) => {}
        Some(Token::Start(part)) => return Ok(Entered::Foreign(part.name)),
        _ => return Ok(Entered::Foreign("an empty body".into())),
    }
    loop {
        match xml.next(Text::Skip).await? {
            Some(Token::Start(part)) if part.name == "ResponseMessages" => return Ok(Entered::Response(true)),
            Some(Token::Start(_)) => xml.skip().await?,
            _ => return Ok(Entered::Response(false)),
        }
    }
}

/// An answer that is not SOAP: a page of a proxy or of the web server, or nothing at all.
fn strange(status: u16, wait: Option<std::time::Duration>, head: &str) -> Trouble {
    let text = page(head);
    if names_version(head) {
        return Trouble::Refused(Refusal { code: "ErrorInvalidServerVersion".into(), text, ..Refusal::default() });
    }
    if (200..300).contains(&status) {
        Trouble::Broken(format!("the answer is not SOAP: {text}"))
    } else {
        Trouble::Http { status, wait, text }
    }
}

/// What a page says: its title, else its text.
fn page(head: &str) -> String {
    let lower = head.to_ascii_lowercase();
    if let Some((start, end)) =
        lower.find("<title>").map(|at| at + 7).and_then(|start| Some((start, lower[start..].find("</title>")? + start)))
    {
        return format!("page titled \"{}\"", shorten(&head[start..end]));
    }
    let mut text = String::new();
    let mut inside = false;
    for character in head.chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(character),
            _ => {}
        }
    }
    match shorten(text.trim_start_matches('\u{FEFF}')) {
        text if text.is_empty() => "nothing readable in it".to_owned(),
        text => text,
    }
}
