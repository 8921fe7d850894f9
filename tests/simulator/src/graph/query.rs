//! OData system query options as Outlook's mail answers them (OData 4.01 part 2 section 5.1; documentation page "Use query parameters").

use super::error::GraphError;
use crate::http::form_pairs;
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

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What Graph refuses, in its words.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, GraphError> {
        let pairs = form_pairs(text.unwrap_or_default());
        Ok(Self { pairs, ..Self::default() })
    }

    /// An option by name, with or without its `$`, whatever the case.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let bare = |name: &str| name.strip_prefix('$').unwrap_or(name).to_ascii_lowercase();
        let wanted = bare(name);
        self.pairs.iter().find(|(key, _)| bare(key) == wanted).map(|(_, value)| value.as_str())
    }
}
