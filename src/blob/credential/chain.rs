//! The ways to log in, in their order.

use super::{Login, cli::Cli, environment, managed::Managed};
use crate::config::Env;

/// Which ways are tried.
const NARROWED: &str = "AZURE_TOKEN_CREDENTIALS";

/// One way, and what people call it.
pub(super) struct Link {
    pub(super) name: &'static str,
    pub(super) login: Box<dyn Login>,
}

/// All of them, or those that AZURE_TOKEN_CREDENTIALS leaves: `prod`, `dev`, or one by its name in the Azure SDK.
pub(super) fn links(env: &Env) -> Result<Vec<Link>, String> {
    let wanted = env.var(NARROWED).map(str::trim).unwrap_or_default().to_ascii_lowercase();
    let names: &[&str] = match wanted.as_str() {
        "" => &["environment", "workload identity", "managed identity", "Azure CLI"],
        "prod" => &["environment", "workload identity", "managed identity"],
        "dev" | "azureclicredential" => &["Azure CLI"],
        "environmentcredential" => &["environment"],
        "workloadidentitycredential" => &["workload identity"],
        "managedidentitycredential" => &["managed identity"],
        _ => {
            return Err(format!(
                "{NARROWED} is {wanted:?}: known here are prod, dev, EnvironmentCredential, WorkloadIdentityCredential, \
                ManagedIdentityCredential and AzureCliCredential"
            ));
        }
    };
    let alone = names.len() == 1;
    names.iter().map(|name| Ok(Link { name, login: login(name, env, alone)? })).collect()
}

fn login(name: &str, env: &Env, alone: bool) -> Result<Box<dyn Login>, String> {
    Ok(match name {
        "environment" => environment::application(env)?,
        "workload identity" => environment::workload(env)?,
        "managed identity" => Box::new(Managed::new(env, alone)?),
        _ => Box::new(Cli::new(env)),
    })
}
