//! Who may log in: people and services by password, applications by secret or certificate.

use std::fmt;

/// Somebody with a password.
#[derive(Clone)]
pub struct Account {
    /// The short logon name (SAM account name).
    pub user: String,
    /// The NetBIOS domain.
    pub domain: String,
    /// The password.
    pub password: String,
    /// User principal name and primary SMTP address in one. A service account need not have a mailbox of this address.
    pub address: String,
    /// May impersonate every mailbox (the role ApplicationImpersonation).
    pub impersonate: bool,
    /// Mailboxes it may open as a delegate with full access, by primary address.
    pub full_access: Vec<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Account({}\\{}, {})", self.domain, self.user, self.address)
    }
}

impl Account {
    /// Whether it may open this mailbox as a delegate.
    pub fn may_open(&self, mailbox: &str) -> bool {
        self.full_access.iter().any(|address| address == "*" || address.eq_ignore_ascii_case(mailbox))
    }
}

/// An application registered with the directory.
#[derive(Clone)]
pub struct App {
    /// Its client id.
    pub client_id: String,
    /// The tenant it lives in: a GUID or a domain.
    pub tenant: String,
    /// Its secrets.
    pub secrets: Vec<String>,
    /// Its certificates, PEM text.
    pub certificates: Vec<String>,
    /// Mailboxes it may open, by primary address; empty means all.
    pub mailboxes: Vec<String>,
    /// Application permissions it was given for Graph, such as `Mail.Read`.
    pub graph_permissions: Vec<String>,
}

impl fmt::Debug for App {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "App({} of {})", self.client_id, self.tenant)
    }
}

impl App {
    /// Whether an access policy lets it open this mailbox.
    pub fn may_open(&self, mailbox: &str) -> bool {
        self.mailboxes.is_empty() || self.mailboxes.iter().any(|address| address.eq_ignore_ascii_case(mailbox))
    }
}

/// The directory.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    people: Vec<Account>,
    apps: Vec<App>,
}

impl Accounts {
    /// A directory of these.
    pub fn new(people: Vec<Account>, apps: Vec<App>) -> Self {
        Self { people, apps }
    }

    /// Everybody with a password.
    pub fn people(&self) -> &[Account] {
        &self.people
    }

    /// Every application.
    pub fn apps(&self) -> &[App] {
        &self.apps
    }

    /// Finds who logs in as `name`: `DOMAIN\user`, an address (UPN), or the bare user. Case does not matter.
    pub fn login(&self, name: &str) -> Option<&Account> {
        if let Some((domain, user)) = name.split_once('\\') {
            if domain.is_empty() {
                return self.login(user);
            }
            return self.people.iter().find(|account| {
                same(&account.user, user) && (same(&account.domain, domain) || same(dns_domain(&account.address), domain))
            });
        }
        self.people
            .iter()
            .find(|account| same(&account.address, name))
            .or_else(|| self.people.iter().find(|account| same(&account.user, name)))
    }

    /// The account of a primary address.
    pub fn of(&self, address: &str) -> Option<&Account> {
        self.people.iter().find(|account| same(&account.address, address))
    }

    /// The application of a client id.
    pub fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| same(&app.client_id, client_id))
    }
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

fn dns_domain(address: &str) -> &str {
    address.split_once('@').map_or("", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_found_by_each_of_its_names() {
        let account = Account {
            user: "alice".into(),
            domain: "CORP".into(),
            password: "pw".into(),
            address: "alice@example.com".into(),
            impersonate: false,
            full_access: vec!["team@example.com".into()],
        };
        assert!(account.may_open("Team@example.com") && !account.may_open("bob@example.com"));
        assert!(!format!("{account:?}").contains("pw"));
        let accounts = Accounts::new(vec![account], Vec::new());
        for name in ["alice", "Alice@Example.com", "corp\\ALICE", "example.com\\alice", "\\alice@example.com"] {
            assert!(accounts.login(name).is_some(), "{name}");
        }
        for name in ["bob", "OTHER\\alice", "alice@example.org", ""] {
            assert!(accounts.login(name).is_none(), "{name}");
        }
    }
}
