//! `$filter`: comparisons joined by `and` (OData 4.01 part 2 section 5.1.1). Other operators and functions Outlook refuses or this server
//! does not need.

use super::error::GraphError;
use chrono::{DateTime, Utc};

/// How a property is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Eq,
    Ne,
    Ge,
    Gt,
    Le,
    Lt,
}

impl Compare {
    /// Whether a comparison holds, given how the left side stands to the right one.
    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Ge => order.is_ge(),
            Self::Gt => order.is_gt(),
            Self::Le => order.is_le(),
            Self::Lt => order.is_lt(),
        }
    }
}

/// What a property is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Time(DateTime<Utc>),
    Bool(bool),
    Number(i64),
    Text(String),
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) property: String,
    pub(crate) compare: Compare,
    pub(crate) literal: Literal,
}

/// Reads a filter.
///
/// # Errors
/// 400 `ErrorInvalidUrlQuery` for what is well written and not served, 400 `BadRequest` for what is not well written.
pub(crate) fn parse(text: &str) -> Result<Vec<Term>, GraphError> {
    let mut words = words(text)?.into_iter();
    let mut terms = Vec::new();
    loop {
        let (Some(property), Some(compare), Some(literal)) = (words.next(), words.next(), words.next()) else {
            return Err(invalid(text));
        };
        let compare = match compare.to_ascii_lowercase().as_str() {
            "eq" => Compare::Eq,
            "ne" => Compare::Ne,
            "ge" => Compare::Ge,
            "gt" => Compare::Gt,
            "le" => Compare::Le,
            "lt" => Compare::Lt,
            _ => return Err(invalid(text)),
        };
        if property.starts_with('\'') {
            return Err(invalid(text));
        }
        terms.push(Term { property, compare, literal: read(&literal).ok_or_else(|| invalid(text))? });
        match words.next() {
            None => return Ok(terms),
            Some(word) if word.eq_ignore_ascii_case("and") => {}
            Some(word) if word.eq_ignore_ascii_case("or") => return Err(unserved()),
            Some(_) => return Err(invalid(text)),
        }
    }
}

fn invalid(text: &str) -> GraphError {
    GraphError::request("BadRequest", format!("Invalid filter clause: syntax error in '{text}'."))
}

fn unserved() -> GraphError {
    GraphError::query("The query filter contains one or more invalid nodes.")
}

/// Splits at blanks outside quotes. Brackets around the whole and around single comparisons mean nothing; those of functions do.
fn words(text: &str) -> Result<Vec<String>, GraphError> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in text.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.push(letter);
            }
            '(' if !quoted && !word.is_empty() => return Err(unserved()),
            '(' | ')' if !quoted => {}
            blank if blank.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if quoted {
        return Err(invalid(text));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn read(word: &str) -> Option<Literal> {
    if let Some(text) = word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Some(Literal::Text(text.replace("''", "'")));
    }
    match word {
        "true" => return Some(Literal::Bool(true)),
        "false" => return Some(Literal::Bool(false)),
        _ => {}
    }
    if let Ok(number) = word.parse() {
        return Some(Literal::Number(number));
    }
    let whole = if word.len() == 10 { format!("{word}T00:00:00Z") } else { word.to_owned() };
    DateTime::parse_from_rfc3339(&whole).ok().map(|time| Literal::Time(time.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_joined_by_and() {
        let terms = parse("receivedDateTime ge 2026-01-01T00:00:00Z and (isRead eq false) AND subject eq 'it''s and so'").unwrap();
        let shown: Vec<_> = terms.iter().map(|term| (term.property.as_str(), term.compare)).collect();
        assert_eq!(shown, [("receivedDateTime", Compare::Ge), ("isRead", Compare::Eq), ("subject", Compare::Eq)]);
        assert_eq!(terms[1].literal, Literal::Bool(false));
        assert_eq!(terms[2].literal, Literal::Text("it's and so".to_owned()));
        assert!(matches!(parse("a lt 2026-01-01").unwrap()[0].literal, Literal::Time(_)));
        assert_eq!(parse("n ne -3").unwrap()[0].literal, Literal::Number(-3));
    }

    #[test]
    fn what_is_not_served_and_what_is_not_written_well_are_told_apart() {
        for text in ["isRead eq true or isRead eq false", "contains(subject,'x')", "from/emailAddress/address eq 'a' or b eq 1"] {
            assert_eq!(parse(text).unwrap_err().code, "ErrorInvalidUrlQuery", "{text}");
        }
        for text in ["", "isRead", "isRead is true", "isRead eq", "isRead eq true and", "a eq 'x", "a eq maybe", "'a' eq 1", "a eq 1 b"] {
            assert_eq!(parse(text).unwrap_err().code, "BadRequest", "{text}");
        }
    }

    #[test]
    fn comparisons_hold_as_their_names_say() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        assert!(Compare::Ge.holds(Equal) && Compare::Ge.holds(Greater) && !Compare::Ge.holds(Less));
        assert!(
            Compare::Ne.holds(Less)
                && !Compare::Lt.holds(Equal)
                && Compare::Le.holds(Less)
                && Compare::Gt.holds(Greater)
                && Compare::Eq.holds(Equal)
        );
    }
}
