//! Lets Exchange tell more of listed messages where that decides whether they are downloaded. Some interfaces list neither search keys nor sizes;
//! where ids last for life nothing else is needed to recognise a message, so nothing is asked in vain.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Trouble, folder_round::Visit};
use crate::mail::{Change, IdForm, Listed};

/// How much later than the switch a message's time may be, for clocks that differ and mail that was on its way.
const SLACK: TimeDelta = TimeDelta::days(1);

/// Completes listings of messages that may be known though their id is not, and of drafts whose size alone tells whether they were written on.
pub async fn describe(visit: &Visit, changes: &mut [Change]) -> Result<(), Trouble> {
    let mut vague: Vec<(bool, &mut Listed)> = changes
        .iter_mut()
        .filter_map(|change| match change {
            Change::Created(listed) => Some((true, listed)),
            Change::Updated(listed) => Some((false, listed)),
            Change::ReadChanged { .. } | Change::Deleted(_) => None,
        })
        .filter(|(created, listed)| may_be_known(visit, listed) || (*created && unweighed(listed)))
        .collect();
    if vague.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = vague.iter().map(|(_, listed)| listed.id.clone()).collect();
    let known = visit.ledger.knows(&ids).await?;
    let mut known = known.into_iter();
    vague.retain(|(created, listed)| match known.next() {
        Some(true) => *created && unweighed(listed),
        _ => may_be_known(visit, listed),
    });
    if vague.is_empty() {
        return Ok(());
    }
    let asked = vague.iter().map(|(_, listed)| (**listed).clone()).collect();
    let described = visit.pipeline.exchange.describe(&visit.mailbox, &visit.folder, asked).await?;
    for ((_, listed), described) in vague.into_iter().zip(described) {
        if described.id == listed.id {
            *listed = described;
        }
    }
    Ok(())
}

/// Whether an unknown id may belong to a known message: where ids change with every move always, else with messages that were there before the
/// mailbox came to be read by ids of this form.
fn may_be_known(visit: &Visit, listed: &Listed) -> bool {
    listed.search_key.is_none() && (visit.form == IdForm::GraphRest || precedes(listed.dated(), visit.switched))
}

fn precedes(dated: Option<DateTime<Utc>>, switched: Option<DateTime<Utc>>) -> bool {
    switched.is_some_and(|switched| dated.is_none_or(|dated| dated < switched + SLACK))
}

/// Whether it is a draft whose size is not told.
fn unweighed(listed: &Listed) -> bool {
    listed.draft() == Some(true) && listed.size.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_there_before_the_switch_may_be_known() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
        let switched = at("2026-03-01T12:00:00Z");
        for (dated, expected) in
            [(at("2020-01-01T00:00:00Z"), true), (at("2026-03-02T11:59:59Z"), true), (at("2026-03-02T12:00:00Z"), false), (None, true)]
        {
            assert_eq!(precedes(dated, switched), expected, "{dated:?}");
            assert!(!precedes(dated, None));
        }
    }
}
