//! Where the configuration is.

use std::path::{Component, Path, PathBuf};

use super::{Env, Fault, Origin};

/// What was said about where the configuration is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// A file named outright.
    pub file: Option<PathBuf>,
    /// The folder that holds `config/OWNER/KEY.json`.
    pub local_files_prefix: Option<PathBuf>,
    /// OWNER and KEY.
    pub remote: Option<(String, String)>,
}

impl Source {
    /// The file to read: the one named outright, else the one REINFER_EWS_CONFIG names, else `config/OWNER/KEY.json` in the folder.
    ///
    /// Fails where nothing was named, and where OWNER or KEY would lead out of the folder.
    pub fn locate(&self, env: &Env) -> Result<PathBuf, Fault> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        if let Some(file) = env.var("REINFER_EWS_CONFIG") {
            return Ok(file.into());
        }
        match (&self.local_files_prefix, &self.remote) {
            (Some(prefix), Some((owner, key))) => {
                one_name("--remote-config-owner", owner)?;
                one_name("--remote-config-key", key)?;
                Ok(prefix.join("config").join(owner).join(format!("{key}.json")))
            }
            (None, Some(_)) => Err(Fault::new("--remote-config-owner", "names a file below --local-files-prefix, which is missing")
                .remedy("add --local-files-prefix DIR, or name the file with --config FILE")),
            (_, None) => Err(Fault::new("configuration", "no file is named")
                .remedy("use --config FILE, or REINFER_EWS_CONFIG, or --remote-config-owner OWNER --remote-config-key KEY for DIR/config/OWNER/KEY.json")),
        }
    }
}

impl Source {
    /// Who named the file that [`locate`](Self::locate) gives.
    pub fn origin(&self, env: &Env) -> Origin {
        if self.file.is_none() && env.var("REINFER_EWS_CONFIG").is_some() { Origin::Env } else { Origin::Flag }
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
        Source { file: None, local_files_prefix: Some("/mnt/ews".into()), remote: Some((owner.into(), key.into())) }
    }

    #[test]
    fn a_named_file_wins_then_the_environment_then_the_folder() {
        let env = Env::from_iter([("REINFER_EWS_CONFIG", "/env.json")]);
        let named = Source { file: Some("/flag.json".into()), ..remote("o", "k") };
        assert_eq!(named.locate(&env), Ok("/flag.json".into()));
        assert_eq!(remote("o", "k").locate(&env), Ok("/env.json".into()));
        assert_eq!(remote("o", "k").locate(&Env::default()), Ok("/mnt/ews/config/o/k.json".into()));
    }

    #[test]
    fn nothing_named_is_a_fault() {
        insta::assert_snapshot!(Source::default().locate(&Env::default()).unwrap_err());
        insta::assert_snapshot!(Source { local_files_prefix: None, ..remote("o", "k") }.locate(&Env::default()).unwrap_err());
    }

    #[test]
    fn names_cannot_lead_out_of_the_folder() {
        for name in ["", ".", "..", "../x", "/etc", "a/b", "a/", "./a", "a\\b", "a\0b"] {
            assert!(remote(name, "k").locate(&Env::default()).is_err(), "owner {name:?}");
            assert!(remote("o", name).locate(&Env::default()).is_err(), "key {name:?}");
        }
        for name in ["project-name", "a..b", "...", "é", "a b"] {
            assert!(remote(name, name).locate(&Env::default()).is_ok(), "{name:?}");
        }
    }
}
