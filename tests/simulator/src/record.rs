//! Traffic written to files, so that a schema validator or a person can look at it afterwards.
//!
//! Each exchange gets a number: `00017-GetItem.request.xml`, `00017-GetItem.response.xml`, and the heads beside them. Credentials are left
//! out of the heads, and whole bodies of the token endpoint are. The envelopes of a streaming answer go to a file each. An answer a
//! fault has damaged ends in `.broken.txt`, since no validator is to look at it.

use crate::http::{Body, Headers, Request, Response, body_stream, is_secret};
use bytes::Bytes;
use futures::StreamExt;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of one streaming envelope that are kept together; a longer one goes to its file unsplit.
const ENVELOPE: usize = 16 * 1024 * 1024;

/// A folder traffic is written to.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    next: AtomicU64,
}

/// One exchange under way.
#[derive(Debug)]
pub struct Recording {
    stem: PathBuf,
    operation: String,
}

impl Recorder {
    /// Writes to this folder, which is made if there is none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot make the folder {} for the record: {error}", folder.display()))
        })?;
        Ok(Self { folder: folder.to_owned(), next: AtomicU64::new(1) })
    }

    /// Writes a request down. What cannot be written is said in the log once and does not stop the request.
    pub fn begin(&self, operation: &str, request: &Request) -> Recording {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let recording = Recording { stem: self.folder.join(format!("{number:05}-{operation}")), operation: operation.to_owned() };
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let head = format!("{} {}{query}\n{}", request.method, request.path, fields(&request.headers));
        recording.write("request.headers.txt", head.as_bytes());
        if !request.body.is_empty() {
            let kind = extension(request.header("content-type"));
            recording.write(&format!("request.{kind}"), recording.shown(&request.body));
        }
        if let Some(spooled) = &request.spooled {
            let path = recording.path(&format!("request.{}", extension(request.header("content-type"))));
            let copied = File::create(path).and_then(|mut file| io::copy(&mut spooled.reader(), &mut file));
            copied.map_or_else(|error| recording.complain(&error), drop);
        }
        recording
    }
}

impl Recording {
    /// Writes the response down while it is sent.
    pub fn tee(self, mut response: Response, broken: bool) -> Response {
        let head = format!("{}\n{}", response.status, fields(&response.headers));
        self.write("response.headers.txt", head.as_bytes());
        let kind = if broken { "broken.txt" } else { extension(response.headers.value("content-type")) };
        if let Body::Full(bytes) = &response.body {
            if !bytes.is_empty() {
                self.write(&format!("response.{kind}"), self.shown(bytes));
            }
            return response;
        }
        let mut page = if self.operation == "GetStreamingEvents" && !broken {
            Page::Many(Splitter { recording: self, kind, pending: Vec::new(), count: 0 })
        } else {
            match File::create(self.path(&format!("response.{kind}"))) {
                Ok(file) => Page::One(io::BufWriter::new(file)),
                Err(error) => {
                    self.complain(&error);
                    return response;
                }
            }
        };
        let inner = body_stream(std::mem::take(&mut response.body));
        response.stream(inner.inspect(move |item| item.as_ref().map_or((), |bytes| page.write(bytes))).boxed())
    }

    /// The token endpoint's bodies hold secrets and tokens.
    fn shown<'a>(&self, body: &'a Bytes) -> &'a [u8] {
        if self.operation == "Token" { b"(hidden)" } else { body }
    }

    fn path(&self, end: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push(".");
        path.push(end);
        path.into()
    }

    fn write(&self, end: &str, bytes: &[u8]) {
        if let Err(error) = std::fs::write(self.path(end), bytes) {
            self.complain(&error);
        }
    }

    fn complain(&self, error: &io::Error) {
        tracing::warn!(%error, stem = %self.stem.display(), "cannot record traffic");
    }
}

/// Where the items of a streamed answer go.
enum Page {
    One(io::BufWriter<File>),
    Many(Splitter),
}

impl Page {
    fn write(&mut self, bytes: &Bytes) {
        match self {
            Self::One(file) => {
                if let Err(error) = file.write_all(bytes) {
                    tracing::warn!(%error, "cannot record traffic");
                }
            }
            Self::Many(splitter) => splitter.write(bytes),
        }
    }
}

/// Finds the ends of envelopes and writes each to a file of its own.
struct Splitter {
    recording: Recording,
    kind: &'static str,
    pending: Vec<u8>,
    count: u32,
}

impl Splitter {
    fn write(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        while let Some(end) = envelope_end(&self.pending) {
            let rest = self.pending.split_off(end);
            let envelope = std::mem::replace(&mut self.pending, rest);
            self.put(&envelope);
        }
        if self.pending.len() > ENVELOPE {
            let envelope = std::mem::take(&mut self.pending);
            self.put(&envelope);
        }
    }

    fn put(&mut self, envelope: &[u8]) {
        self.count += 1;
        let start = envelope.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or_default();
        let end = format!("response-{:03}.{}", self.count, self.kind);
        self.recording.write(&end, envelope.get(start..).unwrap_or_default());
    }
}

impl Drop for Splitter {
    fn drop(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if pending.iter().any(|byte| !byte.is_ascii_whitespace()) {
            self.kind = "broken.txt";
            self.put(&pending);
        }
    }
}

/// Where the first envelope ends: behind an end tag `Envelope` of any prefix.
fn envelope_end(bytes: &[u8]) -> Option<usize> {
    const TAG: &[u8] = b"Envelope>";
    let mut from = 0;
    while let Some(found) = bytes.get(from..)?.windows(TAG.len()).position(|window| window == TAG) {
        let place = from + found;
        let before = bytes.get(..place).unwrap_or_default();
        let prefix = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':').count();
        if before.get(..place - prefix).is_some_and(|before| before.ends_with(b"</")) {
            return Some(place + TAG.len());
        }
        from = place + TAG.len();
    }
    None
}

fn fields(headers: &Headers) -> String {
    headers.iter().fold(String::new(), |mut text, (name, value)| {
        let value = if is_secret(name) || name.eq_ignore_ascii_case("www-authenticate") && value.len() > 100 { "(hidden)" } else { value };
        let _ = writeln!(text, "{name}: {value}");
        text
    })
}

fn extension(content_type: Option<&str>) -> &'static str {
    let kind = content_type.unwrap_or_default().to_ascii_lowercase();
    if kind.contains("xml") {
        "xml"
    } else if kind.contains("json") {
        "json"
    } else {
        "txt"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ConnectionId;
    use futures::stream;

    fn request() -> Request {
        let mut headers = Headers::new();
        headers.push("Authorization", "Basic c2VjcmV0");
        headers.push("Content-Type", "text/xml");
        Request {
            method: "POST".into(),
            path: "/EWS/Exchange.asmx".into(),
            query: None,
            headers,
            body: "<a/>".into(),
            spooled: None,
            connection: ConnectionId(1),
            tls: false,
        }
    }

    async fn drain(response: Response) {
        let mut body = body_stream(response.body);
        while body.next().await.is_some() {}
    }

    #[tokio::test]
    async fn credentials_are_left_out_and_bodies_kept() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(&folder.path().join("deep")).unwrap();
        drain(recorder.begin("GetItem", &request()).tee(Response::xml(200, "<b/>"), false)).await;
        let read = |name: &str| std::fs::read_to_string(folder.path().join("deep").join(name)).unwrap();
        assert_eq!(read("00001-GetItem.request.xml"), "<a/>");
        assert_eq!(read("00001-GetItem.response.xml"), "<b/>");
        let head = read("00001-GetItem.request.headers.txt");
        assert!(head.starts_with("POST /EWS/Exchange.asmx\n") && !head.contains("c2VjcmV0"), "{head}");
    }

    #[tokio::test]
    async fn a_stream_s_envelopes_become_a_file_each_wherever_they_are_split() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(folder.path()).unwrap();
        let items = ["<s:Envelope>1</s:Env", "elope>\r\n<Envelope><EnvelopeX/>", "</Envelope><s:Envelope>cut"];
        let body = stream::iter(items.map(|item| Ok(Bytes::from(item)))).boxed();
        drain(recorder.begin("GetStreamingEvents", &request()).tee(Response::xml_stream(200, body), false)).await;
        let read = |name: &str| std::fs::read_to_string(folder.path().join(format!("00001-GetStreamingEvents.{name}"))).unwrap();
        assert_eq!(read("response-001.xml"), "<s:Envelope>1</s:Envelope>");
        assert_eq!(read("response-002.xml"), "<Envelope><EnvelopeX/></Envelope>");
        assert_eq!(read("response-003.broken.txt"), "<s:Envelope>cut");
    }

    #[tokio::test]
    async fn tokens_are_hidden_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(folder.path()).unwrap();
        drain(recorder.begin("Token", &request()).tee(Response::json(200, &serde_json::json!({"access_token": "abc"})), false)).await;
        drain(recorder.begin("GetItem", &request()).tee(Response::xml(200, "<b>"), true)).await;
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("00001-Token.response.json"), "(hidden)");
        assert_eq!(read("00002-GetItem.response.broken.txt"), "<b>");
    }
}
