//! What went wrong in a container, sorted by what it asks for, in words that say what helps.

use std::{error::Error as StdError, fmt, time::Duration};

use super::{
    credential::{Denial, Denied},
    location::Location,
    service::{Refusal, Unreached},
};
use crate::words;

/// A clock this far off is why a signature or token is not accepted (Authorize with Shared Key: 15 minutes), or soon will be.
const SKEWED: i64 = 300;

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no such blob.
    Missing,
    /// The blob is not as it was expected to be: somebody else wrote it.
    Conflict,
    /// Passing trouble: the same again later, not before the time that was named. Whether a write was carried out is unknown.
    Later(Option<Duration>),
    /// This blob will never be taken; others are.
    Unacceptable,
    /// Nothing is possible until a person acts.
    Refused,
}

/// An operation on a container that failed.
#[derive(Debug)]
pub struct Error {
    /// What was attempted on what.
    pub attempt: String,
    /// The service's code, such as `ContainerNotFound`, or the status.
    pub code: Option<String>,
    /// The cause.
    pub cause: String,
    /// What helps, where known.
    pub hint: Option<String>,
    /// What is left to do.
    pub kind: Kind,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::failed(f, &self.attempt, self.code.as_deref(), &self.cause, self.hint.as_deref())
    }
}

impl StdError for Error {}

impl Error {
    /// A setting that cannot work.
    pub(super) fn setting(attempt: String, cause: String) -> Self {
        Self { attempt, code: None, cause, hint: None, kind: Kind::Refused }
    }

    /// Sorts an error of the store.
    pub(super) fn of(attempt: String, at: &Location, error: &object_store::Error) -> Self {
        let (code, cause, hint, kind) = sorted(at, error);
        Self { attempt, code, cause, hint, kind }
    }
}

type Sorted = (Option<String>, String, Option<String>, Kind);

fn sorted(at: &Location, error: &object_store::Error) -> Sorted {
    if let Some(refusal) = find::<Refusal>(error) {
        return refused(at, refusal);
    }
    if let Some(Denied { denial, cause, hint }) = find::<Denied>(error) {
        let kind = match denial {
            Denial::Passing(wait) => Kind::Later(*wait),
            Denial::Unavailable | Denial::Rejected => Kind::Refused,
        };
        return (None, cause.clone(), hint.clone(), kind);
    }
    if let Some(Unreached(cause)) = find::<Unreached>(error) {
        return unreached(at, cause);
    }
    // Stores without HTTP, and answers that object_store could not read.
    let cause = innermost(error);
    match error {
        object_store::Error::NotFound { .. } => (None, cause, None, Kind::Missing),
        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => (None, cause, None, Kind::Conflict),
        _ => (None, cause, None, Kind::Later(None)),
    }
}

fn unreached(at: &Location, cause: &str) -> Sorted {
    let account = &at.account;
    if crate::http::distrusted(cause) {
        return (None, cause.to_owned(), Some(crate::http::DISTRUSTED.into()), Kind::Refused);
    }
    let hint = if cause.contains("dns error") {
        format!(
            "is {account} the account's name, and does this machine resolve public or private addresses of it? \
            `az storage account show --name {account} --query primaryEndpoints.blob` tells; other clouds follow from AZURE_AUTHORITY_HOST"
        )
    } else {
        "are firewall and proxy (HTTPS_PROXY) open towards the storage account?".into()
    };
    (None, cause.to_owned(), Some(hint), Kind::Later(None))
}

/// Refusals by status and code (Common REST API error codes; Blob Storage error codes).
fn refused(at: &Location, refusal: &Refusal) -> Sorted {
    let Location { account, container, .. } = at;
    let code = refusal.code.as_deref().unwrap_or_default();
    let role = || {
        format!(
            "give the identity the role \"Storage Blob Data Contributor\" on the container {container:?} (az role assignment create; docs/azure.md); \
            Owner and Contributor do not include it, and it takes effect within ten minutes"
        )
    };
    let key = || format!("is the key or SAS token that of the account {account:?}, and the present one? Keys change when they are rotated");
    let sas = "the SAS token must allow rcwdl (read, create, write, delete, list) on the container, over https, from this address, until after today";
    let (kind, hint) = match (refusal.status, code) {
        (404, "ContainerNotFound") => (
            Kind::Refused,
            Some(format!(
                "there is no container {container:?} in the account {account:?}; make it: \
                az storage container create --account-name {account} --name {container} --auth-mode login"
            )),
        ),
        (404, _) => (Kind::Missing, None),
        (409, "ContainerBeingDeleted") => (Kind::Refused, Some(format!("the container {container:?} is being deleted; name another"))),
        (409 | 403, "ContainerDisabled" | "AccountIsDisabled") => {
            (Kind::Refused, Some(format!("an administrator must enable the account {account:?} again")))
        }
        (409, "BlobImmutableDueToPolicy" | "BlobOverwriteNotAllowed") => (
            Kind::Refused,
            Some(
                "a policy of the container forbids to change blobs: keep catalog and cursors elsewhere, with --state-prefix, \
                or copy into a container without the policy"
                    .into(),
            ),
        ),
        (409 | 412, code) if code.starts_with("Lease") => {
            (Kind::Refused, Some("somebody holds a lease on this blob or container: break it, and keep other programs out".into()))
        }
        (409 | 412, _) => (Kind::Conflict, None),
        (413, _) => (Kind::Unacceptable, None),
        (403, "AuthorizationPermissionMismatch") => (Kind::Refused, Some(role())),
        // The emulator's words for a wrong key.
        (400, "InvalidAuthenticationInfo") => (Kind::Refused, Some(key())),
        (403, "AuthorizationFailure") if refusal.message.contains("failed to authenticate") => (Kind::Refused, Some(key())),
        (403, "AuthorizationFailure") => (
            Kind::Refused,
            Some(format!(
                "the firewall of the account {account:?} keeps this machine out: allow its network under \"Networking\", or use a private endpoint; \
                where there is none, {}",
                role()
            )),
        ),
        (403, "AuthenticationFailed") if refusal.message.contains("in the specified time frame") => (Kind::Refused, Some(sas.into())),
        (403, "AuthenticationFailed") => (Kind::Refused, Some(key())),
        (403, "KeyBasedAuthenticationNotPermitted") => {
            (Kind::Refused, Some("the account takes no keys: unset them and let an identity log in (docs/azure.md)".into()))
        }
        (403, "UnauthorizedBlobOverwrite" | "InsufficientAccountPermissions") => (Kind::Refused, Some(sas.into())),
        (403, code) if code.starts_with("Authorization") && code.ends_with("Mismatch") => (Kind::Refused, Some(sas.into())),
        (403, _) => (Kind::Refused, Some(role())),
        (401, "NoAuthenticationInformation") => (Kind::Refused, Some("no credential reached the service; see docs/azure.md".into())),
        (401, _) => (
            Kind::Refused,
            Some(format!(
                "the token was not accepted: is the identity one of the tenant that the account {account:?} belongs to (AZURE_TENANT_ID)?"
            )),
        ),
        (408 | 429 | 500..=599, _) => (Kind::Later(refusal.retry_after), None),
        (300..=399, _) => (Kind::Refused, Some("something between us and the account redirects: is a proxy in the way?".into())),
        _ => (Kind::Refused, None),
    };
    let told = if code.is_empty() { format!("HTTP {}", refusal.status) } else { code.to_owned() };
    let mut cause = if code.is_empty() { told.clone() } else { format!("{code} (HTTP {})", refusal.status) };
    if !refusal.message.is_empty() {
        cause = format!("{cause}: {}", refusal.message);
    }
    let mut hint = hint;
    if let (401 | 403, Some(skew)) = (refusal.status, refusal.skew.filter(|skew| skew.abs() >= SKEWED)) {
        let direction = if skew > 0 { "behind" } else { "ahead of" };
        cause = format!("{cause}; this machine's clock is {} s {direction} the service's", skew.abs());
        hint = Some("set this machine's clock".into());
    }
    (Some(told), cause, hint, kind)
}

/// An error of ours within one of object_store's.
fn find<T: StdError + 'static>(error: &object_store::Error) -> Option<&T> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The last cause alone: those around it may quote an address with a token in it.
fn innermost(error: &object_store::Error) -> String {
    let mut last: &(dyn StdError + 'static) = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use object_store::client::{HttpError, HttpErrorKind};

    use super::*;

    fn at() -> Location {
        Location::parse("az://contosomail/archive").unwrap()
    }

    fn sorted(status: u16, code: &str, message: &str, retry_after: Option<u64>, skew: Option<i64>) -> Error {
        let code = Some(code.to_owned()).filter(|code| !code.is_empty());
        let refusal = Refusal { status, code, message: message.into(), retry_after: retry_after.map(Duration::from_secs), skew };
        let source = Box::new(HttpError::new(HttpErrorKind::Unknown, refusal));
        Error::of("storing x".into(), &at(), &object_store::Error::Generic { store: "x", source })
    }

    #[test]
    fn refusals_are_sorted_and_say_what_helps() {
        for (status, code, kind, hint) in [
            (404, "ContainerNotFound", Kind::Refused, "az storage container create --account-name contosomail --name archive"),
            (404, "BlobNotFound", Kind::Missing, ""),
            (404, "", Kind::Missing, ""),
            (403, "AuthorizationPermissionMismatch", Kind::Refused, "Storage Blob Data Contributor"),
            (403, "AuthorizationFailure", Kind::Refused, "firewall"),
            (403, "AuthenticationFailed", Kind::Refused, "rotated"),
            (403, "KeyBasedAuthenticationNotPermitted", Kind::Refused, "takes no keys"),
            (403, "AuthorizationSourceIPMismatch", Kind::Refused, "SAS token must"),
            (401, "InvalidAuthenticationInfo", Kind::Refused, "AZURE_TENANT_ID"),
            (409, "BlobAlreadyExists", Kind::Conflict, ""),
            (409, "BlobImmutableDueToPolicy", Kind::Refused, "--state-prefix"),
            (412, "ConditionNotMet", Kind::Conflict, ""),
            (412, "LeaseIdMissing", Kind::Refused, "lease"),
            (413, "RequestBodyTooLarge", Kind::Unacceptable, ""),
            (429, "", Kind::Later(None), ""),
            (500, "OperationTimedOut", Kind::Later(None), ""),
            (400, "InvalidUri", Kind::Refused, ""),
        ] {
            let error = sorted(status, code, "It failed.", None, None);
            assert_eq!(error.kind, kind, "{status} {code}");
            assert!(
                error.hint.clone().unwrap_or_default().contains(hint) && error.cause.starts_with(error.code.as_deref().unwrap()),
                "{error}"
            );
        }
        let busy = sorted(503, "ServerBusy", "Busy.", Some(7), None);
        assert_eq!((busy.kind, busy.code.as_deref()), (Kind::Later(Some(Duration::from_secs(7))), Some("ServerBusy")));
        assert_eq!(busy.to_string(), "storing x failed: ServerBusy (HTTP 503): Busy.");
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let wrong = sorted(403, "AuthenticationFailed", "No.", None, Some(3600));
        assert!(wrong.to_string().contains("clock is 3600 s behind the service's (set this machine's clock)"), "{wrong}");
        assert!(!sorted(403, "AuthenticationFailed", "No.", None, Some(20)).to_string().contains("clock"));
    }

    #[test]
    fn an_account_that_cannot_be_reached_is_told_why() {
        let unreached = |cause: &str| {
            let source = Box::new(HttpError::new(HttpErrorKind::Connect, Unreached(cause.into())));
            Error::of("storing x".into(), &at(), &object_store::Error::Generic { store: "x", source })
        };
        let dns = unreached("error sending request: dns error: failed to lookup address");
        assert!(dns.kind == Kind::Later(None) && dns.hint.unwrap().contains("is contosomail the account's name"));
        let tls = unreached("invalid peer certificate: UnknownIssuer");
        assert!(tls.kind == Kind::Refused && tls.hint.unwrap().contains("SSL_CERT_FILE"));
    }
}
