//! A small piece of a response as a tree, names without their namespaces.

use quick_xml::escape::escape;

/// An element with its text and children. Exchange's responses have no mixed content that matters, so the text is kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Attributes by local name, namespace declarations left out.
    pub attributes: Vec<(String, String)>,
    /// All text directly in it.
    pub text: String,
    /// Whether some of the text was left out, being too long.
    pub cut: bool,
    /// Child elements in order.
    pub children: Vec<Element>,
}

impl Element {
    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element reached by following children's names.
    pub fn path(&self, names: &[&str]) -> Option<&Element> {
        names.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The first element of that name at any depth, this one included.
    pub fn find(&self, name: &str) -> Option<&Element> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }

    /// An attribute's value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The text of a child, trimmed; none where the child is missing or blank.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// A child's text untrimmed, such as a name whose blanks count; none where it is missing or empty.
    pub fn exact(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// A child's truth: `true`, `false`, `1` and `0` occur.
    pub fn truth(&self, name: &str) -> Option<bool> {
        self.value(name).and_then(truth)
    }

    /// A child's number; one that is negative or too large counts as missing.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }

    /// The `Id` attribute of a child.
    pub fn id(&self, name: &str) -> Option<&str> {
        self.child(name)?.attribute("Id").filter(|id| !id.is_empty())
    }

    /// The value of a MAPI property by its tag (EWS reference: ExtendedProperty), which servers write as `0x300b`, `0x300B` or `12299`.
    pub fn extended(&self, tag: u16) -> Option<&str> {
        self.children.iter().filter(|child| child.name == "ExtendedProperty").find_map(|property| {
            let written = property.child("ExtendedFieldURI")?.attribute("PropertyTag")?;
            let number = match written.strip_prefix("0x").or_else(|| written.strip_prefix("0X")) {
                Some(digits) => u16::from_str_radix(digits, 16).ok(),
                None => written.parse().ok(),
            };
            (number == Some(tag)).then(|| property.value("Value")).flatten()
        })
    }

    /// The element as XML again, in one default namespace.
    pub fn to_xml(&self, namespace: &str) -> String {
        let mut out = String::new();
        self.write(Some(namespace), &mut out);
        out
    }

    fn write(&self, namespace: Option<&str>, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (key, value) in namespace.map(|namespace| ("xmlns", namespace)).into_iter().chain(self.pairs()) {
            out.push_str(&format!(" {key}=\"{}\"", escape(value)));
        }
        out.push('>');
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write(None, out);
        }
        out.push_str(&format!("</{}>", self.name));
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// An xs:boolean.
pub fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        other if other.eq_ignore_ascii_case("true") => Some(true),
        other if other.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_extended_properties_in_any_spelling() {
        let property = |tag: &str, value: &str| Element {
            name: "ExtendedProperty".into(),
            children: vec![
                Element { name: "ExtendedFieldURI".into(), attributes: vec![("PropertyTag".into(), tag.into())], ..Element::default() },
                Element { name: "Value".into(), text: value.into(), ..Element::default() },
            ],
            ..Element::default()
        };
        let item = Element { children: vec![property("0x300b", "a"), property("3591", "b"), property("0x10F4", "")], ..Element::default() };
        assert_eq!(item.extended(0x300B), Some("a"));
        assert_eq!(item.extended(0x0E07), Some("b"));
        assert_eq!(item.extended(0x10F4), None);
        assert_eq!(item.extended(0x1035), None);
    }

    #[test]
    fn writes_itself_escaped() {
        let item = Element {
            name: "Item".into(),
            attributes: vec![("Id".into(), "a\"<".into())],
            children: vec![Element { name: "Subject".into(), text: "1 & 2".into(), ..Element::default() }],
            ..Element::default()
        };
        assert_eq!(item.to_xml("urn:x"), "<Item xmlns=\"urn:x\" Id=\"a&quot;&lt;\"><Subject>1 &amp; 2</Subject></Item>");
    }
}
