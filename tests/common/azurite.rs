//! The emulator of Azure Storage, of Microsoft's own hands (npm package azurite), on a port of its own.
#![allow(dead_code, reason = "each test file uses its own share")]

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use exchange_sync::{
    blob::{self, Blobs, Location},
    config::Env,
};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::PKey,
    rsa::Rsa,
    x509::{X509, X509NameBuilder, extension::SubjectAlternativeName},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Its account, and the key that everybody knows.
pub const ACCOUNT: &str = "devstoreaccount1";
pub const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running emulator; it ends with this value.
pub struct Azurite {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate's authority, where it speaks https.
    pub ca: Option<PathBuf>,
    folder: TempDir,
}

impl Azurite {
    /// Starts one, all in memory. None, aloud, where it is not installed.
    pub fn start(https: bool) -> Option<Self> {
        let program = installed()?;
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(["--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry", "--silent"]);
        let ca = https.then(|| {
            let (certificate, key) = certificate(folder.path());
            // Tokens are taken over https; who signed them is not looked at.
            command.arg("--cert").arg(&certificate).arg("--key").arg(key).args(["--oauth", "basic"]);
            certificate
        });
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut lines = said.lines().map_while(Result::ok);
        let url = lines.find_map(|line| line.split_once("successfully listens on ").map(|(_, url)| url.trim().to_owned()));
        let url = url.expect("azurite starts");
        // It goes on to talk, and must not block on it.
        std::thread::spawn(move || lines.for_each(drop));
        let address = url.split_once("://").unwrap().1.parse().unwrap();
        Some(Self { child, address, ca, folder })
    }

    /// The environment of who uses it, by way of this address.
    pub fn env_via(&self, address: SocketAddr) -> Vec<(String, String)> {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        let connection = format!(
            "DefaultEndpointsProtocol={scheme};AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={scheme}://{address}/{ACCOUNT};"
        );
        let mut env = vec![("AZURE_STORAGE_CONNECTION_STRING".to_owned(), connection)];
        env.extend(self.ca.as_ref().map(|ca| ("SSL_CERT_FILE".to_owned(), ca.display().to_string())));
        env
    }

    /// The environment of who uses it.
    pub fn env(&self) -> Vec<(String, String)> {
        self.env_via(self.address)
    }

    /// A place in a container.
    pub fn blobs(&self, container: &str) -> Blobs {
        self.blobs_via(self.address, container)
    }

    /// The same by way of a proxy.
    pub fn blobs_via(&self, address: SocketAddr, container: &str) -> Blobs {
        blob::connect(&location(container), &Env::from_iter(self.env_via(address))).unwrap()
    }

    /// Makes a container.
    pub async fn create(&self, container: &str) {
        let url = format!("{}/{container}?restype=container", self.url());
        let answer = self.signed(http::Method::PUT, &url).await;
        assert_eq!(answer.status(), 201, "{answer:?}");
    }

    /// The names of all blobs of a container, asked for by hand.
    pub async fn names(&self, container: &str) -> Vec<String> {
        let url = format!("{}/{container}?restype=container&comp=list", self.url());
        let answer = self.signed(http::Method::GET, &url).await;
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        text.split("<Name>").skip(1).map(|rest| rest.split_once("</Name>").unwrap().0.to_owned()).collect()
    }

    /// A blob's bytes, asked for by hand.
    pub async fn read(&self, container: &str, name: &str) -> Vec<u8> {
        let answer = self.signed(http::Method::GET, &format!("{}/{container}/{name}", self.url())).await;
        assert_eq!(answer.status(), 200, "{name}");
        answer.bytes().await.unwrap().to_vec()
    }

    /// Removes a blob by hand.
    pub async fn delete(&self, container: &str, name: &str) {
        let answer = self.signed(http::Method::DELETE, &format!("{}/{container}/{name}", self.url())).await;
        assert_eq!(answer.status(), 202, "{name}");
    }

    /// The service's address.
    pub fn url(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/{ACCOUNT}", self.address)
    }

    async fn signed(&self, method: http::Method, url: &str) -> reqwest::Response {
        signed(&self.client(), method, url).await
    }

    /// A client that trusts it.
    pub fn client(&self) -> reqwest::Client {
        let mut builder = reqwest::Client::builder().no_proxy();
        if let Some(ca) = &self.ca {
            builder = builder.add_root_certificate(reqwest::Certificate::from_pem(&std::fs::read(ca).unwrap()).unwrap());
        }
        builder.build().unwrap()
    }
}

/// Asks by hand, with the account's key.
pub async fn signed(client: &reqwest::Client, method: http::Method, url: &str) -> reqwest::Response {
    use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
    let credential = AzureCredential::AccessKey(AzureAccessKey::try_new(KEY).unwrap());
    let mut request = http::Request::builder().method(method).uri(url);
    request = request.header("content-length", "0");
    let mut request = request.body(object_store::client::HttpRequestBody::empty()).unwrap();
    AzureAuthorizer::new(&credential, ACCOUNT).try_authorize(&mut request).unwrap();
    client.request(request.method().clone(), url).headers(request.headers().clone()).send().await.unwrap()
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A wire to somebody that can be cut.
pub struct Wire {
    pub address: SocketAddr,
    left: Arc<AtomicI64>,
}

impl Wire {
    /// One that carries so many bytes towards `to`, then breaks, and lets nobody on it any more.
    pub async fn to(to: SocketAddr, bytes: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let left = Arc::new(AtomicI64::new(bytes));
        let carried = Arc::clone(&left);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let left = Arc::clone(&carried);
                if left.load(Ordering::SeqCst) > 0 {
                    tokio::spawn(async move { carry(stream, to, &left).await });
                }
            }
        });
        Self { address, left }
    }

    /// Whether it is broken.
    pub fn broken(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }

    /// It breaks after so many bytes more.
    pub fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// Makes it whole for good.
    pub fn mend(&self) {
        self.left.store(i64::MAX / 2, Ordering::SeqCst);
    }
}

async fn carry(mut near: TcpStream, to: SocketAddr, left: &AtomicI64) -> Option<()> {
    let mut far = TcpStream::connect(to).await.ok()?;
    let (mut near_read, mut near_write) = near.split();
    let (mut far_read, mut far_write) = far.split();
    let there = async {
        let mut block = [0; 16 * 1024];
        loop {
            let read = near_read.read(&mut block).await.ok()?;
            if read == 0 || left.fetch_sub(i64::try_from(read).ok()?, Ordering::SeqCst) <= i64::try_from(read).ok()? {
                return Some(());
            }
            far_write.write_all(&block[..read]).await.ok()?;
        }
    };
    tokio::select! {
        end = there => end,
        back = tokio::io::copy(&mut far_read, &mut near_write) => back.ok().map(drop),
    }
}

/// `az://devstoreaccount1/CONTAINER[/PREFIX]`.
pub fn location(container: &str) -> Location {
    Location::parse(&format!("az://{ACCOUNT}/{container}")).unwrap()
}

/// Where the emulator is: AZURITE_BIN, target/azurite (`npm install --prefix target/azurite azurite@3.35.0`), or PATH.
fn installed() -> Option<PathBuf> {
    let named = std::env::var_os("AZURITE_BIN").map(PathBuf::from);
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let local = target.join("azurite/node_modules/.bin/azurite-blob");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = named.into_iter().chain([local]).chain(std::env::split_paths(&path).map(|folder| folder.join("azurite-blob")));
    let found = found.into_iter().find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: azurite is not installed (npm install --prefix target/azurite azurite@3.35.0)");
    }
    found
}

/// A certificate for 127.0.0.1 that is its own authority, and its key, as files.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "azurite.example.com").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    let alternative = SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(alternative).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let (certificate, private) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, builder.build().to_pem().unwrap()).unwrap();
    std::fs::write(&private, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    (certificate, private)
}
