//! The environment, as a value that tests can make up.

use std::{collections::BTreeMap, fmt};

/// Environment variables by name. A variable that is set to nothing counts as not set: containers are often started with `--env NAME=`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The environment of this process. Variables that are not Unicode are left out.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect())
    }

    /// The value of a variable that is set to something.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Names only: any variable may hold a secret.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_to_nothing_is_not_set() {
        let env = Env::from_iter([("A", ""), ("B", "x")]);
        assert_eq!((env.var("A"), env.var("B"), env.var("C")), (None, Some("x"), None));
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(format!("{:?}", Env::from_iter([("REINFER_EWS_AUTH_PASS", "hunter2")])), r#"{"REINFER_EWS_AUTH_PASS"}"#);
    }
}
