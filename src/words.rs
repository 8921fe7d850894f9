//! How failures are told: what was attempted on what, the cause once, then what helps.

use std::fmt;

pub use exchange_sync_tui::{mask::shown, text::visible};

/// Writes `ATTEMPT failed: CODE: CAUSE (HINT)`. Some causes begin with their code already.
pub(crate) fn failed(f: &mut fmt::Formatter<'_>, attempt: &str, code: Option<&str>, cause: &str, hint: Option<&str>) -> fmt::Result {
    write!(f, "{} failed: ", visible(attempt))?;
    if let Some(code) = code.filter(|code| !cause.starts_with(code)) {
        write!(f, "{code}: ")?;
    }
    f.write_str(&visible(cause))?;
    match hint {
        Some(hint) => write!(f, " ({hint})"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_no_control_characters() {
        struct Failed;
        impl fmt::Display for Failed {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                failed(f, "listing In\u{1b}box", Some("E"), "no\u{9b}", None)
            }
        }
        assert_eq!(Failed.to_string(), "listing In\\u{1b}box failed: E: no\\u{9b}");
    }
}
