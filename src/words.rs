//! How failures are told: what was attempted on what, the cause once, then what helps.

use std::fmt;

/// Writes `ATTEMPT failed: CODE: CAUSE (HINT)`. Some causes begin with their code already.
pub(crate) fn failed(f: &mut fmt::Formatter<'_>, attempt: &str, code: Option<&str>, cause: &str, hint: Option<&str>) -> fmt::Result {
    write!(f, "{attempt} failed: ")?;
    if let Some(code) = code.filter(|code| !cause.starts_with(code)) {
        write!(f, "{code}: ")?;
    }
    f.write_str(cause)?;
    match hint {
        Some(hint) => write!(f, " ({hint})"),
        None => Ok(()),
    }
}
