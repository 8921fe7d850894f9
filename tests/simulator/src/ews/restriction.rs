//! Restrictions of FindItem and FindFolder: parsed once, asked of each object.
//!
//! Source: documentation pages "Restriction", "Contains", "FieldURIOrConstant"; types.xsd (SearchExpressionType).

use super::envelope::{elements, typed};
use super::error::EwsError;
use super::schema::parse_date_time;
use super::shape::{Path, constant};
use crate::store::{Folder, Item};
use chrono::{DateTime, Utc};
use roxmltree::Node;
use std::cmp::Ordering;

/// The most nodes a restriction may have (documentation page "ResponseCode", ErrorRestrictionTooLong).
const NODES: usize = 255;

/// A value of an object, or of a constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A truth value.
    Bool(bool),
    /// A time.
    Time(DateTime<Utc>),
}

/// What can be asked for a property by its path.
pub(super) trait Properties {
    /// The value under a path; `None` when the object has none.
    fn property(&self, path: &Path) -> Option<Operand>;
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// How a text must occur in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Containment {
    Whole,
    Prefix,
    Part,
    WordPrefix,
}

#[derive(Clone, Debug, PartialEq)]
enum Right {
    Constant(String),
    Path(Path),
}

/// Bounds of a time: at or after the first, before the second.
pub(super) type Bounds = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// A restriction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Restriction(Expression);

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Exists(Path),
    Compare(Relation, Path, Right),
    Contains { path: Path, text: String, mode: Containment, ignore_case: bool },
    Excludes(Path, u32),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
}

impl Restriction {
    /// Reads a Restriction element.
    pub fn read(node: Node<'_, '_>) -> Result<Self, EwsError> {
        let mut nodes = 0;
        let inner = elements(node).next().ok_or_else(|| EwsError::invalid_request("The restriction is empty."))?;
        Expression::read(inner, &mut nodes).map(Self)
    }

    /// Whether an object satisfies it.
    pub fn admits(&self, object: &impl Properties) -> bool {
        self.0.admits(object)
    }

    /// The restriction as bounds of the date received, when it says no more than that: at or after, and before.
    pub fn received_range(&self) -> Option<Bounds> {
        let mut range: Bounds = (None, None);
        self.0.narrow(&mut range).then_some(range)
    }
}

impl Expression {
    fn read(node: Node<'_, '_>, nodes: &mut usize) -> Result<Self, EwsError> {
        *nodes += 1;
        if *nodes > NODES {
            return Err(EwsError::new("ErrorRestrictionTooLong", format!("The restriction may not have more than {NODES} nodes.")));
        }
        let name = node.tag_name().name();
        match name {
            "And" | "Or" => {
                let parts = elements(node).map(|part| Self::read(part, nodes)).collect::<Result<Vec<_>, _>>()?;
                return Ok(if name == "And" { Self::And(parts) } else { Self::Or(parts) });
            }
            "Not" => {
                let inner = elements(node).next().ok_or_else(|| incomplete(name))?;
                return Ok(Self::Not(Box::new(Self::read(inner, nodes)?)));
            }
            _ => {}
        }
        let mut parts = elements(node);
        let path = Path::read(parts.next().ok_or_else(|| incomplete(name))?)?;
        let relation = match name {
            "Exists" => return Ok(Self::Exists(path)),
            "Contains" => return Self::read_contains(node, path),
            "Excludes" => {
                let mask = typed(node, "Bitmask").map(constant).unwrap_or_default();
                let mask = parse_mask(&mask).ok_or_else(|| incomplete(name))?;
                return Ok(Self::Excludes(path, mask));
            }
            "IsEqualTo" => Relation::Equal,
            "IsNotEqualTo" => Relation::NotEqual,
            "IsGreaterThan" => Relation::Greater,
            "IsGreaterThanOrEqualTo" => Relation::GreaterOrEqual,
            "IsLessThan" => Relation::Less,
            "IsLessThanOrEqualTo" => Relation::LessOrEqual,
            _ => return Err(EwsError::new("ErrorUnsupportedPathForQuery", format!("{name} is not supported in a restriction."))),
        };
        let operand = parts.next().and_then(|operand| elements(operand).next()).ok_or_else(|| incomplete(name))?;
        let right = match operand.tag_name().name() {
            "Constant" => Right::Constant(constant(operand)),
            _ => Right::Path(Path::read(operand)?),
        };
        Ok(Self::Compare(relation, path, right))
    }

    fn read_contains(node: Node<'_, '_>, path: Path) -> Result<Self, EwsError> {
        let mode = match node.attribute("ContainmentMode") {
            Some("FullString") => Containment::Whole,
            Some("Prefixed") => Containment::Prefix,
            Some("PrefixOnWords") => Containment::WordPrefix,
            _ => Containment::Part,
        };
        let comparison = node.attribute("ContainmentComparison").unwrap_or("Exact");
        Ok(Self::Contains {
            path,
            text: typed(node, "Constant").map(constant).unwrap_or_default(),
            mode,
            ignore_case: !matches!(comparison, "Exact" | "IgnoreNonSpacingCharacters"),
        })
    }

    fn admits(&self, object: &impl Properties) -> bool {
        match self {
            Self::Exists(path) => object.property(path).is_some(),
            Self::And(parts) => parts.iter().all(|part| part.admits(object)),
            Self::Or(parts) => parts.iter().any(|part| part.admits(object)),
            Self::Not(inner) => !inner.admits(object),
            Self::Excludes(path, mask) => match object.property(path) {
                Some(Operand::Number(number)) => number & i64::from(*mask) == 0,
                _ => true,
            },
            Self::Contains { path, text, mode, ignore_case } => match object.property(path) {
                Some(Operand::Text(value)) => contains(&value, text, *mode, *ignore_case),
                _ => false,
            },
            Self::Compare(relation, path, right) => {
                let Some(left) = object.property(path) else {
                    return *relation == Relation::NotEqual;
                };
                let order = match right {
                    Right::Constant(text) => left.compare_text(text),
                    Right::Path(path) => object.property(path).and_then(|right| left.compare(&right)),
                };
                order.is_some_and(|order| relation.holds(order))
            }
        }
    }

    fn narrow(&self, range: &mut Bounds) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.narrow(range)),
            Self::Compare(relation, Path::Field(field), Right::Constant(text)) if field == "item:DateTimeReceived" => {
                let Some(time) = parse_date_time(text) else { return false };
                match relation {
                    Relation::GreaterOrEqual => range.0 = Some(range.0.map_or(time, |known: DateTime<Utc>| known.max(time))),
                    Relation::Less => range.1 = Some(range.1.map_or(time, |known: DateTime<Utc>| known.min(time))),
                    _ => return false,
                }
                true
            }
            _ => false,
        }
    }
}

impl Relation {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

impl Operand {
    /// Compares with a constant, read as this value's type. Texts compare without regard to case, as in the store.
    fn compare_text(&self, text: &str) -> Option<Ordering> {
        match self {
            Self::Text(value) => Some(value.to_lowercase().cmp(&text.to_lowercase())),
            Self::Number(value) => text.trim().parse().ok().map(|number| value.cmp(&number)),
            Self::Bool(value) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => Some(value.cmp(&true)),
                "false" | "0" => Some(value.cmp(&false)),
                _ => None,
            },
            Self::Time(value) => parse_date_time(text).map(|time| value.cmp(&time)),
        }
    }

    /// Compares two values of one type.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => Some(left.to_lowercase().cmp(&right.to_lowercase())),
            (Self::Number(left), Self::Number(right)) => Some(left.cmp(right)),
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(right)),
            (Self::Time(left), Self::Time(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

fn incomplete(name: &str) -> EwsError {
    EwsError::invalid_request(format!("The {name} of the restriction is incomplete."))
}

fn parse_mask(text: &str) -> Option<u32> {
    match text.trim().strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.trim().parse().ok(),
    }
}

fn contains(value: &str, wanted: &str, mode: Containment, ignore_case: bool) -> bool {
    let (value, wanted) = if ignore_case { (value.to_lowercase(), wanted.to_lowercase()) } else { (value.to_owned(), wanted.to_owned()) };
    match mode {
        Containment::Whole => value == wanted,
        Containment::Prefix => value.starts_with(&wanted),
        Containment::Part => value.contains(&wanted),
        Containment::WordPrefix => value.split(|letter: char| !letter.is_alphanumeric()).any(|word| word.starts_with(&wanted)),
    }
}

impl Properties for Item {
    fn property(&self, path: &Path) -> Option<Operand> {
        let text = |text: &str| Some(Operand::Text(text.to_owned()));
        let name = |address: &Option<crate::store::Address>| {
            let address = address.as_ref()?;
            address.email.clone().or_else(|| address.name.clone()).map(Operand::Text)
        };
        match path {
            Path::Field(field) => match field.as_str() {
                "item:DateTimeReceived" => self.received.map(Operand::Time),
                "item:DateTimeCreated" => Some(Operand::Time(self.created)),
                "item:DateTimeSent" => self.sent.map(Operand::Time),
                "item:LastModifiedTime" => Some(Operand::Time(self.modified)),
                "item:Subject" => self.subject.clone().map(Operand::Text),
                "item:ItemClass" => text(&self.class),
                "item:Size" => i64::try_from(self.size).ok().map(Operand::Number),
                "item:HasAttachments" => Some(Operand::Bool(self.has_attachments)),
                "item:IsDraft" => Some(Operand::Bool(self.draft)),
                "item:Importance" => text(&format!("{:?}", self.importance)),
                "item:Sensitivity" => text(&format!("{:?}", self.sensitivity)),
                "item:Body" => text(&self.text),
                "item:InReplyTo" => self.in_reply_to.clone().map(Operand::Text),
                "item:Categories" => (!self.categories.is_empty()).then(|| Operand::Text(self.categories.join("; "))),
                "message:IsRead" => Some(Operand::Bool(self.read)),
                "message:InternetMessageId" => self.message_id.clone().map(Operand::Text),
                "message:From" => name(&self.from),
                "message:Sender" => name(&self.sender),
                _ => None,
            },
            Path::Extended(extended) => match extended.tag? {
                0x001A => text(&self.class),
                0x0037 => self.subject.clone().map(Operand::Text),
                0x0E06 => self.received.map(Operand::Time),
                0x0E07 => Some(Operand::Number(self.flags().into())),
                0x0E08 => i64::try_from(self.size).ok().map(Operand::Number),
                0x1035 => self.message_id.clone().map(Operand::Text),
                0x3007 => Some(Operand::Time(self.created)),
                0x3008 => Some(Operand::Time(self.modified)),
                _ => None,
            },
            Path::Indexed(..) => None,
        }
    }
}

impl Properties for Folder {
    fn property(&self, path: &Path) -> Option<Operand> {
        match path {
            Path::Field(field) => match field.as_str() {
                "folder:DisplayName" => Some(Operand::Text(self.name.clone())),
                "folder:FolderClass" => self.class.clone().map(Operand::Text),
                "folder:TotalCount" => i64::try_from(self.total).ok().map(Operand::Number),
                "folder:UnreadCount" => i64::try_from(self.unread).ok().map(Operand::Number),
                "folder:ChildFolderCount" => i64::try_from(self.children).ok().map(Operand::Number),
                _ => None,
            },
            Path::Extended(extended) => match extended.tag? {
                0x10F4 => Some(Operand::Bool(self.hidden)),
                0x3001 => Some(Operand::Text(self.name.clone())),
                0x3613 => self.class.clone().map(Operand::Text),
                _ => None,
            },
            Path::Indexed(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::TYPES;
    use super::*;
    use roxmltree::Document;

    struct Letter;

    impl Properties for Letter {
        fn property(&self, path: &Path) -> Option<Operand> {
            match path {
                Path::Field(field) if field == "item:Subject" => Some(Operand::Text("Quarterly Report".into())),
                Path::Field(field) if field == "message:IsRead" => Some(Operand::Bool(false)),
                Path::Field(field) if field == "item:DateTimeReceived" => parse_date_time("2024-05-01T12:00:00Z").map(Operand::Time),
                _ => None,
            }
        }
    }

    fn read(inner: &str) -> Result<Restriction, EwsError> {
        let text = format!("<r xmlns:t=\"{TYPES}\">{inner}</r>");
        let document = Document::parse(&text).expect("well-formed test input");
        Restriction::read(document.root_element())
    }

    fn compare(name: &str, field: &str, value: &str) -> String {
        format!(
            "<t:{name}><t:FieldURI FieldURI=\"{field}\"/><t:FieldURIOrConstant><t:Constant Value=\"{value}\"/></t:FieldURIOrConstant></t:{name}>"
        )
    }

    #[test]
    fn comparisons_hold_or_not() {
        let received = "item:DateTimeReceived";
        for (inner, expected) in [
            (compare("IsGreaterThanOrEqualTo", received, "2024-05-01T12:00:00Z"), true),
            (compare("IsLessThan", received, "2024-05-01T12:00:00Z"), false),
            (compare("IsEqualTo", "item:Subject", "quarterly report"), true),
            (compare("IsNotEqualTo", "message:IsRead", "true"), true),
            (compare("IsEqualTo", "item:ItemClass", "IPM.Note"), false),
            (format!("<t:Not>{}</t:Not>", compare("IsEqualTo", "message:IsRead", "0")), false),
            (format!("<t:Or>{}{}</t:Or>", compare("IsEqualTo", "item:Subject", "x"), compare("IsEqualTo", "message:IsRead", "0")), true),
            ("<t:Exists><t:FieldURI FieldURI=\"item:Subject\"/></t:Exists>".into(), true),
            ("<t:Contains ContainmentMode=\"Substring\" ContainmentComparison=\"IgnoreCase\"><t:FieldURI FieldURI=\"item:Subject\"/><t:Constant Value=\"REPORT\"/></t:Contains>".into(), true),
            ("<t:Contains ContainmentMode=\"Prefixed\"><t:FieldURI FieldURI=\"item:Subject\"/><t:Constant Value=\"Report\"/></t:Contains>".into(), false),
        ] {
            assert_eq!(read(&inner).map(|r| r.admits(&Letter)), Ok(expected), "{inner}");
        }
    }

    #[test]
    fn bounds_of_the_date_are_recognised() {
        let from = compare("IsGreaterThanOrEqualTo", "item:DateTimeReceived", "2024-01-01T00:00:00Z");
        let to = compare("IsLessThan", "item:DateTimeReceived", "2025-01-01T00:00:00Z");
        let range = read(&format!("<t:And>{from}{to}</t:And>")).expect("proper").received_range();
        assert_eq!(range, Some((parse_date_time("2024-01-01T00:00:00Z"), parse_date_time("2025-01-01T00:00:00Z"))));
        let other = compare("IsEqualTo", "message:IsRead", "0");
        assert_eq!(read(&format!("<t:And>{from}{other}</t:And>")).expect("proper").received_range(), None);
    }

    #[test]
    fn too_many_nodes_are_refused() {
        let many = compare("IsEqualTo", "message:IsRead", "0").repeat(255);
        assert_eq!(read(&format!("<t:And>{many}</t:And>")).map_err(|error| error.code), Err("ErrorRestrictionTooLong".into()));
    }
}
