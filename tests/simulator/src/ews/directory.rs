//! ConvertId, ResolveNames, GetServerTimeZones.
//!
//! Source: the documentation pages of these operations.

use super::envelope::{elements, part, text};
use super::error::EwsError;
use super::session::Session;
use super::xml::Xml;
use crate::store::{AnyId, Mailbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

/// The most names ResolveNames gives.
const MOST: usize = 100;

/// ConvertId: one response message for each id.
pub(super) fn convert_id(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let wanted = operation.attribute("DestinationFormat").unwrap_or_default().trim().to_owned();
    let ids = part(operation, "SourceIds").into_iter().flat_map(elements);
    Ok(session.batch(ids, |xml, node| {
        if node.tag_name().name() != "AlternateId" {
            return Err(EwsError::invalid_operation("Public folders are not held by this server."));
        }
        let format = node.attribute("Format").unwrap_or_default().trim();
        let id = node.attribute("Id").unwrap_or_default();
        let ews = to_ews(format, id).filter(|id| AnyId::parse(id).is_ok()).ok_or_else(EwsError::malformed_id)?;
        let mailbox = node.attribute("Mailbox").unwrap_or_default();
        let converted = from_ews(&wanted, &ews).ok_or_else(EwsError::malformed_id)?;
        xml.empty(
            "m:AlternateId",
            &[
                ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
                ("xsi:type", "t:AlternateIdType"),
                ("Format", &wanted),
                ("Id", &converted),
                ("Mailbox", mailbox),
            ],
        );
        Ok(())
    }))
}

/// What stands before the bytes of an identifier in the formats that are bytes as well, to tell them apart.
fn prefix(format: &str) -> &'static [u8] {
    match format {
        "EwsLegacyId" => b"EWSL",
        "EntryId" | "HexEntryId" => b"\0\0\0\0",
        _ => b"STOR",
    }
}

fn to_ews(format: &str, id: &str) -> Option<String> {
    let unwrap = |bytes: Vec<u8>| bytes.strip_prefix(prefix(format)).map(|rest| STANDARD.encode(rest));
    match format {
        "EwsId" => Some(id.to_owned()),
        "OwaId" => Some(crate::http::percent_decode(id)),
        "HexEntryId" => hex::decode(id).ok().and_then(unwrap),
        _ => STANDARD.decode(id).ok().and_then(unwrap),
    }
}

fn from_ews(format: &str, id: &str) -> Option<String> {
    let wrap = || {
        let mut bytes = prefix(format).to_vec();
        bytes.extend(STANDARD.decode(id).ok()?);
        Some(bytes)
    };
    match format {
        "EwsId" => Some(id.to_owned()),
        "OwaId" => Some(id.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")),
        "HexEntryId" => wrap().map(hex::encode_upper),
        _ => wrap().map(|bytes| STANDARD.encode(bytes)),
    }
}

/// ResolveNames: mailboxes whose address or name begins with the entry.
pub(super) fn resolve_names(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let entry = part(operation, "UnresolvedEntry").map(text).unwrap_or_default();
    let wanted = entry.trim().to_lowercase();
    let wanted = wanted.strip_prefix("smtp:").unwrap_or(&wanted);
    let mut found: Vec<Mailbox> = session.state.store.mailbox(wanted).into_iter().collect();
    if found.is_empty() {
        found = session
            .state
            .store
            .mailboxes()
            .into_iter()
            .filter(|mailbox| {
                mailbox.address().to_lowercase().starts_with(wanted)
                    || mailbox.display_name().to_lowercase().split(' ').any(|word| word.starts_with(wanted))
                    || mailbox.display_name().to_lowercase().starts_with(wanted)
            })
            .collect();
    }
    if found.is_empty() || wanted.is_empty() {
        return Ok(session.single(|_| Err(EwsError::new("ErrorNameResolutionNoResults", "No results were found."))));
    }
    let total = found.len();
    let mut set = session.xml();
    let (count, last) = (total.to_string(), (total <= MOST).to_string());
    set.open_with("m:ResolutionSet", &[("TotalItemsInView", &count), ("IncludesLastItemInRange", &last)]);
    for mailbox in found.iter().take(MOST) {
        set.open("t:Resolution")
            .open("t:Mailbox")
            .element("t:Name", mailbox.display_name())
            .element("t:EmailAddress", mailbox.address())
            .element("t:RoutingType", "SMTP")
            .element("t:MailboxType", "Mailbox")
            .close("t:Mailbox")
            .close("t:Resolution");
    }
    set.close("m:ResolutionSet");
    if total == 1 || session.fault_for_all().is_some() {
        return Ok(session.single(|xml| {
            xml.append(set);
            Ok(())
        }));
    }
    let mut warning = EwsError::new("ErrorNameResolutionMultipleResults", "Multiple results were found.");
    warning.warning = true;
    let mut out = session.xml();
    super::soap::open_message(&mut out, &session.operation, Err(&warning));
    out.append(set);
    super::soap::close_message(&mut out, &session.operation);
    Ok(out)
}

/// GetServerTimeZones: this server knows UTC and nothing else.
pub(super) fn time_zones(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let asked: Option<Vec<String>> = part(operation, "Ids").map(|ids| elements(ids).map(text).collect());
    let full = operation.attribute("ReturnFullTimeZoneData").is_none_or(super::envelope::is_true);
    Ok(session.single(|xml| {
        xml.open("m:TimeZoneDefinitions");
        if asked.is_none_or(|ids| ids.iter().any(|id| id.trim().eq_ignore_ascii_case("UTC"))) {
            xml.open_with("t:TimeZoneDefinition", &[("Id", "UTC"), ("Name", "(UTC) Coordinated Universal Time")])
                .open("t:Periods")
                .empty("t:Period", &[("Bias", "PT0S"), ("Name", "Standard"), ("Id", "trule:Microsoft/Registry/UTC/1-Standard")])
                .close("t:Periods");
            if full {
                xml.open("t:TransitionsGroups")
                    .open_with("t:TransitionsGroup", &[("Id", "0")])
                    .open("t:Transition")
                    .open_with("t:To", &[("Kind", "Period")])
                    .text("trule:Microsoft/Registry/UTC/1-Standard")
                    .close("t:To")
                    .close("t:Transition")
                    .close("t:TransitionsGroup")
                    .close("t:TransitionsGroups")
                    .open("t:Transitions")
                    .open("t:Transition")
                    .open_with("t:To", &[("Kind", "Group")])
                    .text("0")
                    .close("t:To")
                    .close("t:Transition")
                    .close("t:Transitions");
            }
            xml.close("t:TimeZoneDefinition");
        }
        xml.close("m:TimeZoneDefinitions");
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{FolderId, Guid};

    #[test]
    fn every_format_leads_back() {
        let id = FolderId { mailbox: Guid([3; 16]), number: 77, generation: 0 }.text();
        for format in ["EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId"] {
            let other = from_ews(format, &id).expect("a proper identifier");
            assert_eq!(to_ews(format, &other).as_deref(), Some(id.as_str()), "{format}");
            assert_eq!(other == id, format == "EwsId");
        }
        assert_eq!(to_ews("HexEntryId", "xyz"), None);
        assert_eq!(to_ews("EntryId", "AAAA"), None);
    }
}
