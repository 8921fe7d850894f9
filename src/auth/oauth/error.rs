//! Why there is no token.

use std::{fmt, time::Duration};

/// A token request that failed. Never holds secret, assertion or token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    /// The cause, in the identity provider's words where it has some.
    pub cause: String,
    /// The setting or the act that helps, where known.
    pub hint: Option<String>,
    /// The provider's number, such as 7000215 for `AADSTS7000215`.
    pub code: Option<u64>,
    /// Whether asking again is useless until a person acts.
    pub fatal: bool,
    /// How long the provider asked to wait.
    pub retry_after: Option<Duration>,
}

impl TokenError {
    /// Trouble that may pass.
    pub(super) fn passing(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), hint: None, code: None, fatal: false, retry_after: None }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TokenError {}

/// The first `AADSTS` number in a description.
pub(super) fn number(description: &str) -> Option<u64> {
    let digits = description.split_once("AADSTS")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// Signature or thumbprint not known to the provider.
pub(super) const UNKNOWN_SIGNATURE: u64 = 700_027;
/// The assertion's time is not now.
pub(super) const OUT_OF_TIME: u64 = 700_024;

/// Numbers that say "try again", under whatever status they come: the service is busy, timed out, or saw too many equal requests.
const PASSING: [u64; 5] = [90_006, 90_012, 90_020, 90_033, 50_196];

/// Whether a refusal with this number and status lasts until a person acts.
pub(super) fn is_fatal(code: Option<u64>, status: u16) -> bool {
    !(status >= 500 || status == 429 || status == 408 || code.is_some_and(|code| PASSING.contains(&code)))
}

/// What helps against a number.
pub(super) fn hint(code: Option<u64>) -> Option<&'static str> {
    Some(match code? {
        7_000_215 => "auth_oauth_client_secret must be the secret's value, not its id",
        7_000_222 => "the client secret has expired: make a new one and set auth_oauth_client_secret",
        700_016 => "auth_oauth_client_id is not an application of the tenant in auth_oauth_authority",
        90_002 | 900_023 => {
            "there is no such tenant in this cloud: correct auth_oauth_authority, such as https://login.microsoftonline.com/TENANT/"
        }
        50_034 | 53_003 => "a policy of the tenant forbids it: an administrator must look at the sign-in logs",
        UNKNOWN_SIGNATURE => {
            "upload the certificate to the application, and check auth_oauth_client_credential_private_key and its thumbprint"
        }
        OUT_OF_TIME => "set this machine's clock",
        65_001 | 1_002_016 => "an administrator must grant the application its permission",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_number_is_judged_and_what_a_person_must_mend_has_a_hint() {
        // Secret wrong or expired, application, tenant, signature, clock, consent, policy.
        for code in [7_000_215, 7_000_222, 700_016, 90_002, 900_023, 700_027, 700_024, 65_001, 1_002_016, 53_003] {
            for status in [400, 401] {
                assert!(is_fatal(Some(code), status), "AADSTS{code}");
            }
            assert!(hint(Some(code)).is_some(), "AADSTS{code}");
        }
        // The service is busy, timed out, or saw a loop.
        for code in [90_006, 90_012, 90_020, 90_033, 50_196] {
            assert!(!is_fatal(Some(code), 400), "AADSTS{code}");
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(!is_fatal(None, status), "{status}");
        }
        // Unknown numbers are held for minutes rather than repeated: a wrong secret asked for again and again locks an application out.
        assert!(is_fatal(Some(1), 400) && hint(Some(1)).is_none());
    }

    #[test]
    fn numbers_are_found_and_judged() {
        assert_eq!(number("AADSTS7000215: Invalid client secret provided."), Some(7_000_215));
        assert_eq!(number("x AADSTS90002"), Some(90_002));
        assert_eq!(number("AADSTS: none"), None);
        assert!(is_fatal(Some(7_000_215), 401));
        assert!(is_fatal(None, 400));
        assert!(!is_fatal(Some(90_033), 400));
        assert!(!is_fatal(Some(7_000_215), 503));
        assert!(!is_fatal(None, 429));
    }
}
