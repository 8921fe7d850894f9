//! How long one request is tried.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    desk::Desk,
    trouble::Trouble,
    verdict::{Action, Scope, verdict},
};
use crate::{
    event::Event,
    exchange::{
        Error, Verdict,
        fence::{PATIENT, SHORTEST, Sent},
    },
    http::Backoff,
};

/// How often passing trouble is tried again in a row.
const TRIES: u32 = 6;

/// The same for trouble that may be the fault of what was asked for, and for codes nobody knows: so often a request is made in all.
const DOUBTS: u32 = 3;

/// How often in a row a mailbox is waited for that wants to be left alone.
const WAITS: u32 = 20;

/// The back-off after passing trouble.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(60) };

/// Trouble that outlived its retries, or that none can mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The last trouble.
    pub trouble: Trouble,
    /// What it asks for.
    pub action: Option<Action>,
}

impl Failed {
    /// As an error of what was attempted.
    pub fn into_error(self, scope: Scope, attempt: impl Into<String>) -> Error {
        let (code, cause, hint) = (self.trouble.code(), self.trouble.text(), self.trouble.hint());
        Error { verdict: verdict(self.action, scope), attempt: attempt.into(), code, cause, hint }
    }
}

/// What is left of the patience with one request.
#[derive(Debug, Default)]
pub struct Patience {
    tries: u32,
    waits: u32,
    /// Where it went through the fence when it was last sent.
    pub sent: Sent,
}

impl Patience {
    /// Forgets past trouble, since something was achieved.
    pub fn renew(&mut self) {
        *self = Self { sent: self.sent, ..Self::default() };
    }

    /// Deals with `trouble`: waits as long as it takes and returns, so that the request be made again; or fails.
    pub async fn after(&mut self, trouble: Trouble, desk: &Desk) -> Result<(), Failed> {
        let action = trouble.action();
        match action {
            Some(Action::Throttle) => {
                self.waits += 1;
                let wait = desk.gate.throttled(&desk.mailbox, self.sent, trouble.wait());
                desk.events.tell(Event::RequestThrottled { mailbox: desk.mailbox.clone(), reason: trouble.reason(), wait });
                if self.waits > WAITS || wait > PATIENT {
                    return Err(Failed { action: Some(Action::Final(Verdict::WaitFor(wait.max(SHORTEST)))), trouble });
                }
                // Whoever asks next waits at the fence, this request too.
                Ok(())
            }
            Some(Action::Retry) => self.back_off(trouble, action, TRIES, desk).await,
            Some(Action::Suspect | Action::Smaller) | None => self.back_off(trouble, action, DOUBTS - 1, desk).await,
            // The same token opens other mailboxes.
            Some(Action::Configuration) if trouble.refusal().is_some_and(|refusal| refusal.status == 401) && desk.admitted() => {
                Err(Failed { trouble, action: Some(Action::Mailbox) })
            }
            _ => Err(Failed { trouble, action }),
        }
    }

    /// Waits a little longer each time, `most` times.
    async fn back_off(&mut self, trouble: Trouble, action: Option<Action>, most: u32, desk: &Desk) -> Result<(), Failed> {
        if self.tries >= most {
            return Err(Failed { trouble, action });
        }
        let wait = BACKOFF.draw(self.tries);
        self.tries += 1;
        desk.events.tell(Event::RequestRetried { mailbox: desk.mailbox.clone(), reason: trouble.reason(), times: self.tries, wait });
        sleep(wait).await;
        Ok(())
    }
}
