//! Where the configuration is.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use url::Url;

use super::{ApiShelf, Env, Fault, FileShelf, Origin, Secret, Shelf};
use crate::reinfer::ConfigName;

/// The environment variable that holds the API's token.
const TOKEN: &str = "REINFER_API_TOKEN";

/// What was said about where the configuration is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// A file named outright.
    pub file: Option<PathBuf>,
    /// The folder that holds `config/OWNER/KEY.json`.
    pub local_files_prefix: Option<PathBuf>,
    /// The API that keeps the configuration OWNER/KEY. Its token comes from the environment.
    pub api: Option<Url>,
    /// OWNER and KEY.
    pub remote: Option<(String, String)>,
}

impl Source {
    /// Where the configuration is read: the file named outright, else the one REINFER_EWS_CONFIG names, else by OWNER and KEY.
    ///
    /// Fails where nothing was named, and where OWNER or KEY would lead elsewhere.
    pub fn shelf(&self, env: &Env) -> Result<Arc<dyn Shelf>, Fault> {
        match self.local(env) {
            Some(file) => {
                let folder = file.parent().map_or_else(PathBuf::new, Path::to_owned);
                Ok(Arc::new(FileShelf::new(file, folder)))
            }
            None => self.remote_shelf(env),
        }
    }

    /// Where OWNER and KEY lead, whatever local file there is: to `config/OWNER/KEY.json` in the folder, or to the API.
    pub fn remote_shelf(&self, env: &Env) -> Result<Arc<dyn Shelf>, Fault> {
        let Some((owner, key)) = &self.remote else {
            return Err(Fault::new("configuration", "none is named").remedy(
                "use --config FILE, or REINFER_EWS_CONFIG, or --remote-config-owner OWNER --remote-config-key KEY for DIR/config/OWNER/KEY.json of \
                 --local-files-prefix DIR, or for the one that the API of --reinfer-api-endpoint URL keeps",
            ));
        };
        one_name("--remote-config-owner", owner)?;
        one_name("--remote-config-key", key)?;
        match (&self.local_files_prefix, &self.api) {
            (Some(prefix), None) => {
                let file = prefix.join("config").join(owner).join(format!("{key}.json"));
                Ok(Arc::new(FileShelf::new(file, prefix.clone())))
            }
            (None, Some(endpoint)) => {
                let token = env.var(TOKEN).map(Secret::new).ok_or_else(|| {
                    Fault::new(TOKEN, "missing, and the API wants a token")
                        .remedy("set it to a token that may read appliance configurations")
                })?;
                let name = ConfigName { owner: owner.clone(), key: key.clone() };
                let shelf = ApiShelf::new(endpoint, token, name).map_err(|problem| Fault::new("--reinfer-api-endpoint", problem))?;
                Ok(Arc::new(shelf))
            }
            (Some(_), Some(_)) => Err(Fault::new("--reinfer-api-endpoint", "excludes --local-files-prefix")
                .remedy("keep one of them: it says where OWNER and KEY lead")),
            (None, None) => {
                Err(Fault::new("--remote-config-owner", "leads nowhere without --local-files-prefix or --reinfer-api-endpoint")
                    .remedy("add --local-files-prefix DIR or --reinfer-api-endpoint URL, or name the file with --config FILE"))
            }
        }
    }

    /// Whether only the API has the configuration, so that nothing is known of it without the network.
    pub fn is_online(&self, env: &Env) -> bool {
        self.local(env).is_none() && self.api.is_some() && self.remote.is_some()
    }

    /// Who named the place that [`shelf`](Self::shelf) gives.
    pub fn origin(&self, env: &Env) -> Origin {
        if self.file.is_none() && env.var("REINFER_EWS_CONFIG").is_some() { Origin::Env } else { Origin::Flag }
    }

    /// The local file, which wins.
    fn local(&self, env: &Env) -> Option<PathBuf> {
        self.file.clone().or_else(|| env.var("REINFER_EWS_CONFIG").map(PathBuf::from))
    }
}

/// Refuses what is more, or less, than the name of one file.
fn one_name(option: &str, name: &str) -> Result<(), Fault> {
    let mut parts = Path::new(name).components();
    let single = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    if single && !name.contains(['/', '\\', '\0']) {
        return Ok(());
    }
    Err(Fault::new(option, format!("{name:?} is not one name")).remedy("it may not be empty, hold / or \\, or be . or .."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(owner: &str, key: &str) -> Source {
        Source { local_files_prefix: Some("/mnt/ews".into()), remote: Some((owner.into(), key.into())), ..Source::default() }
    }

    fn online() -> Source {
        let api = "https://cloud.example.com/org/tenant/reinfer_/api/".parse().ok();
        Source { api, local_files_prefix: None, ..remote("o", "k") }
    }

    fn place(shelf: Result<Arc<dyn Shelf>, Fault>) -> String {
        shelf.map_or_else(|fault| fault.to_string(), |shelf| shelf.location().to_string())
    }

    #[test]
    fn a_named_file_wins_then_the_environment_then_owner_and_key() {
        let (none, token) = (Env::default(), Env::from_iter([(TOKEN, "hunter2")]));
        let env = Env::from_iter([("REINFER_EWS_CONFIG", "/env.json"), (TOKEN, "hunter2")]);
        for base in [remote("o", "k"), online()] {
            let named = Source { file: Some("/flag.json".into()), ..base.clone() };
            assert_eq!(place(named.shelf(&env)), "/flag.json");
            assert_eq!(place(base.shelf(&env)), "/env.json");
            assert!(!base.is_online(&env) && !named.is_online(&none));
            assert_ne!(place(named.remote_shelf(&env)), "/flag.json", "where the remote one is asked for");
        }
        assert_eq!(place(remote("o", "k").shelf(&none)), "/mnt/ews/config/o/k.json");
        assert_eq!(place(online().shelf(&token)), "https://cloud.example.com/org/tenant/reinfer_/api/v1/appliance-configs/o/k");
        assert!(online().is_online(&token) && !remote("o", "k").is_online(&token));
    }

    #[test]
    fn what_leads_nowhere_is_a_fault() {
        let none = Env::default();
        let told: Vec<String> = [
            Source::default(),
            Source { local_files_prefix: None, ..remote("o", "k") },
            Source { api: online().api, ..remote("o", "k") },
            online(),
            Source { api: "ftp://example.com".parse().ok(), ..online() },
        ]
        .iter()
        .zip([&none, &none, &none, &none, &Env::from_iter([(TOKEN, "hunter2")])])
        .map(|(source, env)| place(source.shelf(env)))
        .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn names_cannot_lead_elsewhere() {
        for name in ["", ".", "..", "../x", "/etc", "a/b", "a/", "./a", "a\\b", "a\0b"] {
            assert!(remote(name, "k").shelf(&Env::default()).is_err(), "owner {name:?}");
            assert!(remote("o", name).shelf(&Env::default()).is_err(), "key {name:?}");
        }
        for name in ["project-name", "a..b", "...", "é", "a b"] {
            assert!(remote(name, name).shelf(&Env::default()).is_ok(), "{name:?}");
        }
    }
}
