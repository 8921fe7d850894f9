//! A middleman before a server of other hands, who answers in its place or breaks the line where a rule tells him to. One request a connection.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Mischief {
    /// This answer instead of the server's.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// The connection ends once so many bytes of the request were passed on.
    CutRequest(u64),
    /// The server does what it is asked, and its answer is lost.
    LoseAnswer,
    /// Nothing comes back, for so long.
    Hang(Duration),
}

/// To which requests, and how often.
#[derive(Clone, Debug)]
pub struct Prank {
    pub method: &'static str,
    /// Part of the path and query.
    pub path: &'static str,
    /// Passed over first.
    pub after: u32,
    pub times: u32,
    pub mischief: Mischief,
}

impl Prank {
    /// Every such request, so many times.
    pub fn new(method: &'static str, path: &'static str, times: u32, mischief: Mischief) -> Self {
        Self { method, path, after: 0, times, mischief }
    }

    /// An answer of Azure's, as its error responses are written.
    pub fn refusal(method: &'static str, path: &'static str, times: u32, status: u16, code: &str) -> Self {
        let body =
            format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{code}.\nTime:now</Message></Error>");
        let headers = vec![("x-ms-error-code", code.to_owned()), ("Content-Type", "application/xml".to_owned())];
        Self::new(method, path, times, Mischief::Answer { status, headers, body })
    }

    /// Adds a header to the answer.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Mischief::Answer { headers, .. } = &mut self.mischief {
            headers.push((name, value.into()));
        }
        self
    }
}

/// A running middleman; dropping it ends him.
pub struct Tamper {
    address: SocketAddr,
    pranks: Arc<Mutex<Vec<Prank>>>,
    heard: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Tamper {
    /// Before the server at this address.
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pranks: Arc<Mutex<Vec<Prank>>> = Arc::default();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let (rules, ears) = (pranks.clone(), heard.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (rules, ears) = (rules.clone(), ears.clone());
                // What a client or server does to its end of the line is no failure of the middleman.
                tokio::spawn(async move {
                    let _ = serve(client, server, &rules, &ears).await;
                });
            }
        });
        Self { address, pranks, heard, task }
    }

    /// Where he listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Plays a prank from now on.
    pub fn play(&self, prank: Prank) {
        self.pranks.lock().unwrap().push(prank);
    }

    /// How many pranks are still to be played.
    pub fn left(&self) -> u32 {
        self.pranks.lock().unwrap().iter().map(|prank| prank.times).sum()
    }

    /// The request lines so far.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Tamper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, server: SocketAddr, rules: &Mutex<Vec<Prank>>, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (head, rest) = head(&mut client).await?;
    let line = head.lines().next().unwrap_or_default().to_owned();
    let mischief = due(rules, &line);
    heard.lock().unwrap().push(line);
    match mischief {
        Some(Mischief::Answer { status, headers, body }) => {
            // The request is read to its end first, as a server does.
            let length: u64 = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            copy(&mut (&mut client).take(length.saturating_sub(rest.len() as u64)), &mut tokio::io::sink()).await?;
            let mut answer = format!("HTTP/1.1 {status} Told So\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            for (name, value) in headers {
                answer += &format!("{name}: {value}\r\n");
            }
            client.write_all(format!("{answer}\r\n{body}").as_bytes()).await?;
            client.shutdown().await
        }
        Some(Mischief::CutRequest(bytes)) => {
            let mut upstream = forward(server, &head, &rest).await?;
            copy(&mut (&mut client).take(bytes.saturating_sub(rest.len() as u64)), &mut upstream).await?;
            Ok(())
        }
        Some(Mischief::LoseAnswer) => {
            let mut upstream = forward(server, &head, &rest).await?;
            let length: u64 = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            copy(&mut (&mut client).take(length.saturating_sub(rest.len() as u64)), &mut upstream).await?;
            copy(&mut upstream, &mut tokio::io::sink()).await?;
            Ok(())
        }
        Some(Mischief::Hang(time)) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
        None => {
            let mut upstream = forward(server, &head, &rest).await?;
            copy_bidirectional(&mut client, &mut upstream).await?;
            Ok(())
        }
    }
}

/// The first prank that fits.
fn due(rules: &Mutex<Vec<Prank>>, line: &str) -> Option<Mischief> {
    let mut rules = rules.lock().unwrap();
    let fits = |prank: &&mut Prank| prank.times > 0 && line.starts_with(prank.method) && line.contains(prank.path);
    let prank = rules.iter_mut().find(fits)?;
    if prank.after > 0 {
        prank.after -= 1;
        return None;
    }
    prank.times -= 1;
    Some(prank.mischief.clone())
}

async fn head(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes[..end]).into_owned(), rest));
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().filter_map(|line| line.split_once(':')).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Passes the head on, so that the server ends the connection after its answer.
async fn forward(server: SocketAddr, head: &str, rest: &[u8]) -> std::io::Result<TcpStream> {
    let mut upstream = TcpStream::connect(server).await?;
    let kept: Vec<&str> = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:")).collect();
    upstream.write_all(format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n")).as_bytes()).await?;
    upstream.write_all(rest).await?;
    Ok(upstream)
}
