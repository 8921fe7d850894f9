//! Where a storage account answers, and the credential that was given for it outright: both from the environment.

use object_store::azure::{AzureAccessKey, AzureCredential, split_sas};
use url::{Host, Url};

use super::{connection_string::ConnectionString, location::Location};
use crate::{auth::Secret, config::Env};

/// The emulator's account and key, the same for everybody (Use the Azurite emulator: well-known storage account and key).
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const EMULATOR_URL: &str = "http://127.0.0.1:10000";

const CONNECTION_STRING: &str = "AZURE_STORAGE_CONNECTION_STRING";
const KEYS: [&str; 3] = ["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCESS_KEY"];
const SAS_TOKENS: [&str; 2] = ["AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"];
const NAMES: [&str; 2] = ["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"];
const ENDPOINTS: [&str; 3] = ["AZURE_STORAGE_ENDPOINT", "AZURE_STORAGE_BLOB_ENDPOINT", "AZURE_ENDPOINT"];

/// Clouds by the host that their users log in at, and the end of their storage accounts' addresses (Azure national clouds).
const CLOUDS: [(&str, &str); 3] = [
    ("chinacloudapi.cn", "core.chinacloudapi.cn"),
    ("microsoftonline.us", "core.usgovcloudapi.net"),
    ("microsoftonline.de", "core.cloudapi.de"),
];
const PUBLIC: &str = "core.windows.net";

/// A storage account as it can be reached.
pub(super) struct Account {
    /// The blob service's address, without a slash at its end.
    pub(super) endpoint: Url,
    /// A key or SAS token that was given for it.
    pub(super) explicit: Option<AzureCredential>,
    /// Credentials in the environment that are another account's.
    pub(super) passed_over: Option<String>,
}

impl Account {
    /// What the environment says of the account. `Err` tells which variable cannot work, and quotes none that is secret.
    pub(super) fn of(location: &Location, env: &Env) -> Result<Self, String> {
        let (given, mut passed_over) = match env.var(CONNECTION_STRING) {
            Some(text) => {
                let read = ConnectionString::parse(text).map_err(|why| format!("{CONNECTION_STRING} {why}"))?;
                match &read.account {
                    Some(other) if *other != location.account => (None, Some(format!("{CONNECTION_STRING} is of the account {other}"))),
                    _ => (Some(read), None),
                }
            }
            None => (None, None),
        };
        let given = given.unwrap_or_default();
        let named = first(env, &NAMES).filter(|(_, name)| *name != location.account);
        let ours = |variables: &[&'static str]| first(env, variables).filter(|_| named.is_none());
        if let Some((variable, other)) = named
            && first(env, &[&KEYS[..], &SAS_TOKENS[..]].concat()).is_some()
        {
            passed_over.get_or_insert_with(|| format!("{variable} says that the key or SAS token is of the account {other}"));
        }
        let endpoint_variable = first(env, &ENDPOINTS).filter(|_| named.is_none());
        let emulator = given.emulator
            || env.var("AZURE_STORAGE_USE_EMULATOR").is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
            || location.account == EMULATOR_ACCOUNT;
        let (source, endpoint) = match (&given.endpoint, endpoint_variable) {
            (Some(endpoint), _) => (CONNECTION_STRING, endpoint.clone()),
            (None, Some((variable, endpoint))) => (variable, endpoint.to_owned()),
            (None, None) if emulator => {
                ("AZURITE_BLOB_STORAGE_URL", env.var("AZURITE_BLOB_STORAGE_URL").unwrap_or(EMULATOR_URL).to_owned())
            }
            (None, None) => {
                let scheme = if given.http { "http" } else { "https" };
                let suffix = given.suffix.as_deref().or_else(|| env.var("AZURE_STORAGE_ENDPOINT_SUFFIX")).unwrap_or_else(|| cloud(env));
                let address = format!("{scheme}://{}.blob.{}", location.account, suffix.trim_start_matches("blob.").trim_matches('.'));
                ("AZURE_STORAGE_ENDPOINT_SUFFIX", address)
            }
        };
        let endpoint = address(&endpoint, &location.account).map_err(|why| format!("{source} {why}"))?;

        let key = given.key.map(|key| (CONNECTION_STRING, key)).or_else(|| secret(ours(&KEYS)));
        let sas = given.sas.map(|sas| (CONNECTION_STRING, sas)).or_else(|| secret(ours(&SAS_TOKENS)));
        let explicit = match (key, sas) {
            (Some((variable, key)), _) => Some(shared_key(variable, &key)?),
            (None, Some((variable, sas))) => Some(sas_token(variable, &sas)?),
            (None, None) if emulator && location.account == EMULATOR_ACCOUNT => Some(shared_key("", &Secret::new(EMULATOR_KEY))?),
            (None, None) => None,
        };
        Ok(Self { endpoint, explicit, passed_over })
    }
}

fn first<'e>(env: &'e Env, variables: &[&'static str]) -> Option<(&'static str, &'e str)> {
    variables.iter().find_map(|variable| Some((*variable, env.var(variable)?)))
}

fn secret(found: Option<(&'static str, &str)>) -> Option<(&'static str, Secret)> {
    found.map(|(variable, text)| (variable, Secret::new(text)))
}

fn cloud(env: &Env) -> &'static str {
    let authority = env.var("AZURE_AUTHORITY_HOST").unwrap_or_default().trim_end_matches('/').to_ascii_lowercase();
    CLOUDS.iter().find(|(host, _)| authority.ends_with(host)).map_or(PUBLIC, |(_, suffix)| suffix)
}

/// An address of a blob service. At an IP address or localhost the account is part of the path, as emulators have it.
fn address(text: &str, account: &str) -> Result<Url, String> {
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = Url::parse(text.trim()).map_err(|error| format!("holds no URL of a blob service: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("holds no plain http or https URL of a blob service".into());
    }
    let bare = url.path().trim_matches('/').is_empty();
    let local = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
        || url.host_str().is_some_and(|host| host == "localhost" || !host.contains('.'));
    let path = if bare && local { format!("/{account}") } else { url.path().trim_end_matches('/').to_owned() };
    url.set_path(&path);
    Ok(url)
}

fn shared_key(variable: &str, key: &Secret) -> Result<AzureCredential, String> {
    let key = AzureAccessKey::try_new(key.reveal().trim());
    key.map(AzureCredential::AccessKey)
        .map_err(|_| format!("{variable} holds no account key: one is base64 text, as under \"Access keys\" in the portal"))
}

fn sas_token(variable: &str, sas: &Secret) -> Result<AzureCredential, String> {
    let pairs = split_sas(sas.reveal().trim()).ok().filter(|pairs| pairs.iter().any(|(name, _)| name == "sig"));
    pairs
        .map(AzureCredential::SASToken)
        .ok_or_else(|| format!("{variable} holds no SAS token: one is a query such as sv=...&sp=rcwdl&sig=..."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(at: &str, env: &[(&str, &str)]) -> Result<Account, String> {
        Account::of(&Location::parse(at).unwrap(), &Env::from_iter(env.iter().copied()))
    }

    fn endpoint(at: &str, env: &[(&str, &str)]) -> String {
        account(at, env).unwrap().endpoint.to_string()
    }

    #[test]
    fn an_account_answers_where_its_cloud_is() {
        let at = "az://contosomail/archive";
        for (env, expected) in [
            (&[][..], "https://contosomail.blob.core.windows.net/"),
            (&[("AZURE_AUTHORITY_HOST", "https://login.chinacloudapi.cn/")], "https://contosomail.blob.core.chinacloudapi.cn/"),
            (&[("AZURE_AUTHORITY_HOST", "login.microsoftonline.us")], "https://contosomail.blob.core.usgovcloudapi.net/"),
            (&[("AZURE_STORAGE_ENDPOINT_SUFFIX", "core.example.com")], "https://contosomail.blob.core.example.com/"),
            (&[("AZURE_STORAGE_ENDPOINT", "https://blobs.example.com/")], "https://blobs.example.com/"),
            (&[("AZURE_ENDPOINT", "http://10.0.0.5:10000")], "http://10.0.0.5:10000/contosomail"),
            (
                &[(CONNECTION_STRING, "AccountName=contosomail;AccountKey=a2V5;EndpointSuffix=core.usgovcloudapi.net")],
                "https://contosomail.blob.core.usgovcloudapi.net/",
            ),
            (&[("AZURE_STORAGE_USE_EMULATOR", "true")], "http://127.0.0.1:10000/contosomail"),
        ] {
            assert_eq!(endpoint(at, env), expected, "{env:?}");
        }
    }

    #[test]
    fn the_emulator_needs_no_settings() {
        let at = "az://devstoreaccount1/archive";
        assert_eq!(endpoint(at, &[]), "http://127.0.0.1:10000/devstoreaccount1");
        assert_eq!(endpoint(at, &[(CONNECTION_STRING, "UseDevelopmentStorage=true")]), "http://127.0.0.1:10000/devstoreaccount1");
        assert_eq!(endpoint(at, &[("AZURITE_BLOB_STORAGE_URL", "https://azurite:10000")]), "https://azurite:10000/devstoreaccount1");
        let written_out = "AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:5/devstoreaccount1;";
        assert_eq!(endpoint(at, &[(CONNECTION_STRING, written_out)]), "http://127.0.0.1:5/devstoreaccount1");
        assert!(matches!(account(at, &[]).unwrap().explicit, Some(AzureCredential::AccessKey(_))));
    }

    #[test]
    fn what_was_given_outright_is_taken_in_order_and_only_for_its_account() {
        let at = "az://contosomail/archive";
        let (key, sas) = (("AZURE_STORAGE_KEY", "a2V5"), ("AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=a%2Bb"));
        let connection = (CONNECTION_STRING, "AccountName=contosomail;SharedAccessSignature=sv=1&sig=c");
        assert!(matches!(account(at, &[key, sas]).unwrap().explicit, Some(AzureCredential::AccessKey(_))));
        let Some(AzureCredential::SASToken(pairs)) = account(at, &[sas]).unwrap().explicit else { panic!() };
        assert_eq!(pairs[1], ("sig".to_owned(), "a+b".to_owned()));
        assert!(matches!(account(at, &[connection]).unwrap().explicit, Some(AzureCredential::SASToken(_))));
        assert!(account(at, &[]).unwrap().explicit.is_none());
        let others = account("az://other/archive", &[connection, key, ("AZURE_STORAGE_ACCOUNT", "contosomail")]).unwrap();
        assert!(others.explicit.is_none() && others.passed_over.unwrap().contains("contosomail"));
    }

    #[test]
    fn a_variable_that_cannot_work_is_named_and_not_shown() {
        for (env, why) in [
            ((CONNECTION_STRING, "s3cret"), "AZURE_STORAGE_CONNECTION_STRING is no connection string"),
            (("AZURE_STORAGE_KEY", "s3cret!"), "AZURE_STORAGE_KEY holds no account key"),
            (("AZURE_STORAGE_SAS_TOKEN", "s3cret"), "AZURE_STORAGE_SAS_TOKEN holds no SAS token"),
            (("AZURE_STORAGE_ENDPOINT", "ftp://s3cret"), "AZURE_STORAGE_ENDPOINT holds no plain"),
        ] {
            let error = account("az://contosomail/archive", &[env]).err().unwrap();
            assert!(error.contains(why) && !error.contains("s3cret"), "{error}");
        }
    }
}
