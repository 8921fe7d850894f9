//! The appliance as a whole: what it does, how far it is, and when it will be done.

use chrono::{DateTime, TimeDelta, Utc};
use exchange_sync_tui::status::{Eta, MailboxState, Rate, State, Totals};

use super::mailbox::Row;

/// Trouble in a row, without anything coming of it, from which on it is more than a request to be made again.
const ATTEMPTS: u64 = 3;

/// All mailboxes together.
pub fn totals<'a>(rows: impl Iterator<Item = &'a Row>, at: DateTime<Utc>) -> Totals {
    let mut totals = Totals::default();
    for row in rows {
        let mailbox = &row.mailbox;
        totals.mailboxes += 1;
        totals.complete += u64::from(mailbox.complete);
        totals.troubled += u64::from(troubled(row));
        totals.unmet += u64::from(unmet(row));
        totals.folders += mailbox.folder_count;
        totals.figures += mailbox.figures;
        totals.in_sink += mailbox.in_sink.unwrap_or(0);
        totals.counted += u64::from(mailbox.in_sink.is_some());
        totals.quarantined += mailbox.quarantined;
        totals.throttled += mailbox.throttled;
        totals.waited += row.waited(at);
        totals.retried += mailbox.retried;
        totals.requests += mailbox.requests_answered;
    }
    totals
}

/// Whether nothing is known of it yet, though it is not given up.
fn unmet(row: &Row) -> bool {
    !row.met && !matches!(row.mailbox.state, MailboxState::Stopped | MailboxState::Degraded)
}

/// Whether it could not be read, or not whole.
fn troubled(row: &Row) -> bool {
    let mailbox = &row.mailbox;
    let fails = mailbox.state == MailboxState::Waiting && !row.was_asked() && mailbox.attempts >= ATTEMPTS;
    fails || matches!(mailbox.state, MailboxState::Stopped | MailboxState::Degraded) || (mailbox.error.is_some() && !mailbox.complete)
}

/// What mailboxes in these states amount to. What moves counts for more than what stands still: a single mailbox in trouble is told by its own row.
pub fn state<'a>(rows: impl Iterator<Item = &'a Row>, blocked: bool) -> State {
    if blocked {
        return State::Degraded;
    }
    let (mut state, mut queued) = (State::Starting, false);
    let (mut paused, mut others) = (false, false);
    for row in rows {
        let now = row.mailbox.state;
        paused |= now == MailboxState::Paused;
        others |= !matches!(now, MailboxState::Paused | MailboxState::Done | MailboxState::Stopped);
        queued |= now == MailboxState::Queued && !row.mailbox.complete;
        let of_row = match now {
            MailboxState::Syncing => State::Syncing,
            // A look for news, once all is stored.
            MailboxState::Listing if row.mailbox.complete => State::Idle,
            MailboxState::Listing => State::Listing,
            MailboxState::Waiting if row.was_asked() && !row.mailbox.complete => State::Throttled,
            MailboxState::Waiting if troubled(row) => State::Degraded,
            // One request is tried again, or somebody else has the mailbox for a moment, or the server wants to be asked for news later.
            MailboxState::Waiting if row.mailbox.complete => State::Idle,
            MailboxState::Waiting => State::Listing,
            MailboxState::Degraded | MailboxState::Stopped => State::Degraded,
            MailboxState::Idle | MailboxState::Done => State::Idle,
            MailboxState::Queued | MailboxState::Paused => continue,
        };
        if rank(of_row) > rank(state) {
            state = of_row;
        }
    }
    match state {
        // What has come to its end is not held up.
        _ if paused && !others => State::Paused,
        // Whoever waits for a seat will have one.
        State::Degraded | State::Idle if queued => State::Listing,
        state => state,
    }
}

fn rank(state: State) -> u8 {
    match state {
        State::Syncing => 5,
        State::Listing => 4,
        State::Throttled => 3,
        State::Degraded => 2,
        State::Idle => 1,
        _ => 0,
    }
}

/// When all that is known of, and as much for each mailbox that nothing is known of yet, will be stored: at the better and at the worse of the rates of
/// late, and not before the last wait of a mailbox with something left is over. None where nothing is left, or nothing moves.
pub fn eta<'a>(at: DateTime<Utc>, rows: impl Iterator<Item = &'a Row>, rates: [Rate; 2]) -> Option<Eta> {
    let (mut left, mut expected, mut met, mut unmet, mut rests) = (0, 0, 0, 0_u64, at);
    for row in rows {
        let figures = &row.mailbox.figures;
        if row.met {
            left += figures.expected.saturating_sub(figures.stored);
            expected += figures.expected;
            met += 1;
        } else {
            unmet += u64::from(self::unmet(row));
        }
        // Whoever rests is not done before.
        if row.mailbox.state == MailboxState::Waiting && (!row.met || figures.expected > figures.stored) {
            rests = rests.max(row.mailbox.until.unwrap_or(at));
        }
    }
    left += (expected * unmet).checked_div(met)?;
    let [one, other] = rates.map(|rate| rate.messages);
    let (slow, fast) = (one.min(other), one.max(other));
    if left == 0 || slow <= 0.0 {
        return None;
    }
    // Beyond a year it is no forecast.
    let after = |rate: f64| Some(left as f64 / rate).filter(|seconds| *seconds < 366.0 * 86400.0);
    let [earliest, latest] = [after(fast)?, after(slow)?].map(|seconds| rests.max(at + TimeDelta::seconds(seconds.ceil() as i64)));
    Some(Eta { earliest, latest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: MailboxState, expected: u64, stored: u64) -> Row {
        let mut row = Row::new(String::new());
        row.met = state != MailboxState::Queued;
        row.mailbox.state = state;
        if state == MailboxState::Waiting {
            let asked = crate::event::Event::MailboxRests {
                mailbox: crate::mail::Address::new("a@example.com"),
                wait: Some(std::time::Duration::from_secs(9)),
                asked: true,
            };
            row.fold(DateTime::UNIX_EPOCH, 1, &asked, &str::to_owned);
        }
        (row.mailbox.figures.expected, row.mailbox.figures.stored) = (expected, stored);
        row
    }

    #[test]
    fn a_server_that_is_not_reached_is_no_throttle() {
        use std::time::Duration;

        use crate::{event::Event, mail::Address};
        let (at, mailbox) = (DateTime::UNIX_EPOCH, Address::new("ann@example.com"));
        let (mut waits, mut fails) = (Row::new(String::new()), Row::new(String::new()));
        let wait = Duration::from_secs(9);
        let asked = Event::RequestThrottled { mailbox: mailbox.clone(), reason: "ErrorServerBusy".into(), wait };
        waits.fold(at, 1, &asked, &str::to_owned);
        assert_eq!(state([waits].iter(), false), State::Throttled);
        for (expected, troubled) in [(State::Listing, 0), (State::Listing, 0), (State::Degraded, 1)] {
            fails.fold(
                at,
                1,
                &Event::RequestRetried { mailbox: mailbox.clone(), reason: "connection refused".into(), times: 1, wait },
                &str::to_owned,
            );
            assert_eq!((state([&fails].into_iter(), false), totals([&fails].into_iter(), at).troubled), (expected, troubled));
        }
    }

    #[test]
    fn what_moves_counts_for_more() {
        use MailboxState::{Degraded, Done, Idle, Listing, Paused, Queued, Stopped, Syncing, Waiting};
        for (states, expected) in [
            (&[][..], State::Starting),
            (&[Queued, Queued], State::Starting),
            (&[Queued, Listing], State::Listing),
            (&[Queued, Idle], State::Listing),
            (&[Listing, Syncing, Stopped, Waiting], State::Syncing),
            (&[Waiting, Idle, Stopped], State::Throttled),
            (&[Idle, Degraded], State::Degraded),
            (&[Idle, Done], State::Idle),
            (&[Paused, Paused], State::Paused),
            (&[Paused, Done, Stopped], State::Paused),
            (&[Paused, Idle], State::Idle),
        ] {
            let rows: Vec<Row> = states.iter().map(|state| row(*state, 0, 0)).collect();
            assert_eq!(state(rows.iter(), false), expected, "{states:?}");
        }
        assert_eq!(state([row(Syncing, 9, 1)].iter(), true), State::Degraded);
        for looks_for_news in [Listing, Queued] {
            let mut complete = row(looks_for_news, 9, 9);
            complete.mailbox.complete = true;
            assert_eq!(state([complete, row(Idle, 9, 9)].iter(), false), State::Idle);
        }
    }

    #[test]
    fn the_end_is_a_range_and_counts_mailboxes_that_are_not_listed_yet() {
        let at = DateTime::UNIX_EPOCH;
        let rates = [1.0, 4.0].map(|messages| Rate { messages, bytes: 0.0 });
        let rows = [row(MailboxState::Syncing, 500, 100), row(MailboxState::Queued, 0, 0)];
        let end = |seconds| at + TimeDelta::seconds(seconds);
        assert_eq!(eta(at, rows.iter(), rates), Some(Eta { earliest: end(225), latest: end(900) }));
        let mut rests = row(MailboxState::Waiting, 20, 10);
        rests.mailbox.until = Some(end(500));
        let asked = [row(MailboxState::Syncing, 490, 100), rests];
        assert_eq!(eta(at, asked.iter(), rates), Some(Eta { earliest: end(500), latest: end(500) }), "after the wait");
        assert_eq!(eta(at, rows.iter(), [Rate::default(), rates[0]]), None, "nothing moves");
        assert_eq!(eta(at, [row(MailboxState::Idle, 9, 9)].iter(), rates), None, "nothing is left");
        assert_eq!(eta(at, [row(MailboxState::Queued, 0, 0)].iter(), rates), None, "nothing is known");
        let rows = [MailboxState::Syncing, MailboxState::Idle, MailboxState::Queued].map(|state| row(state, 200, 100));
        let mut given_up = row(MailboxState::Stopped, 0, 0);
        given_up.met = false;
        assert_eq!((totals(rows.iter(), at).unmet, totals([&given_up].into_iter(), at).unmet), (1, 0));
    }
}
