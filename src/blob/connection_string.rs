//! Connection strings, as the portal and `az storage account show-connection-string` give them (Configure Azure Storage connection strings).

use crate::auth::Secret;

/// What a connection string says of blobs. Not [`Debug`]: most of it is secret.
#[derive(Clone, Default)]
pub(super) struct ConnectionString {
    pub(super) account: Option<String>,
    pub(super) key: Option<Secret>,
    pub(super) sas: Option<Secret>,
    /// The blob service's own address.
    pub(super) endpoint: Option<String>,
    pub(super) suffix: Option<String>,
    pub(super) http: bool,
    /// `UseDevelopmentStorage=true`: the emulator at its usual address.
    pub(super) emulator: bool,
}

impl ConnectionString {
    /// Reads one. `Err` tells what is wrong, and quotes no value.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut read = Self::default();
        for setting in text.split(';').map(str::trim).filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').ok_or("is no connection string: it has a part without =")?;
            match name.trim().to_ascii_lowercase().as_str() {
                "accountname" => read.account = Some(value.to_owned()),
                "accountkey" => read.key = Some(Secret::new(value)),
                "sharedaccesssignature" => read.sas = Some(Secret::new(value)),
                "blobendpoint" => read.endpoint = Some(value.to_owned()),
                "endpointsuffix" => read.suffix = Some(value.to_owned()),
                "defaultendpointsprotocol" => read.http = value.eq_ignore_ascii_case("http"),
                "usedevelopmentstorage" => read.emulator = value.eq_ignore_ascii_case("true"),
                // Endpoints of other services, and settings to come.
                _ => {}
            }
        }
        if read.account.is_none() && read.endpoint.is_none() && !read.emulator {
            return Err("is no connection string of a storage account: it has neither AccountName nor BlobEndpoint".into());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_azure_hands_out_are_read() {
        let read = |text| ConnectionString::parse(text).unwrap();
        let whole = read("DefaultEndpointsProtocol=https;AccountName=contosomail;AccountKey=a2V5==;EndpointSuffix=core.windows.net");
        assert_eq!((whole.account.as_deref(), whole.suffix.as_deref(), whole.http), (Some("contosomail"), Some("core.windows.net"), false));
        assert_eq!(whole.key.unwrap().reveal(), "a2V5==");
        let sas =
            read("BlobEndpoint=https://contosomail.blob.core.windows.net/;QueueEndpoint=https://q;SharedAccessSignature=sv=1&sig=x%3D");
        assert_eq!(sas.sas.unwrap().reveal(), "sv=1&sig=x%3D");
        assert!(read("UseDevelopmentStorage=true;").emulator);
        for (text, why) in [("hello", "without ="), ("AccountKey=c2VjcmV0", "neither AccountName"), ("", "neither")] {
            let error = ConnectionString::parse(text).err().unwrap();
            assert!(error.contains(why) && !error.contains("c2VjcmV0"), "{error}");
        }
    }
}
