//! Judging how to log in.

use std::path::Path;

use url::Url;

use super::{
    Auth, Credential, Fault, Login, OAuth, Secret, endpoint,
    layer::{Layered, Layers, Origin},
    pem,
    raw::{AccessName, ApiName, AuthName, RawConfig, top},
    report::{Report, Severity},
};

/// The room's view of the file while it is judged.
pub(super) struct Judge<'a> {
    pub(super) raw: &'a RawConfig,
    pub(super) layers: &'a Layers<'a>,
    pub(super) report: &'a Report,
    /// The folder that paths in the file are relative to.
    pub(super) base: &'a Path,
}

impl Judge<'_> {
    /// How to log in, if that is clear.
    pub(super) fn auth(&self, api: ApiName) -> Option<Auth> {
        let default = match api {
            ApiName::Ews => AuthName::Ntlm,
            ApiName::Graph => AuthName::Oauth2,
        };
        let kind = self.layers.value("auth_type", self.raw.auth_type, Some(default))?;
        if self.report.has(&kind.at) {
            return None;
        }
        if api == ApiName::Graph && kind.value != AuthName::Oauth2 {
            self.report.fault(kind.at, "Microsoft Graph knows oauth2 only", r#"remove it, or write "auth_type": "oauth2""#);
            return None;
        }
        match kind.value {
            AuthName::Oauth2 => self.oauth().map(Auth::OAuth),
            AuthName::Ntlm => self.login("ntlm", kind.origin).map(Auth::Ntlm),
            AuthName::Basic => self.login("basic", kind.origin).map(Auth::Basic),
        }
    }

    /// A user and a password.
    fn login(&self, name: &str, origin: Origin) -> Option<Login> {
        let user = self.layers.with_env("auth_user", "REINFER_EWS_AUTH_USER", self.raw.auth_user.clone(), None);
        let password = self.layers.with_env("auth_password", "REINFER_EWS_AUTH_PASS", self.raw.auth_password.clone(), None);
        self.unused(
            name,
            &[
                ("auth_oauth_authority", self.raw.auth_oauth_authority.is_some()),
                ("auth_oauth_client_id", self.raw.auth_oauth_client_id.is_some()),
                ("auth_oauth_client_secret", self.raw.auth_oauth_client_secret.is_some()),
                ("auth_oauth_client_credential_private_key", self.raw.auth_oauth_client_credential_private_key.is_some()),
                ("auth_oauth_client_credential_thumbprint", self.raw.auth_oauth_client_credential_thumbprint.is_some()),
            ],
        );
        if password.as_ref().is_none_or(|password| password.value.is_empty()) && !self.report.has(&top("auth_password")) {
            let fault = Fault::new(top("auth_password"), format!("missing, and {name} needs a password"));
            self.report.add(Severity::RunFault, fault.remedy("set the environment variable REINFER_EWS_AUTH_PASS"));
        }
        if let Some(password) = password.as_ref().filter(|password| password.value.ends_with(['\n', '\r'])) {
            self.report.warn(
                password.at.as_str(),
                "the password (not shown) ends with a line break",
                "remove it: secrets made by echo have one, those made by printf have not",
            );
        }
        let Some(user) = user.filter(|user| !user.value.trim().is_empty()) else {
            let assumed = if origin == Origin::Default { r#" ("auth_type" is not set, so ntlm is assumed)"# } else { "" };
            let fault = Fault::new(top("auth_user"), format!("missing, and {name} needs a user{assumed}"));
            let remedy = if self.raw.auth_oauth_client_id.is_some() {
                r#"for OAuth 2.0 write "auth_type": "oauth2""#
            } else {
                r"write DOMAIN\\user or user@example.com, or set REINFER_EWS_AUTH_USER"
            };
            if !self.report.has(&top("auth_user")) {
                self.report.add(Severity::Fault, fault.remedy(remedy));
            }
            return None;
        };
        if user.value.contains(char::is_control) {
            self.report.fault(
                user.at,
                format!("{} holds a control character", endpoint::quoted(&user.value)),
                r"in JSON a backslash is written twice, such as DOMAIN\\user",
            );
            return None;
        }
        Some(Login {
            user: user.value.trim().to_owned(),
            password: Secret::new(password.map(|password| password.value).unwrap_or_default()),
        })
    }

    /// An application.
    fn oauth(&self) -> Option<OAuth> {
        let raw = self.raw;
        self.unused("oauth2", &[("auth_user", raw.auth_user.is_some()), ("auth_password", raw.auth_password.is_some())]);
        let authority = self.layers.value("auth_oauth_authority", raw.auth_oauth_authority.clone(), None);
        let client = self.layers.value("auth_oauth_client_id", raw.auth_oauth_client_id.clone(), None);
        let secret = self.layers.value("auth_oauth_client_secret", raw.auth_oauth_client_secret.clone(), None);
        let key = self.layers.value("auth_oauth_client_credential_private_key", raw.auth_oauth_client_credential_private_key.clone(), None);
        let thumbprint =
            self.layers.value("auth_oauth_client_credential_thumbprint", raw.auth_oauth_client_credential_thumbprint.clone(), None);
        let authority = authority.map_or_else(
            || self.missing("auth_oauth_authority", "write https://login.microsoftonline.com/TENANT/"),
            |authority| self.authority(authority),
        );
        let client = client.filter(|client| !client.value.trim().is_empty());
        let client = client.map_or_else(
            || self.missing("auth_oauth_client_id", "write the application's client id"),
            |client| Some(client.value.trim().to_owned()),
        );
        let credential = match (secret, key) {
            (Some(secret), Some(_)) => {
                self.report.fault(
                    secret.at,
                    "both a secret and a private key are set",
                    "keep auth_oauth_client_secret or auth_oauth_client_credential_private_key, not both",
                );
                None
            }
            (Some(secret), None) if secret.value.is_empty() => {
                self.missing("auth_oauth_client_secret", "write the application's client secret")
            }
            (Some(secret), None) => {
                if let Some(thumbprint) = thumbprint {
                    self.report.warn(thumbprint.at, "not used without a private key", "remove it");
                }
                Some(Credential::Secret(Secret::new(secret.value)))
            }
            (None, Some(key)) => self.certificate(key, thumbprint),
            (None, None) => self.missing(
                "auth_oauth_client_secret",
                "write the application's secret, or its private key as auth_oauth_client_credential_private_key",
            ),
        };
        Some(OAuth { authority: authority?, client_id: client?, credential: credential? })
    }

    fn certificate(&self, key: Layered<String>, written: Option<Layered<String>>) -> Option<Credential> {
        let given = written.map(|written| {
            let thumbprint = pem::thumbprint(&written.value);
            let placeholder = written.value.starts_with('<');
            if thumbprint.is_none() {
                let problem = if placeholder { "is still a placeholder" } else { "is not a SHA-1 thumbprint" };
                self.report.fault(
                    &written.at,
                    format!("{} {problem}", endpoint::quoted(&written.value)),
                    "write 40 hexadecimal digits, or remove it and put the certificate into the PEM",
                );
            }
            (written.at, thumbprint)
        });
        let text = match pem::private_key(&key.value, self.base) {
            Ok(text) => text,
            Err((problem, remedy)) => {
                self.report.fault(key.at, problem, remedy);
                return None;
            }
        };
        let thumbprint = match (given, text.thumbprint) {
            (None, None) => {
                self.report.fault(
                    key.at,
                    "the private key comes without its certificate, and no thumbprint is set",
                    "put the certificate into the same PEM, or set auth_oauth_client_credential_thumbprint",
                );
                return None;
            }
            (Some((_, None)), _) => return None,
            (Some((at, Some(given))), Some(computed)) if given != computed => {
                self.report.fault(
                    at,
                    format!("{given} is not the thumbprint of the certificate in the PEM, which is {computed}"),
                    "remove it, or correct it",
                );
                return None;
            }
            (Some((_, given)), _) => given,
            (None, computed) => computed,
        };
        Some(Credential::Certificate { pem: text.pem, thumbprint })
    }

    fn authority(&self, written: Layered<String>) -> Option<Url> {
        let how = "write the tenant's authority, such as https://login.microsoftonline.com/TENANT/";
        let mut url = match endpoint::from_url(&written.value) {
            Ok(url) => url,
            Err((problem, _)) => {
                self.report.fault(written.at, problem, how);
                return None;
            }
        };
        let path = url.path().trim_end_matches('/').to_owned();
        let wrong = match () {
            () if url.query().is_some() => Some("has a ?"),
            () if path.is_empty() => Some("names no tenant"),
            () if path.contains("/oauth2") || path.ends_with("/v2.0") => Some("goes on after the tenant"),
            () if ["/common", "/organizations", "/consumers"].contains(&path.to_ascii_lowercase().as_str()) => {
                Some("names no single tenant, and an application can only log in to one")
            }
            () => None,
        };
        if let Some(wrong) = wrong {
            self.report.fault(written.at, format!("{} {wrong}", endpoint::quoted(&written.value)), how);
            return None;
        }
        if url.scheme() == "http" {
            self.report.warn(written.at, "the credential travels unencrypted over http", "use https");
        }
        url.set_path(&format!("{path}/"));
        Some(url)
    }

    /// On whose behalf EWS reads; an application has no mailbox rights of its own.
    pub(super) fn access(&self, auth: Option<AuthName>) -> AccessName {
        let file = self.raw.access_type;
        let Some(access) = self.layers.with_env("access_type", "REINFER_EWS_ACCESS_TYPE", file, Some(AccessName::Delegate)) else {
            return AccessName::Delegate;
        };
        if auth == Some(AuthName::Oauth2) && access.value == AccessName::Delegate && !self.report.has(&access.at) {
            let problem = match access.origin {
                Origin::Default => "missing, so delegate is assumed, but an application (oauth2) cannot read as a delegate",
                _ => r#""delegate" does not go with oauth2: an application cannot read as a delegate"#,
            };
            self.report.fault(access.at, problem, r#"write "access_type": "impersonation""#);
        }
        access.value
    }

    fn missing<T>(&self, key: &str, remedy: &str) -> Option<T> {
        self.report.missing(top(key), "missing, and oauth2 needs it", remedy);
        None
    }

    fn unused(&self, name: &str, keys: &[(&str, bool)]) {
        for (key, _) in keys.iter().filter(|(_, set)| *set) {
            self.report.warn(top(key), format!("not used with {name}"), "remove it, or change auth_type");
        }
    }
}
