//! What a fault does.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a fault does, written in a world as `action = { kind = "delay", ms = 500 }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Action {
    /// Something about the meaning of the answer.
    Ews(EwsFault),
    /// Something about its bytes.
    Wire(WireFault),
}

/// How a back-off reaches the client: the shapes seen from Exchange (documentation page "EWS throttling in Exchange", and clients' reports).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A response message whose MessageXml has `BackOffMilliseconds`.
    #[default]
    Message,
    /// A response message whose MessageXml has `Policy`, `MaxConcurrencyLimit` and `ErrorMessage`, but no `BackOffMilliseconds`.
    Policy,
    /// `ErrorInternalServerError` whose MessageXml has the code as `InnerErrorResponseCode`.
    Inner,
}

/// Faults in the meaning of an EWS answer, applied by the operation that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum EwsFault {
    /// Every response message of the request is this error.
    ResponseError {
        /// The response code, known to the schema or not.
        code: String,
        /// The text; one that names the code if absent.
        #[serde(default)]
        message: Option<String>,
        /// Milliseconds the client is told to wait.
        #[serde(default)]
        back_off_ms: Option<u64>,
        /// Where that value sits.
        #[serde(default)]
        shape: Shape,
    },
    /// Single response messages of a request with many ids are this error, the others are answered.
    ItemError {
        /// The response code.
        code: String,
        /// The text.
        #[serde(default)]
        message: Option<String>,
        /// Milliseconds the client is told to wait.
        #[serde(default)]
        back_off_ms: Option<u64>,
        /// Positions in the request, counted from 0; empty means every one.
        #[serde(default)]
        positions: Vec<usize>,
    },
    /// From this position on (counted from 0) every response message is the warning `ErrorBatchProcessingStopped`.
    BatchStopped {
        /// The first position that is not processed.
        after: usize,
    },
    /// A request for the MIME of several items fails as a whole with this SOAP fault where one of them has none to give.
    Poisoned {
        /// The response code in the fault's detail.
        code: String,
    },
    /// One item of a synchronisation page comes twice: again at its end.
    RepeatItem,
    /// A synchronisation answers as if no state had been sent, without saying so.
    SyncStartsOver,
    /// `MimeContent` is left out of an item that answers with success.
    MimeMissing,
    /// `MimeContent` is there but empty.
    MimeEmpty,
    /// Base64 is broken into lines of 76 characters by CR LF.
    MimeLineBreaks,
    /// Base64 is broken into lines by `&#xD;` and a line feed.
    MimeCarriageReturns,
    /// Base64 comes without its padding.
    MimeNoPadding,
    /// Base64 ends after this many characters though the answer is whole.
    MimeCut {
        /// Characters of base64 that are sent.
        after: u64,
    },
    /// Items come under an element name the schema does not know.
    UnknownElement,
}

/// Faults in the bytes of an answer, applied by the front whatever the operation says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WireFault {
    /// This status instead of an answer.
    Status {
        /// The HTTP status code.
        status: u16,
        /// The body; a page such as IIS makes if absent.
        #[serde(default)]
        body: Option<String>,
        /// Header fields to add.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after_s: Option<i64>,
        /// Write `Retry-After` as a date.
        #[serde(default)]
        retry_after_date: bool,
        /// End the connection.
        #[serde(default)]
        close: bool,
    },
    /// A SOAP fault instead of an answer.
    SoapFault {
        /// The response code in the fault's detail.
        code: String,
        /// The text; one that names the code if absent.
        #[serde(default)]
        message: Option<String>,
        /// Milliseconds the client is told to wait.
        #[serde(default)]
        back_off_ms: Option<u64>,
        /// The HTTP status it comes under; 500 if absent, and some servers say 200.
        #[serde(default)]
        status: Option<u16>,
    },
    /// An error of Graph instead of an answer.
    GraphError {
        /// The HTTP status code.
        status: u16,
        /// Graph's error code, such as `ErrorItemNotFound`.
        code: String,
        /// The text; one that names the code if absent.
        #[serde(default)]
        message: Option<String>,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after_s: Option<i64>,
        /// Write `Retry-After` as a date.
        #[serde(default)]
        retry_after_date: bool,
    },
    /// An error of the Communications Mining API instead of an answer: the envelope `{"status": "error", "message": ...}`.
    ReinferError {
        /// The HTTP status code.
        status: u16,
        /// The text; one that names the status if absent.
        #[serde(default)]
        message: Option<String>,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after_s: Option<i64>,
        /// Write `Retry-After` as a date.
        #[serde(default)]
        retry_after_date: bool,
    },
    /// SOAP faults of the operation come under HTTP 200.
    FaultsUnder200,
    /// The answer begins this much later.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The body comes at this pace, however fast the client reads.
    Slow {
        /// Bytes a second; at least 1.
        bytes_per_second: u64,
    },
    /// No more than this many bytes of the body come (0: the head alone), and the connection stays open in silence.
    Stall {
        /// Bytes of the body that still come.
        #[serde(default)]
        after_bytes: u64,
    },
    /// The connection ends after this many bytes of the body.
    Cut {
        /// Bytes of the body that still come.
        #[serde(default)]
        after_bytes: u64,
        /// How the body's length was announced.
        #[serde(default)]
        framing: CutFraming,
    },
    /// The connection ends where the response should begin, and the operation is not carried out.
    NoResponse,
    /// The operation is carried out, but the connection ends where the response should begin.
    AnswerLost,
    /// The operation is carried out, but the connection ends in the middle of the response's head.
    CutHead {
        /// Bytes of the head that still come; never all of them.
        after_bytes: usize,
    },
    /// The connection ends while the request's body is still coming, after this many bytes of it (Communications Mining API).
    CutRequest {
        /// Bytes of the body that are read.
        #[serde(default)]
        after_bytes: u64,
    },
    /// No byte of a response ever comes, and the connection stays open for as long as the client has patience.
    Hang {
        /// The operation is carried out all the same.
        #[serde(default)]
        carried_out: bool,
    },
    /// The connection is reset (RST) after this many bytes of the body.
    Reset {
        /// Bytes of the body that still come.
        #[serde(default)]
        after_bytes: u64,
    },
    /// The body ends early, but as if it were whole.
    Truncate {
        /// Bytes of the body that come.
        after_bytes: u64,
    },
    /// A second, unasked response follows on the same connection.
    DoubleResponse,
    /// `408 Request Timeout` is sent unasked when the connection has been idle this long after the response.
    UnsolicitedTimeout {
        /// Milliseconds of idleness.
        ms: u64,
    },
    /// A byte order mark before the document.
    ByteOrderMark,
    /// Blanks and line ends before the document.
    LeadingWhitespace,
    /// No XML declaration.
    NoDeclaration,
    /// Text behind the end of the document.
    Junk,
    /// A second document, a fault, follows in the same body.
    SecondEnvelope,
    /// A raw control byte at the beginning of every subject and display name; an answer with neither stays whole.
    RawControl {
        /// The byte's value; 0x1F if absent.
        #[serde(default)]
        byte: Option<u8>,
    },
    /// A character reference XML 1.0 forbids, there too, split over two chunks.
    IllegalReference {
        /// The reference; `&#x1F;` if absent.
        #[serde(default)]
        reference: Option<String>,
    },
    /// A byte that is no UTF-8, there too.
    InvalidUtf8,
    /// The body comes in chunks of 1 to this many bytes.
    TinyChunks {
        /// The largest chunk.
        max: usize,
    },
    /// Another `Content-Type`.
    ContentType {
        /// The value; empty for none at all.
        value: String,
    },
    /// An empty body under HTTP 200.
    EmptyBody,
    /// A page of HTML under HTTP 200, as a proxy's login page is.
    HtmlPage,
    /// Other namespace prefixes than Exchange uses.
    Prefixes,
}

/// How a body's length is announced before it is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutFraming {
    /// As the answer would have been.
    #[default]
    Natural,
    /// By `Content-Length`.
    Length,
    /// In chunks.
    Chunked,
    /// Not at all: the end of the connection is the end of the body.
    Close,
}

impl EwsFault {
    /// The wait this fault asks the client for, if it names one.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::ResponseError { back_off_ms, .. } | Self::ItemError { back_off_ms, .. } => back_off_ms.map(Duration::from_millis),
            _ => None,
        }
    }
}

impl From<EwsFault> for Action {
    fn from(fault: EwsFault) -> Self {
        Self::Ews(fault)
    }
}

impl From<WireFault> for Action {
    fn from(fault: WireFault) -> Self {
        Self::Wire(fault)
    }
}

/// The kinds that belong to [`EwsFault`]; every other kind is looked for among [`WireFault`].
const EWS_KINDS: [&str; 13] = [
    "response_error",
    "item_error",
    "batch_stopped",
    "poisoned",
    "repeat_item",
    "sync_starts_over",
    "mime_missing",
    "mime_empty",
    "mime_line_breaks",
    "mime_carriage_returns",
    "mime_no_padding",
    "mime_cut",
    "unknown_element",
];

impl<'de> Deserialize<'de> for Action {
    /// Looks at `kind` first, so that a wrong key is reported by name (an untagged enum would only say that nothing matched).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let kind = value.get("kind").and_then(Value::as_str).ok_or_else(|| D::Error::missing_field("kind"))?;
        let action = if EWS_KINDS.contains(&kind) {
            serde_json::from_value(value).map(Self::Ews)
        } else {
            serde_json::from_value(value).map(Self::Wire)
        };
        action.map_err(D::Error::custom)
    }
}
