//! Who may log in, as a world says it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::World;
use crate::accounts::{Account, Accounts, App};

/// Somebody with a password and perhaps without a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSpec {
    /// User principal name: an address.
    pub name: String,
    /// Password.
    pub password: String,
    /// Short logon name; what is before the @ when absent.
    #[serde(default)]
    pub user: Option<String>,
    /// NetBIOS domain; `EXAMPLE` when absent.
    #[serde(default)]
    pub domain: Option<String>,
    /// May impersonate every mailbox.
    #[serde(default)]
    pub impersonate: bool,
    /// Mailboxes it may open as a delegate; `"*"` for all.
    #[serde(default)]
    pub full_access: Vec<String>,
}

/// An application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AppSpec {
    /// Client id.
    pub client_id: String,
    /// Tenant: a GUID or a domain.
    pub tenant: String,
    /// Secrets, any of which will do.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Files of certificates as PEM, any of which will do; a path counts from the world file.
    #[serde(default)]
    pub certificates: Vec<PathBuf>,
    /// Mailboxes it may open; all when empty.
    #[serde(default)]
    pub mailboxes: Vec<String>,
    /// Application permissions for Graph; `Mail.ReadWrite` alone when absent.
    #[serde(default)]
    pub graph_permissions: Option<Vec<String>>,
}

/// The NetBIOS domain of accounts that do not say theirs.
const DOMAIN: &str = "EXAMPLE";
/// The password of mailboxes that do not say theirs.
const PASSWORD: &str = "password";

impl World {
    /// Makes relative paths of certificates and configurations count from a folder.
    pub(super) fn beside(mut self, folder: &Path) -> Self {
        for app in &mut self.apps {
            for path in &mut app.certificates {
                *path = folder.join(&*path);
            }
        }
        for config in &mut self.reinfer.configs {
            config.file = folder.join(&config.file);
        }
        self
    }

    /// The directory of this world.
    pub(super) fn accounts(&self) -> Result<Accounts, String> {
        let mut people: Vec<Account> = Vec::new();
        for (at, spec) in self.accounts.iter().enumerate() {
            check_address(&format!("accounts[{at}].name"), &spec.name)?;
            people.push(account(
                &spec.name,
                &spec.password,
                spec.user.as_deref(),
                spec.domain.as_deref(),
                spec.impersonate,
                &spec.full_access,
            ));
        }
        for (at, spec) in self.mailboxes.iter().enumerate() {
            for number in spec.numbers() {
                let address = numbered(&spec.address, number);
                check_address(&format!("mailboxes[{at}].address"), &address)?;
                // An account of the same name speaks for the mailbox's owner: it has its own password and rights.
                if people.iter().any(|known| known.address.eq_ignore_ascii_case(&address)) {
                    continue;
                }
                let password = spec.password.as_deref().unwrap_or(PASSWORD);
                people.push(account(&address, password, None, spec.domain.as_deref(), spec.impersonate, &spec.full_access));
            }
        }
        let apps = self.apps.iter().enumerate().map(|(at, spec)| app(at, spec)).collect::<Result<_, _>>()?;
        Ok(Accounts::new(people, apps))
    }
}

/// `text` with `{n}` replaced.
pub(super) fn numbered(text: &str, number: u64) -> String {
    text.replace("{n}", &number.to_string())
}

pub(super) fn check_address(key: &str, address: &str) -> Result<(), String> {
    match address.split_once('@') {
        Some((user, domain)) if !user.is_empty() && domain.contains('.') && !address.contains(char::is_whitespace) => Ok(()),
        _ => Err(format!("{key}: {address:?} is no address such as user@example.com")),
    }
}

/// The account of an owner of whom nothing but the address is known.
pub(super) fn owner(address: &str) -> Account {
    account(address, PASSWORD, None, None, false, &[])
}

fn account(address: &str, password: &str, user: Option<&str>, domain: Option<&str>, impersonate: bool, full_access: &[String]) -> Account {
    let local = address.split_once('@').map_or(address, |(local, _)| local);
    Account {
        user: user.unwrap_or(local).to_owned(),
        domain: domain.unwrap_or(DOMAIN).to_owned(),
        password: password.to_owned(),
        address: address.to_owned(),
        impersonate,
        full_access: full_access.to_vec(),
    }
}

fn app(at: usize, spec: &AppSpec) -> Result<App, String> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| format!("apps[{at}].certificates: cannot read {}: {error}", path.display()))
    };
    if spec.secrets.is_empty() && spec.certificates.is_empty() {
        return Err(format!("apps[{at}]: give secrets or certificates, or the application cannot log in"));
    }
    let permissions = spec.graph_permissions.clone().unwrap_or_else(|| vec!["Mail.ReadWrite".to_owned()]);
    if let Some(unknown) = permissions.iter().find(|name| !crate::graph::PERMISSIONS.contains(&name.as_str())) {
        return Err(format!(
            "apps[{at}].graph_permissions: {unknown:?} is unknown here; known are {}",
            crate::graph::PERMISSIONS.join(", ")
        ));
    }
    Ok(App {
        client_id: spec.client_id.clone(),
        tenant: spec.tenant.clone(),
        secrets: spec.secrets.clone(),
        certificates: spec.certificates.iter().map(read).collect::<Result<_, _>>()?,
        mailboxes: spec.mailboxes.clone(),
        graph_permissions: permissions,
    })
}
