//! The same without a screen: a line of progress, and a table of all mailboxes; and how figures and strangers' text are written everywhere.

use std::fmt::Write;

use crate::{
    Status,
    app::severity,
    figures::{Zone, clock, length, percent, rate, speed, until},
    safe::{clip, fit, right, width},
    status::{Head, Mailbox, MailboxState, State},
    theme,
};
pub use crate::{
    figures::{bytes, count},
    safe::visible,
};

/// The whole in one line. Times are the status's own, so that it says the same whenever it is asked.
///
/// ```
/// let status = exchange_sync_tui::Status::default();
/// assert!(exchange_sync_tui::text::line(&status).starts_with("0:00 STARTING"));
/// ```
pub fn line(status: &Status) -> String {
    line_in(status, Zone::Local)
}

/// The same with times of day of a zone.
pub fn line_in(status: &Status, zone: Zone) -> String {
    let head = &status.head;
    let totals = &head.totals;
    let mut parts = vec![format!("{} {}", clock((head.at - head.started).num_seconds()), theme::state(head.state).1)];
    let troubled = if totals.troubled > 0 { format!(", {} troubled", count(totals.troubled)) } else { String::new() };
    parts.push(format!("mailboxes {}/{} done{troubled}", count(totals.complete), count(totals.mailboxes)));
    parts.push(match totals.figures.goal() {
        0 => format!("{} listed, nothing to copy found", count(totals.figures.listed)),
        _ => {
            let part = percent(totals.figures.stored, totals.likely()).map(|percent| format!(" {percent} %")).unwrap_or_default();
            let listing = head.state == State::Listing && totals.figures.stored == 0;
            let part = if listing { format!(" so far, {} listed", count(totals.figures.listed)) } else { part };
            format!("messages {}/{}{part}", count(totals.figures.stored), totals.goal(count))
        }
    });
    parts.push(bytes(totals.figures.bytes));
    // What was there before this run began; the sum is of mailboxes that were looked at so far.
    if totals.in_sink > totals.figures.stored {
        let least = if totals.counted < totals.mailboxes { "+" } else { "" };
        parts.push(format!("{}{least} in the sink", count(totals.in_sink)));
    }
    parts.push(format!(
        "{} {} (15 min {} {})",
        rate(head.last_minute.messages),
        speed(head.last_minute.bytes),
        rate(head.last_quarter.messages),
        speed(head.last_quarter.bytes)
    ));
    parts.extend(head.eta.map(|eta| format!("ETA {}", zone.range(eta, head.at))));
    for (n, one, several) in
        [(totals.quarantined, "in quarantine", "in quarantine"), (totals.throttled, "wait", "waits"), (totals.errors, "error", "errors")]
    {
        if n > 0 {
            parts.push(format!("{} {}", count(n), if n == 1 { one } else { several }));
        }
    }
    parts.extend(trouble(head));
    parts.join("; ")
}

/// Why nothing is stored, and what is wrong with the configuration.
fn trouble(head: &Head) -> Vec<String> {
    let sink = head.sink_trouble.as_ref().map(|trouble| {
        let left = length(until(trouble.until, head.at));
        format!("nothing can be stored, trying again in {left}: {}", visible(&trouble.reason))
    });
    let config = head.config_trouble.as_ref().map(|trouble| format!("the new configuration is refused: {}", visible(&trouble.reason)));
    sink.into_iter().chain(config).collect()
}

/// All mailboxes, worst first, in at most so many columns, with the whole above and a line for what they come to below.
pub fn table(status: &Status, columns: usize) -> String {
    let columns = columns.max(60);
    let at = status.head.at;
    let mut rows: Vec<_> = status.mailboxes.iter().collect();
    rows.sort_by_key(|(address, mailbox)| (severity(mailbox, at), *address));
    let names = rows.iter().map(|(address, _)| width(&visible(address))).max().unwrap_or(0).clamp(7, (columns / 3).max(18));
    let mut out = String::new();
    let mut line = |name: &str, state: &str, stored: &str, wanted: &str, bytes: &str, quarantined: &str, why: &str| {
        let left = format!(
            "{}  {}  {}  {}  {}  {}  ",
            fit(name, names),
            fit(state, 8),
            right(stored, 9),
            right(wanted, 9),
            right(bytes, 8),
            right(quarantined, 5)
        );
        let room = columns.saturating_sub(width(&left));
        // Writing into a String does not fail.
        let _ = writeln!(out, "{}", clip(&format!("{left}{}", clip(why, room)), columns).trim_end());
    };
    line("MAILBOX", "STATE", "STORED", "FOUND", "BYTES", "QUAR", "WHY");
    for (address, mailbox) in &rows {
        let figures = &mailbox.figures;
        let quarantined = if mailbox.quarantined > 0 { count(mailbox.quarantined) } else { String::new() };
        let (_, state, _) = if status.head.state == State::Ended { theme::left(mailbox) } else { theme::mailbox(mailbox.state) };
        line(
            &visible(address),
            state,
            &count(figures.stored),
            &count(figures.goal()),
            &bytes(figures.bytes),
            &quarantined,
            &why(mailbox, status),
        );
    }
    let totals = &status.head.totals;
    let elapsed = (at - status.head.started).num_seconds();
    let millis = (at - status.head.started).num_milliseconds();
    let mean = if millis > 0 { totals.figures.stored as f64 * 1000.0 / millis as f64 } else { 0.0 };
    let told = |n: u64, words: &str| if n == 0 { String::new() } else { format!(", {} {words}", count(n)) };
    let known = told(totals.figures.known, "known already");
    let passed_over = told(totals.figures.passed_over, "passed over by filters");
    let mut sum = format!(
        "{} of {} mailboxes done, {} troubled; {} messages stored ({}), {} changes without a download{known}{passed_over}, {} in quarantine; {} {}, {} {}; {} at {} on average",
        count(totals.complete),
        count(totals.mailboxes),
        count(totals.troubled),
        count(totals.figures.stored),
        bytes(totals.figures.bytes),
        count(totals.figures.changes),
        count(totals.quarantined),
        count(totals.throttled),
        waits(totals.throttled, totals.waited),
        count(totals.retried),
        if totals.retried == 1 { "retry" } else { "retries" },
        clock(elapsed),
        rate(mean),
    );
    let verified: Vec<_> =
        status.mailboxes.values().filter_map(|mailbox| mailbox.verified.as_ref()).filter(|one| one.verdict.is_some()).collect();
    if !verified.is_empty() {
        let gaps: u64 = verified.iter().map(|one| one.gaps).sum();
        let _ = write!(sum, "; {} verified, {} gaps", count(verified.len() as u64), count(gaps));
        match verified.iter().filter(|one| one.troubled).count() as u64 {
            0 => {}
            troubled => drop(write!(sum, ", {} not looked at whole", count(troubled))),
        }
    }
    for trouble in trouble(&status.head) {
        let _ = write!(sum, "; {trouble}");
    }
    let _ = writeln!(out, "{sum}");
    out
}

/// Waits of so many seconds in sum.
pub(crate) fn waits(n: u64, seconds: u64) -> String {
    let words = if n == 1 { "wait" } else { "waits" };
    if seconds == 0 { words.to_owned() } else { format!("{words}, {} in sum", length(i64::try_from(seconds).unwrap_or(i64::MAX))) }
}

/// What a mailbox waits for, or what is wrong with it.
fn why(mailbox: &Mailbox, status: &Status) -> String {
    let counts = mailbox.state != MailboxState::Idle && status.head.state != State::Ended;
    let left = mailbox.until.filter(|_| counts).map(|at| format!("{}: ", clock(until(at, status.head.at))));
    let verdict = mailbox.verified.as_ref().and_then(|verified| verified.verdict.as_deref());
    let failed = match mailbox.failed_folders {
        0 => None,
        1 => Some("1 folder failed: ".to_owned()),
        n => Some(format!("{n} folders failed: ")),
    };
    let words = mailbox.reason.as_deref().or(mailbox.error.as_ref().map(|error| error.words.as_str())).or(verdict);
    match words {
        Some(words) => format!("{}{}{}", left.unwrap_or_default(), failed.unwrap_or_default(), visible(words)),
        None => String::new(),
    }
}
