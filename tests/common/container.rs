//! A container of Azure Blob Storage as the place that messages go to, and a mirror of it on the disk for whoever looks at what is there.

use std::{collections::HashMap, net::SocketAddr, path::Path, sync::Mutex};

use futures::StreamExt;
use url::Url;

use super::{
    Setup,
    azurite::{ACCOUNT, Azurite, signed},
};

/// A container, and what of it was mirrored.
pub struct Container {
    client: reqwest::Client,
    url: Url,
    seen: Mutex<HashMap<String, String>>,
}

impl Container {
    /// Opens a container of the emulator for a look.
    pub fn of(azurite: &Azurite, name: &str) -> Self {
        let url = format!("{}/{name}", azurite.url()).parse().unwrap();
        Self { client: azurite.client(), url, seen: Mutex::default() }
    }

    async fn get(&self, url: Url) -> reqwest::Response {
        let answer = signed(&self.client, http::Method::GET, url.as_str()).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        answer
    }

    /// Names and tags of all blobs.
    async fn list(&self) -> Vec<(String, String)> {
        let (mut found, mut marker) = (Vec::new(), String::new());
        loop {
            let mut url = self.url.clone();
            url.query_pairs_mut().extend_pairs([("restype", "container"), ("comp", "list"), ("marker", &marker)]);
            let text = self.get(url).await.text().await.unwrap();
            let between = |text: &str, tag: &str| {
                let rest = text.split_once(&format!("<{tag}>"))?.1;
                Some(rest.split_once(&format!("</{tag}>"))?.0.replace("&amp;", "&"))
            };
            found.extend(text.split("<Blob>").skip(1).map(|blob| (between(blob, "Name").unwrap(), between(blob, "Etag").unwrap())));
            match between(&text, "NextMarker").filter(|next| !next.is_empty()) {
                Some(next) => marker = next,
                None => return found,
            }
        }
    }

    async fn read(&self, name: &str) -> Vec<u8> {
        let mut url = self.url.clone();
        url.path_segments_mut().unwrap().extend(name.split('/'));
        self.get(url).await.bytes().await.unwrap().to_vec()
    }

    /// Makes a folder's content that of the container.
    pub async fn mirror(&self, folder: &Path) {
        let listed = self.list().await;
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let mut now = HashMap::new();
        let mut changed = Vec::new();
        for (name, tag) in listed {
            if seen.remove(&name).as_ref() != Some(&tag) {
                changed.push(name.clone());
            }
            now.insert(name, tag);
        }
        for name in seen.keys() {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        *self.seen.lock().unwrap() = now;
        futures::stream::iter(changed)
            .for_each_concurrent(16, |name| async move {
                let bytes = self.read(&name).await;
                let file = folder.join(name);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, bytes).unwrap();
            })
            .await;
    }
}

impl Setup {
    /// Messages go into this container of the emulator, which is made.
    pub async fn goes_to_azure(&mut self, azurite: &Azurite, name: &str) {
        self.goes_to_azure_via(azurite, name, azurite.address).await;
    }

    /// The same by way of a middleman.
    pub async fn goes_to_azure_via(&mut self, azurite: &Azurite, name: &str, address: SocketAddr) {
        azurite.create(name).await;
        self.to = Some(vec!["--private-file-prefix".into(), format!("az://{ACCOUNT}/{name}")]);
        self.by_way_of(azurite, address);
        self.container = Some(Container::of(azurite, name));
    }

    /// The emulator is found at this address from now on.
    pub fn by_way_of(&mut self, azurite: &Azurite, address: SocketAddr) {
        let env: Vec<(String, String)> = azurite.env_via(address);
        self.env.retain(|(name, _)| !env.iter().any(|(other, _)| other == name));
        self.env.extend(env.into_iter().map(|(name, value)| (name, value.into())));
    }

    /// What is in the container, if there is one, is now in the folder [`sink`](Setup::sink), too.
    pub async fn look(&self) {
        if let Some(container) = &self.container {
            container.mirror(&self.sink()).await;
        }
    }
}
