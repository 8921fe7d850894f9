//! Paths: which resource they name, in every form that clients in the field write them.
//!
//! `owner/name` comes as two segments or as one with `%2F`; the list of sync states as `keyed-sync-states/` or `keyed-sync-states%2F`; a base
//! that ends in a slash yields `//api`, and one that ends in `/api/` yields `/api//api`. Whatever lies before `api` or `auth` is the base.

use crate::http::percent_decode;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `auth/user`.
    User,
    /// `auth/refresh-user-permissions`.
    Permissions,
    /// All buckets.
    Buckets,
    /// The buckets of an owner.
    Owner(String),
    /// A bucket, or something in it.
    Bucket(BucketRef, Part),
    /// The one opaque state of a bucket.
    BucketState(String, String),
    /// The configuration of an appliance: owner and key.
    Config(String, String),
    /// The content of an attachment, by its reference.
    Attachment(String),
    /// Nothing that is served.
    Nothing,
}

/// How a path names a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BucketRef {
    /// `id:...`.
    Id(String),
    /// Owner and name.
    Name(String, String),
}

/// What of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The bucket itself.
    Itself,
    /// Its statistics.
    Statistics,
    /// Its emails.
    Emails,
    /// A search in them.
    Query,
    /// The content of an attachment: the email's id and the attachment's number.
    Content(String, String),
    /// All keyed sync states.
    States,
    /// The keys of a mailbox.
    StateIds,
    /// One keyed sync state.
    State(String),
}

/// Whether a path belongs to this API, below whatever base.
pub(crate) fn owns(path: &str) -> bool {
    rest_of(path).is_some()
}

/// What a path names.
pub(super) fn parse(path: &str) -> Place {
    rest_of(path).and_then(|(family, rest)| place(&family, &rest)).unwrap_or(Place::Nothing)
}

/// The family (`v1`, `_private` or `auth`) and the decoded segments behind it.
fn rest_of(path: &str) -> Option<(String, Vec<String>)> {
    let segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(percent_decode).collect();
    let pair = segments.windows(2).position(|pair| match pair {
        [first, second] => match first.as_str() {
            "api" => second == "v1" || second == "_private",
            "auth" => second == "user" || second == "refresh-user-permissions",
            _ => false,
        },
        _ => false,
    })?;
    // `/api/api/...` is no address; `/api//api/...` is what a careless join makes of a base that ends in `/api/`.
    if pair > 0 && segments.get(pair - 1).is_some_and(|before| before == "api") && !path.contains("api//api/") {
        return None;
    }
    let mut rest = segments.into_iter().skip(pair);
    let first = rest.next()?;
    if first == "auth" { Some((first, rest.collect())) } else { Some((rest.next()?, rest.collect())) }
}

fn place(family: &str, rest: &[String]) -> Option<Place> {
    let (first, rest) = rest.split_first()?;
    Some(match (family, first.as_str()) {
        ("auth", "user") if rest.is_empty() => Place::User,
        ("auth", "refresh-user-permissions") if rest.is_empty() => Place::Permissions,
        ("_private", "buckets") => return buckets(rest),
        ("_private", "bucket-sync-state") => {
            let (owner, name, rest) = pair(rest)?;
            rest.is_empty().then_some(Place::BucketState(owner, name))?
        }
        (_, "appliance-configs") => {
            let (owner, key, rest) = pair(rest)?;
            rest.is_empty().then_some(Place::Config(owner, key))?
        }
        ("v1", "attachments") => match rest {
            [reference] => Place::Attachment(reference.clone()),
            _ => return None,
        },
        _ => return None,
    })
}

fn buckets(rest: &[String]) -> Option<Place> {
    let (bucket, rest) = match rest {
        [] => return Some(Place::Buckets),
        [first, rest @ ..] if first.starts_with("id:") => (BucketRef::Id(first.trim_start_matches("id:").to_owned()), rest),
        [owner] if !owner.contains('/') => return Some(Place::Owner(owner.clone())),
        rest => {
            let (owner, name, rest) = pair(rest)?;
            (BucketRef::Name(owner, name), rest)
        }
    };
    let tail: Vec<&str> = rest.iter().map(String::as_str).collect();
    let part = match tail.as_slice() {
        [] => Part::Itself,
        ["statistics"] => Part::Statistics,
        ["emails"] => Part::Emails,
        ["emails", "query"] => Part::Query,
        ["emails", id, "attachments", number] => Part::Content((*id).to_owned(), (*number).to_owned()),
        ["keyed-sync-states" | "keyed-sync-states/"] => Part::States,
        ["keyed-sync-state-ids"] => Part::StateIds,
        ["keyed-sync-state", key] => Part::State((*key).to_owned()),
        _ => return None,
    };
    Some(Place::Bucket(bucket, part))
}

/// `owner/name` as one segment or as two, and what follows.
fn pair(rest: &[String]) -> Option<(String, String, &[String])> {
    let (first, after) = rest.split_first()?;
    if let Some((owner, name)) = first.split_once('/') {
        return Some((owner.to_owned(), name.to_owned(), after));
    }
    let (name, after) = after.split_first()?;
    Some((first.clone(), name.clone(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(part: Part) -> Place {
        Place::Bucket(BucketRef::Name("acme".into(), "mail".into()), part)
    }

    #[test]
    fn every_form_of_a_path_is_known() {
        for (path, place) in [
            ("/api/_private/buckets/acme/mail/emails", named(Part::Emails)),
            ("/api/_private/buckets/acme%2Fmail/emails", named(Part::Emails)),
            ("//api/_private/buckets/acme%2fmail/emails", named(Part::Emails)),
            ("/api//api/_private/buckets/acme/mail/emails/query", named(Part::Query)),
            ("/org/tenant/reinfer_/api/_private/buckets/acme/mail", named(Part::Itself)),
            ("/org/tenant/reinfer_//api/_private/buckets/acme/mail/statistics", named(Part::Statistics)),
            ("/api/_private/buckets/id:0a1b/keyed-sync-states/", Place::Bucket(BucketRef::Id("0a1b".into()), Part::States)),
            ("/api/_private/buckets/id:0a1b/keyed-sync-states%2F", Place::Bucket(BucketRef::Id("0a1b".into()), Part::States)),
            ("/api/_private/buckets/id:0a1b/keyed-sync-state-ids", Place::Bucket(BucketRef::Id("0a1b".into()), Part::StateIds)),
            ("/api/_private/buckets/id:0a1b/keyed-sync-state/ff", Place::Bucket(BucketRef::Id("0a1b".into()), Part::State("ff".into()))),
            ("/api/_private/buckets", Place::Buckets),
            ("/api/_private/buckets/acme", Place::Owner("acme".into())),
            ("/api/_private/bucket-sync-state/acme/mail", Place::BucketState("acme".into(), "mail".into())),
            ("/api/v1/appliance-configs/acme/exchange", Place::Config("acme".into(), "exchange".into())),
            ("/api/_private/appliance-configs/acme%2Fexchange", Place::Config("acme".into(), "exchange".into())),
            ("/auth/user", Place::User),
            ("/org/tenant/reinfer_/auth/refresh-user-permissions", Place::Permissions),
            (
                "/api/_private/buckets/id:0a1b/emails/%3Ca%2Fb@example.com%3E/attachments/2",
                Place::Bucket(BucketRef::Id("0a1b".into()), Part::Content("<a/b@example.com>".into(), "2".into())),
            ),
            ("/api/v1/datasets", Place::Nothing),
            ("/api/v1/buckets/acme/mail", Place::Nothing),
            ("/api/_private/buckets/acme/mail/emails/extra", Place::Nothing),
        ] {
            assert!(owns(path), "{path}");
            assert_eq!(parse(path), place, "{path}");
        }
        for path in
            ["/", "/EWS/Exchange.asmx", "/api/api/v1/sources", "/example.com/oauth2/v2.0/token", "/autodiscover/autodiscover.xml", "/auth"]
        {
            assert!(!owns(path), "{path}");
        }
    }
}
