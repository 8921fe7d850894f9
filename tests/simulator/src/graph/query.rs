//! OData system query options as Outlook's mail answers them (OData 4.01 part 2 section 5.1; documentation page "Use query parameters to
//! customize responses").

use super::address::encode;
use super::error::GraphError;
use super::filter;
use crate::http::form_pairs;

pub(crate) use super::filter::{Compare, Literal, Term};

/// The options of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Query {
    /// `$top`.
    pub(crate) top: Option<usize>,
    /// `$skip`.
    pub(crate) skip: u64,
    /// `$select`: properties, in order; absent for all.
    pub(crate) select: Option<Vec<String>>,
    /// `$filter`: comparisons that must all hold.
    pub(crate) filter: Vec<Term>,
    /// `$orderby`: properties, each with whether it is descending.
    pub(crate) order: Vec<(String, bool)>,
    /// `$expand` as written.
    pub(crate) expand: Option<String>,
    /// `$count=true`.
    pub(crate) count: bool,
    /// `$search` as written.
    pub(crate) search: Option<String>,
    /// Everything, decoded, in order: for options of single resources and for links.
    pub(crate) pairs: Vec<(String, String)>,
}

/// System query options this server knows; others that begin with `$` are refused, those without are custom options.
const KNOWN: [&str; 11] = ["top", "skip", "select", "filter", "orderby", "expand", "count", "search", "format", "skiptoken", "deltatoken"];

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What Graph refuses, in its words.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, GraphError> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(Self::default());
        };
        let mut query = Self { pairs: form_pairs(text), ..Self::default() };
        for at in 0..query.pairs.len() {
            let Some((key, value)) = query.pairs.get(at).cloned() else { continue };
            let name = bare(&key);
            if query.pairs.iter().take(at).any(|(earlier, _)| bare(earlier) == name) {
                return Err(uri(format!("Query option '{key}' was specified more than once, but it must be specified at most once.")));
            }
            if key.starts_with('$') && !KNOWN.contains(&name.as_str()) {
                return Err(uri(format!("The query parameter '{key}' is not supported.")));
            }
            query.take(&name, &value)?;
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), GraphError> {
        match name {
            "top" => self.top = Some(number(name, value)?),
            "skip" => self.skip = number(name, value)?,
            "select" => {
                let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
                self.select = Some(names).filter(|names| !names.is_empty() && !names.iter().any(|name| name == "*"));
            }
            "filter" => self.filter = filter::parse(value)?,
            "orderby" => self.order = order(value)?,
            "expand" => self.expand = Some(value.to_owned()).filter(|value| !value.is_empty()),
            "count" => self.count = value.eq_ignore_ascii_case("true"),
            "search" => self.search = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// An option by name, with or without its `$`, whatever the case.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let wanted = bare(name);
        self.pairs.iter().find(|(key, _)| bare(key) == wanted).map(|(_, value)| value.as_str())
    }

    /// Refuses a listing whose order its filter does not begin with (documentation page "List messages", "Using filter and orderby in the
    /// same query"): every property of the one must stand in the other, first and in the same order.
    ///
    /// # Errors
    /// 400 `InefficientFilter`.
    pub(crate) fn efficient(&self) -> Result<(), GraphError> {
        if self.filter.is_empty() || self.order.is_empty() {
            return Ok(());
        }
        let mut filtered: Vec<&str> = Vec::new();
        for term in &self.filter {
            if !filtered.contains(&term.property.as_str()) {
                filtered.push(&term.property);
            }
        }
        let begins = self.order.iter().enumerate().all(|(at, (name, _))| filtered.get(at).is_some_and(|known| known == name));
        if begins {
            Ok(())
        } else {
            Err(GraphError::request("InefficientFilter", "The restriction or sort order is too complex for this operation."))
        }
    }

    /// This query with some options replaced or added, as the part of a link from `?` on.
    pub(crate) fn link(&self, changes: &[(&str, &str)]) -> String {
        let kept = self.pairs.iter().filter(|(key, _)| !changes.iter().any(|(name, _)| bare(name) == bare(key)));
        let kept = kept.map(|(key, value)| (key.as_str(), value.as_str()));
        let mut link = String::new();
        for (key, value) in kept.chain(changes.iter().copied()) {
            link.push(if link.is_empty() { '?' } else { '&' });
            link.push_str(&encode(key));
            link.push('=');
            link.push_str(&encode(value));
        }
        link
    }
}

fn bare(name: &str) -> String {
    name.strip_prefix('$').unwrap_or(name).to_ascii_lowercase()
}

pub(super) fn uri(message: impl Into<String>) -> GraphError {
    GraphError::request("RequestBroker--ParseUri", message)
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, GraphError> {
    value.trim().parse().map_err(|_| {
        uri(format!(
            "Invalid value '{value}' for ${name} query option found. The ${name} query option requires a non-negative integer value."
        ))
    })
}

fn order(value: &str) -> Result<Vec<(String, bool)>, GraphError> {
    value
        .split(',')
        .map(|part| {
            let mut words = part.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some(name), None, None) => Ok((name.to_owned(), false)),
                (Some(name), Some(way), None) if way.eq_ignore_ascii_case("asc") => Ok((name.to_owned(), false)),
                (Some(name), Some(way), None) if way.eq_ignore_ascii_case("desc") => Ok((name.to_owned(), true)),
                _ => Err(uri(format!("Syntax error in the $orderby clause '{value}'."))),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_however_they_are_encoded() {
        let query = Query::parse(Some("%24top=5&$select=id,%20subject&$orderby=receivedDateTime+desc&$count=true&x=1")).unwrap();
        assert_eq!((query.top, query.skip, query.count), (Some(5), 0, true));
        assert_eq!(query.select, Some(vec!["id".to_owned(), "subject".to_owned()]));
        assert_eq!(query.order, [("receivedDateTime".to_owned(), true)]);
        assert_eq!((query.value("X"), query.value("$TOP")), (Some("1"), Some("5")));
        assert_eq!(Query::parse(None).unwrap(), Query::default());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["$top=-1", "$top=x", "$skip=1.5", "$foo=1", "$top=1&$top=2", "$orderby=a up", "$orderby="] {
            assert_eq!(Query::parse(Some(text)).unwrap_err().code, "RequestBroker--ParseUri", "{text}");
        }
    }

    #[test]
    fn an_order_must_begin_its_filter() {
        let efficient = |text: &str| Query::parse(Some(text)).unwrap().efficient().is_ok();
        assert!(efficient("$orderby=subject") && efficient("$filter=isRead eq true"));
        assert!(efficient("$filter=receivedDateTime ge 2000-01-01T00:00:00Z and isRead eq true&$orderby=receivedDateTime asc"));
        assert!(!efficient("$filter=isRead eq true and receivedDateTime ge 2000-01-01T00:00:00Z&$orderby=receivedDateTime asc"));
        assert!(!efficient("$filter=receivedDateTime ge 2000-01-01T00:00:00Z&$orderby=receivedDateTime,subject"));
    }

    #[test]
    fn a_link_keeps_what_it_does_not_change() {
        let query = Query::parse(Some("$filter=a ge 'x%26y'&%24skip=10&$top=5")).map(|_| ());
        assert!(query.is_ok());
        let query = Query::parse(Some("$select=id&%24skip=10&$search=\"a%26b\"")).unwrap();
        assert_eq!(query.link(&[("$skip", "20")]), "?$select=id&$search=%22a%26b%22&$skip=20");
    }
}
