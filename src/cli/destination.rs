//! Where messages go, and where it is kept how far they went.

use std::{fmt, path::PathBuf};

use url::Url;

use super::Exit;
use crate::{auth::Secret, config::Env};

/// What holds `data/` and `state/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder.
    Folder(PathBuf),
    /// A container of Azure Blob Storage, `az://ACCOUNT/CONTAINER[/PREFIX]`.
    Azure(String),
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Files, with catalog and cursors beside them.
    Files(Place),
    /// The Communications Mining API.
    Api {
        /// Its address.
        endpoint: Url,
        /// REINFER_API_TOKEN.
        token: Secret,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Azure(url) => f.write_str(url),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(place) => place.fmt(f),
            Self::Api { endpoint, .. } => endpoint.fmt(f),
        }
    }
}

impl Place {
    /// A folder, or a container where it begins with `az://`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("az") => Ok(Self::Azure(text.to_owned())),
            Some((scheme, _)) => Err(format!("{scheme}:// is not known: name a folder, or az://ACCOUNT/CONTAINER[/PREFIX]")),
            None if text.trim().is_empty() => Err("is empty: name a folder, or az://ACCOUNT/CONTAINER[/PREFIX]".to_owned()),
            None => Ok(Self::Folder(text.into())),
        }
    }

    /// A container.
    pub(super) fn container(text: &str) -> Result<Self, String> {
        match Self::parse(text)? {
            Self::Folder(_) => {
                Err("is no container: it looks like az://ACCOUNT/CONTAINER[/PREFIX]; for a folder use --local-files-prefix DIR".to_owned())
            }
            container => Ok(container),
        }
    }
}

/// The address of the API, as people write it.
pub(super) fn endpoint(text: &str) -> Result<Url, String> {
    let expected = "it looks like https://DOMAIN.reinfer.io/api/ or https://cloud.uipath.com/ORG/TENANT/reinfer_/api/";
    let url = Url::parse(text.trim()).map_err(|error| format!("is no URL ({error}): {expected}"))?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
        return Err(format!("is no address of a web server: {expected}"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("holds more than an address: {expected}; the token belongs into REINFER_API_TOKEN"));
    }
    Ok(url)
}

/// The one place that was asked for.
pub(super) fn decide(folder: Option<PathBuf>, container: Option<Place>, endpoint: Option<Url>, env: &Env) -> Result<Destination, Exit> {
    let token = env.var("REINFER_API_TOKEN");
    match (folder, container, endpoint) {
        (None, None, None) => Err(Exit::usage(
            "nowhere to copy to: use --local-files-prefix DIR, --private-file-prefix az://ACCOUNT/CONTAINER, or --reinfer-api-endpoint URL\n\n\
            `exchange-sync demo` shows a first run without a server; `exchange-sync run --help` lists the options",
        )),
        (Some(_), None, None) if token.is_some() => {
            Err(Exit::usage("--local-files-prefix excludes the environment variable REINFER_API_TOKEN; unset it"))
        }
        (Some(folder), None, None) => Ok(Destination::Files(Place::Folder(folder))),
        (None, Some(container), None) => Ok(Destination::Files(container)),
        (None, None, Some(endpoint)) => match token {
            Some(token) => Ok(Destination::Api { endpoint, token: Secret::new(token) }),
            None => Err(Exit::usage(
                "--reinfer-api-endpoint needs the environment variable REINFER_API_TOKEN: a token of a user who may read and upload to the buckets",
            )),
        },
        _ => Err(Exit::usage(
            "more than one place to copy to: name one of --local-files-prefix, --private-file-prefix and --reinfer-api-endpoint\n\
            (to keep cursors and catalog elsewhere than the messages, use --state-prefix)",
        )),
    }
}
