//! How long one request, or one batch of them, is tried.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    desk::Desk,
    fence::{PATIENT, SHORTEST, Sent},
    trouble::Trouble,
    verdict::Action,
};
use crate::{event::Event, exchange::Verdict, http::Backoff};

/// How often passing trouble is tried again in a row.
const TRIES: u32 = 6;

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

/// What is left of the patience with one request.
#[derive(Debug, Default)]
pub struct Patience {
    tries: u32,
    waits: u32,
    /// Whether there was a new login already.
    renewed: bool,
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
            // Nobody's fault but the taker's: no patience is lost, and the taker has already been waited for.
            _ if trouble == Trouble::Stalled => Ok(()),
            Some(Action::OlderVersion) if desk.step_down() => {
                desk.tell_retry(&trouble, 1, Duration::ZERO);
                Ok(())
            }
            Some(Action::PrimaryAddress) if desk.adopt_address(trouble.text()) => {
                desk.tell_retry(&trouble, 1, Duration::ZERO);
                Ok(())
            }
            Some(Action::Retry | Action::Unavailable | Action::Suspect | Action::Again) | None => self.back_off(trouble, desk).await,
            Some(Action::Login) if !self.renewed => {
                self.renewed = true;
                desk.tell_retry(&trouble, 1, Duration::ZERO);
                Ok(())
            }
            // What answered before may do so again: access is known to be blocked for a while.
            Some(Action::Configuration | Action::Login) if matches!(trouble, Trouble::Http { .. }) && desk.answered() => {
                Err(Failed { trouble, action: Some(Action::Mailbox) })
            }
            _ => Err(Failed { trouble, action }),
        }
    }

    /// Waits a little longer each time, a few times.
    pub async fn back_off(&mut self, trouble: Trouble, desk: &Desk) -> Result<(), Failed> {
        if self.tries >= TRIES {
            // Servers say 404 while they restart; where there never was anything else, the address is wrong.
            let misdirected = matches!(trouble, Trouble::Http { status: 404, .. }) && !desk.answered();
            let action = if misdirected { Some(Action::Configuration) } else { trouble.action() };
            return Err(Failed { trouble, action });
        }
        let wait = BACKOFF.draw(self.tries);
        self.tries += 1;
        desk.tell_retry(&trouble, self.tries, wait);
        sleep(wait).await;
        Ok(())
    }
}
