//! MAPI properties asked for by number: `$expand=singleValueExtendedProperties($filter=id eq 'Integer 0x0E08' or ..)`.
//!
//! Source: documentation pages "singleValueLegacyExtendedProperty resource type" and "Get singleValueLegacyExtendedProperty"; numbers and
//! meanings are of MS-OXPROPS. A property that an item does not have, or has in another type, is left out.

use super::entity::{sensitivity, time};
use crate::graph::GraphError;
use crate::store::Item;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The name of the collection, in `$expand` and in answers.
pub(super) const NAME: &str = "singleValueExtendedProperties";

/// One property asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    kind: String,
    /// Absent for a named property: no item here has one.
    tag: Option<u16>,
    name: String,
}

/// Reads the inside of the brackets: `$filter=id eq 'A' or id eq 'B'`.
///
/// # Errors
/// For anything else.
pub(super) fn read(options: &str) -> Result<Vec<Asked>, GraphError> {
    let filter = options.trim().strip_prefix("$filter=").or_else(|| options.trim().strip_prefix("filter="));
    let filter = filter.ok_or_else(|| GraphError::query("Extended properties are expanded by a filter of their ids."))?;
    split_or(filter).into_iter().map(read_term).collect()
}

/// Splits at ` or ` outside of quotes.
fn split_or(filter: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, letter) in filter.char_indices() {
        quoted ^= letter == '\'';
        if !quoted && at >= start && filter.get(at..at + 4).is_some_and(|word| word.eq_ignore_ascii_case(" or ")) {
            parts.extend(filter.get(start..at));
            start = at + 4;
        }
    }
    parts.extend(filter.get(start..));
    parts
}

fn read_term(term: &str) -> Result<Asked, GraphError> {
    let bad = || GraphError::query(format!("The filter '{}' of extended properties cannot be read.", term.trim()));
    let mut words = term.trim().trim_matches(['(', ')']).splitn(3, ' ');
    let (id, eq, value) = (words.next(), words.next(), words.next());
    if !id.is_some_and(|word| word.rsplit('/').next().is_some_and(|word| word.eq_ignore_ascii_case("id")))
        || !eq.is_some_and(|word| word.eq_ignore_ascii_case("eq"))
    {
        return Err(bad());
    }
    let name = value.and_then(|value| value.trim().strip_prefix('\'')?.strip_suffix('\'')).ok_or_else(bad)?;
    let (kind, rest) = name.split_once(' ').ok_or_else(bad)?;
    const KINDS: [&str; 9] = ["String", "Integer", "Short", "Long", "Boolean", "Binary", "SystemTime", "Double", "CLSID"];
    let kind = KINDS.iter().find(|known| known.eq_ignore_ascii_case(kind)).ok_or_else(bad)?;
    let number = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"));
    let tag = match number {
        Some(digits) => Some(u16::from_str_radix(digits, 16).map_err(|_| bad())?),
        None if rest.starts_with('{') => None,
        None => return Err(bad()),
    };
    let name = tag.map_or_else(|| name.to_owned(), |tag| format!("{kind} 0x{tag:x}"));
    Ok(Asked { kind: (*kind).to_owned(), tag, name })
}

/// Whether the message's header must be read for one of these.
pub(super) fn need_header(asked: &[Asked]) -> bool {
    asked.iter().any(|asked| asked.tag == Some(0x007D))
}

/// The properties of an item, as the collection.
pub(super) fn values(item: &Item, asked: &[Asked], header: Option<&str>) -> Value {
    let found = asked.iter().filter_map(|asked| {
        let (kind, value) = value(item, asked.tag?, header)?;
        let fits = asked.kind == kind || (kind == "Integer" && matches!(asked.kind.as_str(), "Short" | "Long"));
        fits.then(|| json!({"id": asked.name, "value": value}))
    });
    Value::Array(found.collect())
}

fn value(item: &Item, tag: u16, header: Option<&str>) -> Option<(&'static str, String)> {
    let text = |text: &str| Some(("String", text.to_owned()));
    let number = |number: i64| Some(("Integer", number.to_string()));
    match tag {
        0x0017 => number(item.importance as i64),
        0x001A => text(&item.class),
        0x0036 => number(sensitivity(item.sensitivity)),
        0x0037 => text(item.subject.as_deref()?),
        0x0039 => Some(("SystemTime", time(item.sent?))),
        0x0070 => text(topic(item.subject.as_deref()?)),
        0x007D => text(header?),
        0x0E06 => Some(("SystemTime", time(item.received?))),
        0x0E07 => number(item.flags().into()),
        0x0E08 => number(i64::from(i32::try_from(item.size).unwrap_or(i32::MAX))),
        0x0E1B => Some(("Boolean", item.has_attachments.to_string())),
        0x1035 => text(item.message_id.as_deref()?),
        0x1042 => text(item.in_reply_to.as_deref()?),
        0x3007 => Some(("SystemTime", time(item.created))),
        0x3008 => Some(("SystemTime", time(item.modified))),
        0x300B => Some(("Binary", STANDARD.encode(item.search_key))),
        _ => None,
    }
}

/// PidTagConversationTopic: the subject without the marks of replies.
fn topic(subject: &str) -> &str {
    let mut rest = subject;
    while let Some((mark, after)) = rest.split_once(':') {
        if !matches!(mark.trim().to_ascii_lowercase().as_str(), "re" | "fw" | "fwd" | "aw" | "wg") {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_come_back_as_graph_spells_them() {
        let asked = read(
            "$filter=id eq 'Integer 0x0E08' or id eq 'String {00020386-0000-0000-C000-000000000046} Name or x' OR id eq 'binary 0x300B'",
        )
        .unwrap();
        let names: Vec<_> = asked.iter().map(|asked| asked.name.as_str()).collect();
        assert_eq!(names, ["Integer 0xe08", "String {00020386-0000-0000-C000-000000000046} Name or x", "Binary 0x300b"]);
        for bad in [
            "",
            "$filter=",
            "$filter=id eq 'Integer'",
            "$filter=id ne 'Integer 0x1'",
            "$filter=id eq 'Integer 0x12345'",
            "$top=1",
            "$filter=id eq 'Rubbish 0x1'",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
