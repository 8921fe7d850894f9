//! The run as a whole.

use super::text::{Text, word};
use crate::status::Head;

/// Writes its figures.
pub fn write(head: &Head, text: &mut Text) {
    let none = &[][..];
    let totals = &head.totals;
    let shard = head.shard.map_or_else(String::new, |shard| shard.index.to_string());
    let labels = [
        ("version", head.version.as_str()),
        ("instance_name", &head.instance),
        ("shard", &shard),
        ("api", &head.api),
        ("sink", &head.sink),
        ("run", &head.run),
    ];
    text.gauge("info", "Who this is; always 1").figure(&labels, 1);
    text.gauge("state", "What the run does, by the label state; always 1").figure(&[("state", &word(&head.state))], 1);
    text.gauge("start_time_seconds", "When the run began").time(none, Some(head.started));

    for (name, help, value) in [
        ("mailboxes", "Mailboxes of this instance", totals.mailboxes),
        ("mailboxes_complete", "Mailboxes read to their end at least once, without trouble since", totals.complete),
        ("mailboxes_troubled", "Mailboxes that could not be read, or not whole", totals.troubled),
        ("folders", "Folders to be read", totals.folders),
        ("messages_expected", "Messages that this run will have stored in the end, as far as is known", totals.figures.expected),
        ("messages_in_sink", "Messages in the sink", totals.in_sink),
        ("quarantined_messages", "Messages in quarantine", totals.quarantined),
    ] {
        text.gauge(name, help).figure(none, value);
    }
    for (name, help, value) in [
        ("messages_stored_total", "Messages stored by this run", totals.figures.stored),
        ("stored_bytes_total", "Bytes of messages stored by this run", totals.figures.bytes),
        ("changes_recorded_total", "Changes recorded without a download: moves, read flags, deletions, new ids", totals.figures.changes),
        ("messages_known_total", "Messages listed that were stored already", totals.figures.known),
        ("messages_passed_over_total", "Messages found that filters leave out", totals.figures.passed_over),
        ("requests_total", "Requests answered by Exchange", totals.requests),
        ("throttled_total", "Waits that Exchange asked for", totals.throttled),
        ("throttled_seconds_total", "Seconds of waits that Exchange asked for, the sum of all mailboxes", totals.waited),
        ("retried_total", "Requests tried again after passing trouble", totals.retried),
        ("errors_total", "Folders and mailboxes that could not be read, counted each time", totals.errors),
    ] {
        text.counter(name, help).figure(none, value);
    }

    text.gauge("sink_blocked", "Whether the sink takes nothing just now").figure(none, u8::from(head.sink_trouble.is_some()));
    text.gauge("config_refused", "Whether the configuration that is kept could not be put in force")
        .figure(none, u8::from(head.config_trouble.is_some()));
    text.gauge("token_expiry_timestamp_seconds", "When the token for Exchange ends, where one is used").time(none, head.token_expires);
    text.gauge("eta_timestamp_seconds", "When all that is known of will be stored, at the better and at the worse of the rates of late")
        .time(&[("bound", "earliest")], head.eta.map(|eta| eta.earliest))
        .time(&[("bound", "latest")], head.eta.map(|eta| eta.latest));
}
