//! Everything that can keep one request from its answer.

use std::{fmt, time::Duration};

use super::{
    post::PostError,
    refusal::Refusal,
    verdict::{Action, judge, judge_status},
    xml::Malformed,
};
use crate::exchange::Verdict;

/// What went wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No answer came.
    Post(PostError),
    /// The answer broke off, is not SOAP, or belongs to another request.
    Broken(String),
    /// An HTTP status without a SOAP answer.
    Http {
        /// The status.
        status: u16,
        /// What Retry-After asks for.
        wait: Option<Duration>,
        /// What the body says, shortened.
        text: String,
    },
    /// Exchange answered that it will not.
    Refused(Refusal),
    /// Nothing was sent, since the server asked to be left alone for so long.
    Fenced(Duration),
    /// Whoever takes the bytes did not take any for so long that the connection was given up.
    Stalled,
}

impl Trouble {
    /// What to do about it; none for a code that is in no table.
    pub fn action(&self) -> Option<Action> {
        match self {
            // A refused login names the time before which it is not tried again, but waiting would not help: a person must act.
            Trouble::Post(error) if error.wait.is_some() && error.verdict != Verdict::Refused => Some(Action::Throttle),
            Trouble::Post(error) if error.retry => Some(Action::Retry),
            Trouble::Post(error) => Some(Action::Final(error.verdict)),
            Trouble::Broken(_) | Trouble::Stalled => Some(Action::Retry),
            Trouble::Http { status, .. } => Some(judge_status(*status)),
            Trouble::Refused(refusal) => judge(&refusal.code),
            Trouble::Fenced(wait) => Some(Action::Final(Verdict::WaitFor(*wait))),
        }
    }

    /// How long the server wants to be left alone.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Trouble::Post(error) => error.wait,
            Trouble::Http { wait, .. } => *wait,
            Trouble::Refused(refusal) => refusal.wait,
            Trouble::Fenced(wait) => Some(*wait),
            Trouble::Broken(_) | Trouble::Stalled => None,
        }
    }

    /// The code, where there is one.
    pub fn code(&self) -> Option<String> {
        match self {
            Trouble::Post(error) => error.code.clone(),
            Trouble::Http { status, .. } => Some(format!("HTTP {status}")),
            Trouble::Refused(refusal) => Some(refusal.code.clone()),
            Trouble::Broken(_) | Trouble::Fenced(_) | Trouble::Stalled => None,
        }
    }

    /// The cause without the code.
    pub fn text(&self) -> &str {
        match self {
            Trouble::Post(error) => &error.text,
            Trouble::Broken(text) | Trouble::Http { text, .. } => text,
            Trouble::Refused(refusal) => &refusal.text,
            Trouble::Fenced(_) => "the server asked to be left alone",
            Trouble::Stalled => "the transfer stood still for too long",
        }
    }

    /// In a few words, for a watcher: the throttling policy, the code, else the cause.
    pub fn reason(&self) -> String {
        match self {
            Trouble::Refused(Refusal { policy: Some(policy), code, .. }) => format!("{code}: {policy}"),
            other => other.code().unwrap_or_else(|| other.text().to_owned()),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code() {
            Some(code) => write!(f, "{code}: {}", self.text()),
            None => f.write_str(self.text()),
        }
    }
}

impl From<PostError> for Trouble {
    fn from(error: PostError) -> Self {
        Trouble::Post(error)
    }
}

impl From<Malformed> for Trouble {
    fn from(error: Malformed) -> Self {
        Trouble::Broken(error.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_login_is_not_waited_out() {
        let post =
            |verdict| PostError { retry: false, verdict, code: None, text: String::new(), hint: None, wait: Some(Duration::from_secs(60)) };
        assert_eq!(Trouble::Post(post(Verdict::Refused)).action(), Some(Action::Final(Verdict::Refused)));
        assert_eq!(Trouble::Post(post(Verdict::Later)).action(), Some(Action::Throttle));
    }
}
