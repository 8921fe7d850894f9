//! Deleting one blob by one request. object_store deletes by batches alone, which not every account, SAS token and emulator takes.

use std::{fmt, sync::Arc};

use http::{Method, Request, header::CONTENT_LENGTH};
use object_store::{
    CredentialProvider,
    azure::AzureAuthorizer,
    client::{HttpRequestBody, HttpService},
    path::Path as Name,
};
use url::Url;

use super::{credential::Credentials, location::Location, service::Service};

/// Deletes blobs of one container.
pub(super) struct Remover {
    container: Url,
    account: String,
    credentials: Arc<Credentials>,
    service: Service,
}

impl Remover {
    /// Of the account that answers at `endpoint`.
    pub(super) fn new(endpoint: &Url, location: &Location, credentials: Arc<Credentials>, service: Service) -> Self {
        let mut container = endpoint.clone();
        if let Ok(mut path) = container.path_segments_mut() {
            path.pop_if_empty().push(&location.container);
        }
        Self { container, account: location.account.clone(), credentials, service }
    }

    /// Deletes a blob (Delete Blob).
    pub(super) async fn remove(&self, name: &Name) -> object_store::Result<()> {
        let generic = |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Generic { store: "delete", source };
        let mut url = self.container.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(name.parts());
        }
        let request = Request::builder().method(Method::DELETE).uri(url.as_str()).header(CONTENT_LENGTH, "0");
        let mut request = request.body(HttpRequestBody::empty()).map_err(|error| generic(Box::new(error)))?;
        let credential = self.credentials.get_credential().await?;
        AzureAuthorizer::new(&credential, &self.account).try_authorize(&mut request)?;
        self.service.call(request).await.map(drop).map_err(|error| generic(Box::new(error)))
    }
}

impl fmt::Debug for Remover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remover").field("container", &self.container.as_str()).finish_non_exhaustive()
    }
}
