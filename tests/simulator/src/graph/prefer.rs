//! The header field `Prefer` (RFC 7240), as Graph's mail reads it.

use crate::http::Headers;

/// The form a body is wanted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BodyForm {
    #[default]
    Html,
    Text,
}

/// What a client prefers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefer {
    /// `odata.maxpagesize`.
    pub(crate) page: Option<usize>,
    /// `IdType="ImmutableId"`, where the server honours it.
    pub(crate) immutable: bool,
    /// `outlook.body-content-type`.
    pub(crate) body: BodyForm,
}

impl Prefer {
    /// Reads every `Prefer` field; what is not understood is passed over, as RFC 7240 section 2 asks.
    pub(crate) fn of(headers: &Headers) -> Self {
        let mut prefer = Self::default();
        for part in headers.all("prefer").flat_map(|value| value.split([',', ';'])) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "odata.maxpagesize" | "maxpagesize" => prefer.page = value.parse().ok().filter(|size| *size > 0).or(prefer.page),
                "idtype" => prefer.immutable = value.eq_ignore_ascii_case("ImmutableId"),
                "outlook.body-content-type" if value.eq_ignore_ascii_case("text") => prefer.body = BodyForm::Text,
                _ => {}
            }
        }
        prefer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_from_one_field_or_many() {
        let mut headers = Headers::new();
        headers.push("Prefer", "odata.maxpagesize=50, IdType=\"ImmutableId\"");
        headers.push("prefer", "outlook.body-content-type=\"text\", respond-async");
        assert_eq!(Prefer::of(&headers), Prefer { page: Some(50), immutable: true, body: BodyForm::Text });
        let mut odd = Headers::new();
        odd.push("Prefer", "odata.maxpagesize=0, idtype=\"RestId\", outlook.body-content-type=html");
        assert_eq!(Prefer::of(&odd), Prefer::default());
    }
}
