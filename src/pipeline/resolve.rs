//! Settles what the catalog alone cannot decide: a look at Exchange tells a move from a copy, what properties changed, and who takes part in a
//! message.

use super::{
    Trouble,
    folder_round::Visit,
    plan::{Plan, Wanted},
};
use crate::{
    catalog::{Decision, Entry},
    exchange,
    mail::{ItemId, Key, Listed, Lookup},
};

/// What a page comes to.
pub struct Resolved {
    /// What is to be done.
    pub plan: Plan,
    /// Messages that filters leave out.
    pub passed_over: usize,
    /// Messages that are stored already, and nothing new is told of them.
    pub known: usize,
}

/// Turns decisions into a plan; costs no request where every decision is final.
pub async fn resolve(visit: &Visit, decisions: Vec<Decision>) -> Result<Resolved, Trouble> {
    let (mut plan, mut known) = (Plan::default(), 0);
    let (mut resembling, mut refreshing) = (Vec::new(), Vec::new());
    for decision in decisions {
        match decision {
            Decision::Fetch { listed, key } => plan.wanted.push(Wanted { listed, key }),
            Decision::Record(entry) => plan.record.push(entry),
            Decision::Resembles { listed, key, old, fresh } => resembling.push((listed, key, old, fresh)),
            Decision::Refresh { listed, key } => refreshing.push((listed, key)),
            Decision::Known => known += 1,
            Decision::Nothing => {}
        }
    }
    tell_moves_from_copies(visit, resembling, &mut plan).await?;
    refresh(visit, refreshing, &mut plan).await?;
    if visit.filters.start.is_some() || visit.delivered.since.is_some() {
        date(visit, &mut plan).await?;
    }
    // What the sink has already is no matter of filters.
    let listed = plan.wanted.len();
    plan.wanted.retain(|wanted| visit.delivered.admits(&wanted.listed));
    let found = plan.wanted.len();
    known += listed - found;
    plan.wanted.retain(|wanted| visit.filters.admits_date(wanted.listed.dated()));
    if visit.filters.participants.any() {
        keep_by_participants(visit, &mut plan).await?;
    }
    let passed_over = found - plan.wanted.len();
    Ok(Resolved { plan, passed_over, known })
}

async fn tell_moves_from_copies(visit: &Visit, resembling: Vec<(Listed, Key, ItemId, Key)>, plan: &mut Plan) -> Result<(), Trouble> {
    if resembling.is_empty() {
        return Ok(());
    }
    let old: Vec<Listed> = resembling.iter().map(|(_, _, old, _)| Listed::bare(old.clone())).collect();
    let found = lookup(visit, &old).await?;
    for ((listed, key, _, fresh), found) in resembling.into_iter().zip(found) {
        match found {
            Lookup::Gone => plan.record.push(Entry::Moved { key, listed }),
            // It exists, or the server would not say: another message, then. A needless download is better than a lost message.
            Lookup::Found(_) | Lookup::Unreadable(_) => plan.wanted.push(Wanted { listed, key: fresh }),
        }
    }
    Ok(())
}

async fn refresh(visit: &Visit, refreshing: Vec<(Listed, Key)>, plan: &mut Plan) -> Result<(), Trouble> {
    if refreshing.is_empty() {
        return Ok(());
    }
    let items: Vec<Listed> = refreshing.iter().map(|(listed, _)| listed.clone()).collect();
    let found = lookup(visit, &items).await?;
    for ((listed, key), found) in refreshing.into_iter().zip(found) {
        if let Lookup::Found(properties) = found {
            plan.record.push(Entry::Changed { key, id: listed.id, properties });
        }
        // Gone: its deletion is on a later page. Unreadable: the message is stored, and a later change asks again.
    }
    Ok(())
}

/// Looks up the dates that the listing did not tell: a change of the read flag tells the id alone, also of messages that a start date left
/// out, or that the sink has already.
async fn date(visit: &Visit, plan: &mut Plan) -> Result<(), Trouble> {
    let mut undated: Vec<&mut Listed> =
        plan.wanted.iter_mut().map(|wanted| &mut wanted.listed).filter(|listed| listed.dated().is_none()).collect();
    if undated.is_empty() {
        return Ok(());
    }
    let items: Vec<Listed> = undated.iter().map(|listed| (*listed).clone()).collect();
    let found = lookup(visit, &items).await?;
    for (listed, found) in undated.iter_mut().zip(found) {
        if let Lookup::Found(properties) = found {
            (listed.received, listed.created, listed.modified) = (properties.received, properties.created, properties.modified);
        }
    }
    Ok(())
}

async fn keep_by_participants(visit: &Visit, plan: &mut Plan) -> Result<(), Trouble> {
    let items: Vec<Listed> = plan.wanted.iter().map(|wanted| wanted.listed.clone()).collect();
    if items.is_empty() {
        return Ok(());
    }
    let found = lookup(visit, &items).await?;
    let mut found = found.into_iter();
    plan.wanted.retain(|_| match found.next() {
        Some(Lookup::Found(properties)) => visit.filters.participants.admit(properties.participants()),
        // The download tells what is the matter with it.
        _ => true,
    });
    Ok(())
}

async fn lookup(visit: &Visit, items: &[Listed]) -> Result<Vec<Lookup>, exchange::Error> {
    visit.pipeline.exchange.lookup(&visit.mailbox, &visit.folder, items).await
}
