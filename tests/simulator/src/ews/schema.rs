//! Checks a request against [`grammar`](super::grammar) and says, as Exchange does, what is wrong and where.

use super::grammar::{ENUMERATIONS, GROUPS, NUMBERS, OPERATIONS, Row, TYPES, UNOFFERED};
use super::xml::{MESSAGES, TYPES as TYPES_NS};
use chrono::{DateTime, NaiveDateTime};
use roxmltree::Node;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The first departure from the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// What is wrong.
    pub text: String,
    /// Line in the request, counted from 1.
    pub line: u32,
    /// Column in that line, counted from 1.
    pub column: u32,
}

/// What an element of the body turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// An operation offered here.
    Offered,
    /// An operation of the schema that is not offered here.
    Unoffered,
    /// Nothing the schema declares.
    Undeclared,
}

struct Attribute {
    name: &'static str,
    kind: &'static str,
    required: bool,
}

struct Alternative {
    namespace: &'static str,
    name: &'static str,
    kind: &'static str,
}

struct Particle {
    alternatives: Vec<Alternative>,
    least: usize,
    most: usize,
}

enum Content {
    Anything,
    Text(&'static str),
    Elements(Vec<Particle>),
}

struct Type {
    attributes: Vec<Attribute>,
    content: Content,
}

struct Grammar {
    operations: HashMap<&'static str, Type>,
    types: HashMap<&'static str, Type>,
    enumerations: HashMap<&'static str, HashSet<&'static str>>,
}

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| Grammar {
    operations: OPERATIONS.iter().map(parse_row).collect(),
    types: TYPES.iter().map(parse_row).collect(),
    enumerations: ENUMERATIONS.iter().map(|(name, values)| (*name, values.split_ascii_whitespace().collect())).collect(),
});

fn parse_row(row: &'static Row) -> (&'static str, Type) {
    let (name, attributes, content) = row;
    let attributes = attributes
        .split_ascii_whitespace()
        .filter_map(|entry| entry.split_once(':'))
        .map(|(name, kind)| Attribute { name: name.trim_end_matches('!'), kind, required: name.ends_with('!') })
        .collect();
    let content = match content.strip_prefix('=') {
        Some(kind) => Content::Text(kind),
        None if *content == "#any" => Content::Anything,
        None => Content::Elements(content.split_ascii_whitespace().map(parse_particle).collect()),
    };
    (name, Type { attributes, content })
}

fn parse_particle(text: &'static str) -> Particle {
    let (least, most) = match text.as_bytes().last() {
        Some(b'?') => (0, 1),
        Some(b'*') => (0, usize::MAX),
        Some(b'+') => (1, usize::MAX),
        _ => (1, 1),
    };
    let text = text.trim_end_matches(['?', '*', '+']);
    Particle { alternatives: parse_alternatives(text), least, most }
}

fn parse_alternatives(text: &'static str) -> Vec<Alternative> {
    text.split('|')
        .flat_map(|part| match part.strip_prefix('$') {
            Some(group) => GROUPS.iter().find(|(name, _)| *name == group).map(|(_, list)| parse_alternatives(list)).unwrap_or_default(),
            None => parse_alternative(part).into_iter().collect(),
        })
        .collect()
}

fn parse_alternative(part: &'static str) -> Option<Alternative> {
    let (name, kind) = part.split_once('/')?;
    let (prefix, name) = name.split_once(':')?;
    Some(Alternative { namespace: if prefix == "m" { MESSAGES } else { TYPES_NS }, name, kind })
}

/// Says what an element of the body is.
pub(super) fn known(node: Node<'_, '_>) -> Known {
    let name = node.tag_name();
    if name.namespace() != Some(MESSAGES) {
        return Known::Undeclared;
    }
    if GRAMMAR.operations.contains_key(name.name()) {
        Known::Offered
    } else if UNOFFERED.split_ascii_whitespace().any(|known| known == name.name()) {
        Known::Unoffered
    } else {
        Known::Undeclared
    }
}

/// Checks an operation's element and all it contains.
pub(super) fn check_operation(node: Node<'_, '_>) -> Result<(), Violation> {
    match GRAMMAR.operations.get(node.tag_name().name()) {
        Some(kind) => check_type(node, kind),
        None => Err(undeclared(node)),
    }
}

/// Checks an element against a type of the table.
pub(super) fn check_as(node: Node<'_, '_>, kind: &str) -> Result<(), Violation> {
    check(node, kind)
}

/// The violation of an element that the schema does not declare.
pub(super) fn undeclared(node: Node<'_, '_>) -> Violation {
    let name = node.tag_name();
    let namespace = name.namespace().unwrap_or_default();
    violation(node, format!("The '{namespace}:{}' element is not declared.", name.name()))
}

/// A violation at an element.
pub(super) fn violation(node: Node<'_, '_>, text: String) -> Violation {
    let position = node.document().text_pos_at(node.range().start);
    Violation { text, line: position.row, column: position.col }
}

fn check(node: Node<'_, '_>, kind: &str) -> Result<(), Violation> {
    if kind == "any" {
        return Ok(());
    }
    match GRAMMAR.types.get(kind) {
        Some(kind) => check_type(node, kind),
        None => {
            check_attributes(node, &[])?;
            check_text(node, kind)
        }
    }
}

fn check_type(node: Node<'_, '_>, kind: &Type) -> Result<(), Violation> {
    check_attributes(node, &kind.attributes)?;
    match &kind.content {
        Content::Anything => Ok(()),
        Content::Text(kind) => check_text(node, kind),
        Content::Elements(particles) => check_children(node, particles),
    }
}

fn check_attributes(node: Node<'_, '_>, declared: &[Attribute]) -> Result<(), Violation> {
    for attribute in node.attributes() {
        if attribute.namespace().is_some() {
            continue;
        }
        let Some(known) = declared.iter().find(|known| known.name == attribute.name()) else {
            let text = format!("The '{}' attribute is not declared.", attribute.name());
            return Err(violation(node, text));
        };
        check_value(attribute.value(), known.kind).map_err(|why| {
            let name = attribute.name();
            violation(node, format!("The '{name}' attribute is invalid - {why}"))
        })?;
    }
    match declared.iter().find(|known| known.required && node.attribute(known.name).is_none()) {
        Some(missing) => Err(violation(node, format!("The required attribute '{}' is missing.", missing.name))),
        None => Ok(()),
    }
}

fn check_text(node: Node<'_, '_>, kind: &str) -> Result<(), Violation> {
    if let Some(child) = node.children().find(Node::is_element) {
        let text = format!("The element {} cannot contain child element {}. Its content must be text.", quoted(node), quoted(child));
        return Err(violation(child, text));
    }
    let value: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
    check_value(&value, kind).map_err(|why| violation(node, format!("The {} element is invalid - {why}", quoted(node))))
}

fn check_children(node: Node<'_, '_>, particles: &[Particle]) -> Result<(), Violation> {
    let stray = node.children().find(|child| child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty()));
    if let Some(stray) = stray {
        let text = format!("The element {} cannot contain text.", quoted(node));
        return Err(violation(stray, text));
    }
    let mut children = node.children().filter(Node::is_element).peekable();
    let mut expected: Vec<&str> = Vec::new();
    for particle in particles {
        let mut seen = 0;
        while seen < particle.most {
            let Some(child) = children.peek().copied() else { break };
            let Some(alternative) = particle.matching(child) else { break };
            check(child, alternative.kind)?;
            children.next();
            seen += 1;
        }
        if seen > 0 {
            expected.clear();
        }
        if seen < particle.most {
            expected.extend(particle.alternatives.iter().map(|one| one.name));
        }
        if seen < particle.least {
            return Err(misplaced(node, children.peek().copied(), &expected));
        }
    }
    match children.next() {
        Some(extra) => Err(misplaced(node, Some(extra), &expected)),
        None => Ok(()),
    }
}

fn misplaced(node: Node<'_, '_>, child: Option<Node<'_, '_>>, expected: &[&str]) -> Violation {
    let expected = match expected {
        [] => String::new(),
        names => format!(" Expected: '{}'.", names.join("', '")),
    };
    match child {
        Some(child) => {
            let text = format!("The element {} has invalid child element {}.{expected}", quoted(node), quoted(child));
            violation(child, text)
        }
        None => {
            let text = format!("The element {} has incomplete content.{expected}", quoted(node));
            violation(node, text)
        }
    }
}

impl Particle {
    fn matching(&self, node: Node<'_, '_>) -> Option<&Alternative> {
        let name = node.tag_name();
        self.alternatives.iter().find(|one| one.name == name.name() && name.namespace() == Some(one.namespace))
    }
}

fn check_value(value: &str, kind: &str) -> Result<(), String> {
    let trimmed = value.trim();
    let wrong = |what: &str| Err(format!("the value '{}' is {what}.", shorten(value)));
    if let Some(values) = GRAMMAR.enumerations.get(kind) {
        return if values.contains(trimmed) { Ok(()) } else { wrong("not one of the enumeration") };
    }
    if let Some((_, least, most)) = NUMBERS.iter().find(|(name, ..)| *name == kind) {
        return match trimmed.parse::<i64>() {
            Ok(number) if (*least..=*most).contains(&number) => Ok(()),
            Ok(_) => wrong(&format!("outside the range {least} to {most}")),
            Err(_) => wrong("not a valid integer"),
        };
    }
    match kind {
        "string" => Ok(()),
        "nonempty" if value.is_empty() => wrong("shorter than the minimum length of 1"),
        "nonempty" => Ok(()),
        "bool" if ["true", "false", "1", "0"].contains(&trimmed) => Ok(()),
        "bool" => wrong("not a valid boolean"),
        "date-time" if parse_date_time(trimmed).is_some() => Ok(()),
        "date-time" => wrong("not a valid dateTime"),
        "property-tag" if is_property_tag(trimmed) => Ok(()),
        "property-tag" => wrong("not a property tag"),
        other => Err(format!("the simulator's table has no type '{other}'.")),
    }
}

/// A property tag is hexadecimal after `0x`, or decimal, of 16 bits (types.xsd, PropertyTagType).
fn is_property_tag(text: &str) -> bool {
    parse_property_tag(text).is_some()
}

/// Reads a property tag in either form.
pub(super) fn parse_property_tag(text: &str) -> Option<u16> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.len() <= 4 => u16::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

/// Reads an `xs:dateTime`; without a zone it counts as UTC.
pub(super) fn parse_date_time(text: &str) -> Option<DateTime<chrono::Utc>> {
    let text = text.trim();
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .ok()
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|time| time.and_utc()))
}

fn quoted(node: Node<'_, '_>) -> String {
    let name = node.tag_name();
    match name.namespace() {
        Some(namespace) => format!("'{}' in namespace '{namespace}'", name.name()),
        None => format!("'{}'", name.name()),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
