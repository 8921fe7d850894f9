//! When a mailbox is visited again.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::{
    Afresh, Pace, Pipeline, Reconcile, Subscription,
    mailbox_round::{Memory, Round},
};
use crate::{event::Event, exchange::Verdict};

/// Whether there is an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Until each mailbox has been read to its end once.
    Once,
    /// For ever.
    Continuous,
}

/// When mailboxes are visited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Whether there is an end.
    pub mode: Mode,
    /// The wait between a mailbox's rounds once it has been read to its end (`poll_frequency`); while there is more, the next round follows at
    /// once.
    pub frequency: Duration,
    /// How often folders are listed from the start although their cursors work (`--reconcile-every`).
    pub reconcile: Reconcile,
}

/// In [`Mode::Once`], rounds in a row that meet trouble and store nothing before a mailbox is given up.
const ATTEMPTS: u32 = 5;

/// The longest wait after trouble.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// In [`Mode::Once`], how long a mailbox that somebody else holds is waited for: that it does is no failure, and its round has an end.
const HELD: Duration = Duration::from_secs(10 * 60);

/// The longest wait before a held mailbox is tried again. Whoever mends it beside a copy lets go of it for not much longer.
const HELD_WAIT: Duration = Duration::from_secs(30);

impl Schedule {
    /// The seats that bound how many mailboxes are read at the same time.
    pub(super) fn turns(&self, mailboxes: usize) -> Turns {
        Turns { seats: Arc::new(Semaphore::new(mailboxes.max(1))), schedule: *self }
    }
}

/// Seats shared by all mailboxes.
#[derive(Clone)]
pub struct Turns {
    seats: Arc<Semaphore>,
    schedule: Schedule,
}

/// What follows a round.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    AtOnce,
    After(Duration),
    End,
}

impl Pipeline {
    /// Visits one mailbox by the schedule until there is nothing left to do for it.
    pub(super) async fn rounds(self: Arc<Self>, subscription: Subscription, turns: Turns, afresh: Afresh) -> Round {
        let reconcile = turns.schedule.reconcile.period(self.exchange.reconcile_every());
        let mut memory = Memory::new(Pace::new(self.limits.message_interval), reconcile, afresh);
        let thorough = turns.schedule.mode == Mode::Once;
        let (mailbox, lever) = (&subscription.mailbox.address, self.levers.of(&subscription.mailbox.address));
        let (mut failures, mut messages, mut worked, mut held) = (0, 0, false, None);
        loop {
            let seat = loop {
                lever.released().await;
                self.drain.unless_begun().await;
                if turns.seats.available_permits() == 0 {
                    self.events.tell(Event::MailboxQueued { mailbox: mailbox.clone() });
                }
                let Ok(seat) = turns.seats.acquire().await else { std::future::pending().await };
                // It may have been paused while it waited for its seat, which is then another one's.
                if !lever.is_paused() {
                    break seat;
                }
            };
            let mut round = {
                let _seat = seat;
                self.clone().round(&subscription, &mut memory, thorough).await
            };
            let next = match &round.held {
                // To be kept out is no failure of the mailbox's own.
                Some(_) => {
                    let (since, times) = held.get_or_insert((Instant::now(), 0));
                    *times += 1;
                    while_held(turns.schedule.mode, since.elapsed(), *times)
                }
                None => {
                    held = None;
                    failures = match round.verdict {
                        Some(_) if round.messages == 0 => failures + 1,
                        _ => 0,
                    };
                    messages += round.messages;
                    worked |= round.verdict.is_none();
                    next(&turns.schedule, &round, failures, worked)
                }
            };
            let rests = |wait, asked| self.events.tell(Event::MailboxRests { mailbox: mailbox.clone(), wait, asked });
            match (next, round.verdict) {
                (Next::AtOnce, _) => {}
                // A person's wish does not open what the server closed.
                (Next::After(wait), Some(Verdict::WaitFor(_))) => {
                    rests(Some(wait), true);
                    sleep(wait).await;
                }
                (Next::After(wait), _) => {
                    match round.held.take() {
                        Some(reason) => self.events.tell(Event::MailboxHeld { mailbox: mailbox.clone(), reason, wait }),
                        None => rests(Some(wait), false),
                    }
                    tokio::select! {
                        () = sleep(wait) => {}
                        () = lever.nudged() => {}
                    }
                }
                (Next::End, _) => {
                    if let Some(reason) = round.held.clone() {
                        self.events.tell(Event::MailboxFailed { mailbox: mailbox.clone(), reason, refused: false });
                    }
                    rests(None, false);
                    round.messages = messages;
                    return round;
                }
            }
        }
    }
}

/// Decides what follows so many rounds in a row that did not begin since somebody else holds the mailbox.
fn while_held(mode: Mode, waited: Duration, times: u32) -> Next {
    match mode {
        Mode::Once if waited >= HELD => Next::End,
        Mode::Once | Mode::Continuous => Next::After(back_off(Duration::from_secs(1), times).min(HELD_WAIT)),
    }
}

/// Decides what follows a round; `failures` counts rounds in a row that met trouble and stored nothing, `worked` tells of one without any.
fn next(schedule: &Schedule, round: &Round, failures: u32, worked: bool) -> Next {
    match (schedule.mode, round.verdict) {
        // What worked before may work again: a password being changed, a server being moved. Anything else waits for a person, and trying it
        // over and over can lock an account.
        (Mode::Continuous, Some(Verdict::Refused)) if worked => Next::After(back_off(Duration::from_secs(60), failures)),
        (_, Some(Verdict::Refused)) => Next::End,
        (_, Some(Verdict::WaitFor(wait))) => Next::After(wait),
        (_, None) if round.more => Next::AtOnce,
        // One unreadable folder does not slow down the others.
        (Mode::Continuous, Some(Verdict::SkipFolder | Verdict::FolderGone)) if round.more => Next::AtOnce,
        (Mode::Continuous, Some(Verdict::SkipFolder | Verdict::FolderGone)) => Next::After(schedule.frequency),
        (Mode::Once, None | Some(Verdict::StopMailbox)) => Next::End,
        (Mode::Once, Some(_)) if failures >= ATTEMPTS => Next::End,
        (Mode::Once, Some(_)) => Next::After(back_off(Duration::from_secs(1), failures)),
        (Mode::Continuous, None) => Next::After(schedule.frequency),
        (Mode::Continuous, Some(Verdict::StopMailbox)) => Next::After(back_off(Duration::from_secs(60), failures)),
        (Mode::Continuous, Some(_)) => Next::After(back_off(schedule.frequency.max(Duration::from_secs(1)), failures)),
    }
}

fn back_off(base: Duration, failures: u32) -> Duration {
    base.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Address;

    #[test]
    fn what_follows_a_round() {
        let seconds = Duration::from_secs;
        let (once, always) = (Mode::Once, Mode::Continuous);
        let schedule = |mode| Schedule { mode, frequency: seconds(15), reconcile: Reconcile::AsNeeded };
        let round = |more, verdict| Round { mailbox: Address::new("a@example.com"), more, verdict, messages: 0, held: None };
        let refused = round(false, Some(Verdict::Refused));
        assert_eq!(next(&schedule(always), &refused, 3, true), Next::After(seconds(240)));
        assert_eq!(next(&schedule(once), &refused, 1, true), Next::End);
        for (mode, verdict, more, failures, expected) in [
            (once, None, false, 0, Next::End),
            (once, None, true, 0, Next::AtOnce),
            (once, Some(Verdict::Later), false, 1, Next::After(seconds(1))),
            (once, Some(Verdict::Later), false, 3, Next::After(seconds(4))),
            (once, Some(Verdict::Later), false, 5, Next::End),
            (once, Some(Verdict::SkipFolder), true, 1, Next::After(seconds(1))),
            (once, Some(Verdict::WaitFor(seconds(90))), false, 70, Next::After(seconds(90))),
            (once, Some(Verdict::StopMailbox), false, 1, Next::End),
            (once, Some(Verdict::Refused), false, 1, Next::End),
            (always, None, false, 0, Next::After(seconds(15))),
            (always, None, true, 0, Next::AtOnce),
            (always, Some(Verdict::Later), false, 1, Next::After(seconds(15))),
            (always, Some(Verdict::Later), false, 3, Next::After(seconds(60))),
            (always, Some(Verdict::Later), false, 99, Next::After(LONGEST)),
            (always, Some(Verdict::SkipFolder), false, 99, Next::After(seconds(15))),
            (always, Some(Verdict::SkipFolder), true, 0, Next::AtOnce),
            (always, Some(Verdict::StopMailbox), false, 1, Next::After(seconds(60))),
            (always, Some(Verdict::Refused), false, 1, Next::End),
        ] {
            assert_eq!(
                next(&schedule(mode), &round(more, verdict), failures, false),
                expected,
                "{mode:?} {verdict:?} more={more} failures={failures}"
            );
        }
    }
}
