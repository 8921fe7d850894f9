//! Everything that can keep one request from its answer.

use std::{fmt, time::Duration};

use super::{
    refusal::Refusal,
    verdict::{self, Action},
};
use crate::{auth::oauth::TokenError, exchange::Verdict};

/// What went wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No connection, no answer in time, or an answer that broke off.
    Cut(String),
    /// There is no access token to ask with.
    NoToken(TokenError),
    /// An answer that is not what Graph says.
    Broken(String),
    /// Graph, or something before it, answered that it will not.
    Refused(Refusal),
    /// Nothing was sent, since the server asked to be left alone for so long.
    Fenced(Duration),
    /// A link that leads elsewhere, where no token may go.
    Foreign,
}

impl Trouble {
    /// What to do about it; none for a refusal that is in no table.
    pub fn action(&self) -> Option<Action> {
        match self {
            // Whose certificate it is does not change by asking again.
            Trouble::Cut(text) if crate::http::distrusted(text) => Some(Action::Final(Verdict::Refused)),
            Trouble::Cut(_) | Trouble::Broken(_) => Some(Action::Retry),
            Trouble::NoToken(error) if error.fatal => Some(Action::Final(Verdict::Refused)),
            Trouble::NoToken(error) if error.retry_after.is_some() => Some(Action::Throttle),
            Trouble::NoToken(_) => Some(Action::Retry),
            Trouble::Refused(refusal) => verdict::action(refusal),
            Trouble::Fenced(wait) => Some(Action::Final(Verdict::WaitFor(*wait))),
            Trouble::Foreign => Some(Action::Resync),
        }
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Trouble::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// How long the server wants to be left alone.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Trouble::NoToken(error) => error.retry_after,
            Trouble::Refused(refusal) => refusal.wait,
            Trouble::Fenced(wait) => Some(*wait),
            Trouble::Cut(_) | Trouble::Broken(_) | Trouble::Foreign => None,
        }
    }

    /// The code, where there is one.
    pub fn code(&self) -> Option<String> {
        match self {
            Trouble::NoToken(error) => error.code.map(|code| format!("AADSTS{code}")),
            Trouble::Refused(refusal) => Some(refusal.name()),
            Trouble::Cut(_) | Trouble::Broken(_) | Trouble::Fenced(_) | Trouble::Foreign => None,
        }
    }

    /// The cause without the code, and the server's id of the request where it gave one.
    pub fn text(&self) -> String {
        match self {
            Trouble::Cut(text) | Trouble::Broken(text) => text.clone(),
            Trouble::NoToken(error) => format!("no access token: {}", error.cause),
            Trouble::Refused(Refusal { text, request_id: Some(id), .. }) => format!("{text} (request-id {id})"),
            Trouble::Refused(refusal) => refusal.text.clone(),
            Trouble::Fenced(_) => "the server asked to leave this mailbox alone".to_owned(),
            Trouble::Foreign => "the server's next link leads to another host".to_owned(),
        }
    }

    /// The setting or the act that helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Trouble::NoToken(error) => error.hint.clone(),
            Trouble::Refused(Refusal { code: None, status: 404, .. }) => Some("is graph_endpoint the root of Microsoft Graph?".to_owned()),
            Trouble::Refused(refusal) => verdict::hint(refusal).map(str::to_owned),
            Trouble::Cut(text) if crate::http::distrusted(text) => Some(crate::http::DISTRUSTED.to_owned()),
            Trouble::Cut(_) | Trouble::Broken(_) | Trouble::Fenced(_) | Trouble::Foreign => None,
        }
    }

    /// In a few words, for a watcher: the code, else the cause.
    pub fn reason(&self) -> String {
        self.code().unwrap_or_else(|| self.text())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code() {
            Some(code) => write!(f, "{code}: {}", self.text()),
            None => f.write_str(&self.text()),
        }
    }
}
