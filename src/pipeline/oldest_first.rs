//! Pages of a folder by the age of its messages, for stores that keep nothing but a time before which all is delivered.

use std::sync::{Mutex as Lock, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use super::{
    Trouble,
    changes::{PAGE, standing_still},
    folder_round::Visit,
    standstill::Standstill,
    survey::{Handed, Survey},
};
use crate::{event::Event, exchange::Verdict, mail::Page};

/// A folder's survey, which outlives the visits that it takes. It goes with the process, as what is saved of it does.
#[derive(Default)]
pub struct OldestFirst {
    survey: Mutex<Option<Survey>>,
    committed: Lock<Handed>,
}

/// Messages of one age, as a page.
pub struct Aged {
    /// Its cursor is that of the changes behind the whole listing.
    pub page: Page,
    /// How far they reach.
    pub reach: Reach,
}

/// How far messages were handed out, and what that means in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    handed: Handed,
    /// Nothing older is left; none where nothing is left at all.
    pub until: Option<DateTime<Utc>>,
    /// When the listing began, beyond which nothing is claimed.
    pub began: DateTime<Utc>,
}

impl OldestFirst {
    /// Whether it goes on with what an earlier visit began.
    pub async fn begun(&self) -> bool {
        self.survey.lock().await.is_some()
    }

    /// The next messages, at most `limit`; with `anew` those behind the last that were committed. The folder is listed whole first.
    pub async fn page(&self, visit: &Visit, limit: usize, anew: bool) -> Result<Aged, Trouble> {
        let mut slot = self.survey.lock().await;
        let mut survey = match slot.take() {
            Some(survey) => survey,
            None => Survey::new()?,
        };
        // Kept also where the listing breaks off, so that it goes on from there.
        let listed = list(visit, &mut survey).await;
        let survey = slot.insert(survey);
        listed?;
        if anew {
            survey.back_to(*self.committed.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let (changes, handed, last) = survey.hand_out(limit).await?;
        let until = survey.delivered_until(handed).await?;
        let began = survey.began;
        let Some(cursor) = survey.cursor.clone() else {
            return Err(standing_still(&visit.mailbox, &visit.folder, "the listing had no page".to_owned()).into());
        };
        Ok(Aged { page: Page { changes, cursor, last, certain: true }, reach: Reach { handed, until, began } })
    }

    /// What was handed out so far is delivered.
    pub fn commit(&self, reach: Reach) {
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = reach.handed;
    }
}

/// Lists what is not listed yet. A cursor that is no longer accepted begins the listing anew, once.
async fn list(visit: &Visit, survey: &mut Survey) -> Result<(), Trouble> {
    let exchange = &visit.pipeline.exchange;
    let (mut standstill, mut resynced) = (Standstill::default(), false);
    while !survey.whole {
        let page = match exchange.page(&visit.mailbox, &visit.folder, survey.cursor.as_ref(), PAGE).await {
            Err(error) if error.verdict == Verdict::Resync && survey.cursor.is_some() && !resynced => {
                visit.tell_resync();
                (*survey, standstill, resynced) = (Survey::new()?, Standstill::default(), true);
                continue;
            }
            page => page?,
        };
        if let Some(cause) = standstill.notice(survey.cursor.as_ref(), &page) {
            return Err(standing_still(&visit.mailbox, &visit.folder, cause).into());
        }
        visit.pipeline.events.tell(Event::PageListed {
            mailbox: visit.mailbox.address.clone(),
            folder: visit.folder.id.clone(),
            changes: page.changes.len(),
            wanted: 0,
            passed_over: 0,
            known: 0,
            kept: true,
        });
        let whole = page.ends();
        survey.note(page, whole).await?;
    }
    Ok(())
}
