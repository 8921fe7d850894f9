//! A glance at an envelope: which operation it asks for, and whom it impersonates.
//!
//! The front must know both before anybody has checked the envelope, and for large bodies too, so it looks at tags alone and stops at the
//! first element inside `Body`. Whether the envelope is right is for the EWS room to say.

use std::borrow::Cow;

/// Bytes looked at. Headers of an envelope take a few hundred.
const REACH: usize = 64 * 1024;

/// What a glance shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// The local name of the first element inside `Body`.
    pub operation: Option<String>,
    /// The text of the impersonated identity: an address, a principal name or a SID.
    pub impersonated: Option<String>,
}

/// Looks at the beginning of an envelope. Whatever cannot be made out is absent.
pub fn glance(body: &[u8]) -> Glance {
    let mut reach = body.len().min(REACH);
    while reach < body.len() && !body.get(reach).is_some_and(u8::is_ascii) && reach > 0 {
        reach -= 1;
    }
    let text = String::from_utf8_lossy(body.get(..reach).unwrap_or_default());
    let mut seen = Glance::default();
    let mut inside_body = false;
    let mut rest: &str = &text;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        if let Some(after) = skip(rest, "!--", "-->").or_else(|| skip(rest, "?", "?>")) {
            rest = after;
            continue;
        }
        let Some((tag, after)) = rest.split_once('>') else {
            break;
        };
        rest = after;
        let name = local_name(tag);
        if tag.starts_with('/') || name.is_empty() {
            continue;
        }
        if inside_body {
            if name.chars().all(|letter| letter.is_ascii_alphanumeric()) {
                seen.operation = Some(name.to_owned());
            }
            break;
        }
        match name {
            "Body" => inside_body = true,
            "PrimarySmtpAddress" | "SmtpAddress" | "PrincipalName" | "SID" => {
                let value = rest.split_once('<').map_or("", |(value, _)| value).trim();
                seen.impersonated = Some(unescape(value).into_owned());
            }
            _ => {}
        }
    }
    seen
}

fn skip<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let inside = text.strip_prefix(open)?;
    Some(inside.split_once(close).map_or("", |(_, after)| after))
}

fn local_name(tag: &str) -> &str {
    let name = tag.split(|letter: char| letter.is_whitespace() || letter == '/').next().unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Cow::Owned(plain.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(text: &str) -> (Option<String>, Option<String>) {
        let seen = glance(text.as_bytes());
        (seen.operation, seen.impersonated)
    }

    #[test]
    fn the_operation_is_the_first_element_of_the_body() {
        let text = r#"<?xml version="1.0"?><!-- <Body> --><s:Envelope xmlns:s="x"><s:Header><t:RequestServerVersion Version="Exchange2016"/></s:Header>
            <s:Body xmlns="y"> <m:GetItem a="1"><m:ItemShape/></m:GetItem></s:Body></s:Envelope>"#;
        assert_eq!(see(text), (Some("GetItem".to_owned()), None));
    }

    #[test]
    fn the_impersonated_address_is_read_unescaped() {
        let text = "<Envelope><Header><ExchangeImpersonation><ConnectingSID><t:PrimarySmtpAddress> a&amp;b@example.com </t:PrimarySmtpAddress>\
            </ConnectingSID></ExchangeImpersonation></Header><Body><Subscribe/></Body></Envelope>";
        assert_eq!(see(text), (Some("Subscribe".to_owned()), Some("a&b@example.com".to_owned())));
    }

    #[test]
    fn nonsense_shows_nothing() {
        for text in ["", "<", "not xml", "<Body", "<Body>", "<Body></Body>", "<?xml", "<!-- <Body><GetItem>"] {
            assert_eq!(see(text).0, None, "{text}");
        }
        assert_eq!(glance(&[0xff, 0xfe, b'<']), Glance::default());
    }
}
