//! The shape in which collections come (OData JSON Format 4.01, sections 4.6.5 and 13).

use serde::Deserialize;

/// One page of a collection.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct Page<T> {
    /// The entries; none at all is usual where a next page is named.
    #[serde(default = "Vec::new")]
    pub value: Vec<T>,
    /// Where the next page is.
    #[serde(default, rename = "@odata.nextLink", alias = "@nextLink")]
    pub next: Option<String>,
    /// Where to ask for changes after this last page.
    #[serde(default, rename = "@odata.deltaLink", alias = "@deltaLink")]
    pub delta: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn links_and_entries_are_found_among_other_things() {
        let text = r#"{"@odata.context":"c","value":[{"id":"a"},{"id":"b","@odata.type":"x"}],"@odata.nextLink":"https://g/n","extra":1}"#;
        let page: Page<Value> = serde_json::from_str(text).unwrap();
        assert_eq!((page.value.len(), page.next.as_deref(), page.delta), (2, Some("https://g/n"), None));
    }

    #[test]
    fn an_empty_last_page_needs_no_entries() {
        let page: Page<Value> = serde_json::from_str(r#"{"@odata.deltaLink":"https://g/d"}"#).unwrap();
        assert!(page.value.is_empty());
        assert_eq!(page.delta.as_deref(), Some("https://g/d"));
    }
}
