//! Whose mailbox this is, and by which ids its messages are known.
//!
//! An address does not tell: another tenant may have the same one, or the mailbox was deleted and made anew. Going on with the state of another
//! mailbox would mix the two for ever, so a home that differs from the saved one has to be proven. Where it is the interface that changed, all that
//! the ledger knows is carried over to the new form of ids: it costs a request for a thousand messages and no download.

use std::collections::{BTreeMap, HashMap};

use chrono::Utc;

use super::{Pipeline, Trouble};
use crate::{
    catalog::{Decision, Entry, Ledger, Place, Resident, SWEEP},
    event::Event,
    exchange::{self, Verdict},
    mail::{Change, Folder, FolderId, Hierarchy, ItemId, Listed, Lookup, Mailbox, Switch},
};

/// Messages looked up to prove that it is the same mailbox.
const PROBED: usize = 200;

/// Folders in which known messages are looked for by their search keys.
const FULLEST: usize = 5;

/// Ids translated by one request (Microsoft Graph, "user: translateExchangeIds").
const TRANSLATED: usize = 1000;

/// What a look at the saved and the present home asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// The same mailbox by the same interface, or a server that does not tell.
    GoOn,
    /// Nothing was saved: the ledger tells whether its ids are of this form.
    Ask,
    /// Another root by the same interface: perhaps another mailbox.
    Prove,
    /// Another interface, or a change of it that was cut off.
    Switch,
}

fn course(known: &Hierarchy, now: &Hierarchy) -> Course {
    let unfinished = known.switch.is_some_and(|switch| !switch.over);
    match (&known.home, &now.home) {
        (_, None) => Course::GoOn,
        _ if unfinished => Course::Switch,
        (None, Some(_)) => Course::Ask,
        (Some(known), Some(now)) if known.form != now.form => Course::Switch,
        (Some(known), Some(now)) if known.root != now.root => Course::Prove,
        _ => Course::GoOn,
    }
}

/// Adds to the folders listed those known ones that this interface does not show: of an archive that was not asked for or cannot be read, and of
/// calendars, contacts and the like where it shows mail alone. Not shown is not gone. Returns where the added ones begin.
pub fn keep_unshown(known: &Hierarchy, now: &mut Hierarchy) -> usize {
    let shows_all = now.home.as_ref().is_none_or(|home| home.form.shows_all());
    if !shows_all {
        now.folders.retain(|folder| !folder.archive);
    }
    let listed = now.folders.len();
    let archive = now.folders.iter().any(|folder| folder.archive);
    let unshown = |folder: &&Folder| match folder.archive {
        true => !archive,
        false => !shows_all && !mail(folder) && !now.folders.iter().any(|shown| same(&shown.id, &folder.id)),
    };
    let kept: Vec<Folder> = known.folders.iter().filter(unshown).cloned().collect();
    now.folders.extend(kept);
    listed
}

/// Whether a folder is made for mail.
fn mail(folder: &Folder) -> bool {
    const MAIL: &str = "IPF.Note";
    folder.class.as_deref().is_none_or(|class| class.strip_prefix(MAIL).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// One mailbox's way home.
pub struct Homecoming<'a> {
    pub pipeline: &'a Pipeline,
    pub mailbox: &'a Mailbox,
    pub ledger: &'a dyn Ledger,
    /// As saved.
    pub known: &'a Hierarchy,
    /// As just listed.
    pub now: &'a Hierarchy,
    /// How many of its folders were listed, rather than kept.
    pub listed: usize,
    /// Those of them that are read.
    pub wanted: &'a [Folder],
}

impl Homecoming<'_> {
    /// Makes sure that the ledger is of this mailbox and in this form. Returns the switch to be saved with the present folders if one was made: every
    /// folder is to be listed from the start then. On an error nothing is lost, and the next round goes on from there.
    pub async fn settle(&self) -> Result<Option<Switch>, Trouble> {
        if let Some(home) = &self.now.home {
            self.ledger.speaks(home.form).await?;
        }
        match course(self.known, self.now) {
            Course::GoOn => Ok(None),
            Course::Ask if self.ledger.residents().await?.foreign == 0 => Ok(None),
            Course::Prove => self.prove().await.map(|()| None),
            Course::Ask | Course::Switch => self.switch().await.map(Some),
        }
    }

    async fn prove(&self) -> Result<(), Trouble> {
        let sample = self.ledger.sample(false, PROBED).await?;
        if sample.is_empty() || self.any_found(&sample).await? || self.any_recognised().await? {
            return Ok(());
        }
        Err(self.refusal(sample.len(), "is in the mailbox that the server shows under this address").into())
    }

    async fn switch(&self) -> Result<Switch, Trouble> {
        let mut sample = self.ledger.sample(true, TRANSLATED).await?;
        sample.retain(|resident| !self.set_aside(resident));
        let translated = self.translate(&sample).await?;
        if !self.akin(&sample) && !self.lives(&translated).await? {
            let own = self.ledger.sample(false, PROBED).await?;
            let sampled = sample.len() + own.len();
            if sampled > 0 && !self.any_found(&own).await? {
                return Err(self.refusal(sampled, "is known to the interface that the mailbox is now read through").into());
            }
        }
        let begun = Switch { at: Utc::now(), over: false };
        if self.known.switch.is_none_or(|switch| switch.over) {
            let unfinished = Hierarchy { switch: Some(begun), ..self.known.clone() };
            self.pipeline.checkpoints.save_hierarchy(self.mailbox, &unfinished).await?;
        }
        // Cursors are of the interface that gave them. And whatever is taken for gone below is found again only by listings from the start.
        for folder in self.known.folders.iter().chain(&self.now.folders).filter(|folder| !self.kept(&folder.id)) {
            self.pipeline.checkpoints.forget(self.mailbox, &folder.id).await?;
        }
        self.readdress(translated).await?;
        self.readdress_the_rest().await?;
        let gone = self.give_up_the_rest().await?;
        let found = self.ledger.residents().await?.own;
        let known = found + gone;
        if known > 0 {
            self.pipeline.events.tell(Event::MailboxSwitched { mailbox: self.mailbox.address.clone(), known, found });
        }
        Ok(Switch { at: Utc::now(), over: true })
    }

    /// Whether a folder was kept rather than listed.
    fn kept(&self, folder: &FolderId) -> bool {
        self.now.folders.iter().skip(self.listed).any(|kept| kept.id == *folder)
    }

    /// What this interface does not show stays as it is known.
    fn set_aside(&self, resident: &Resident) -> bool {
        let form = self.now.home.as_ref().map(|home| home.form).unwrap_or_default();
        self.kept(&resident.folder) || !form.shows(resident.listed.class.as_deref())
    }

    /// Whether some of these messages are there by their new ids. A translation alone proves nothing: a form that differs in letters only can be
    /// given to any id.
    async fn lives(&self, translated: &[(Resident, ItemId)]) -> Result<bool, Trouble> {
        let renamed: Vec<Resident> = translated
            .iter()
            .step_by(translated.len().div_ceil(PROBED).max(1))
            .map(|(resident, id)| Resident {
                listed: Listed { id: id.clone(), ..resident.listed.clone() },
                folder: self.counterpart(&resident.folder).id,
                ..resident.clone()
            })
            .collect();
        self.any_found(&renamed).await
    }

    /// Whether folders tell that this is the mailbox: their ids stay when the interface changes, though for two characters.
    fn akin(&self, sample: &[Resident]) -> bool {
        let roots = self.known.home.as_ref().zip(self.now.home.as_ref());
        roots.is_some_and(|(known, now)| same(&known.root, &now.root))
            || sample.iter().any(|resident| self.now.folders.iter().any(|folder| same(&folder.id, &resident.folder)))
    }

    /// Whether messages in its fullest folders are known by their search keys, as after a migration that gave everything new ids.
    async fn any_recognised(&self) -> Result<bool, Trouble> {
        let mut folders: Vec<&Folder> = self.now.folders.iter().take(self.listed).collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.total));
        for folder in folders.into_iter().take(FULLEST) {
            let page = match self.pipeline.exchange.page(self.mailbox, folder, None, PROBED).await {
                Ok(page) => page,
                Err(error) if matches!(error.verdict, Verdict::FolderGone | Verdict::SkipFolder) => continue,
                Err(error) => return Err(error.into()),
            };
            let listed = page.changes.into_iter().filter_map(|change| match change {
                Change::Created(listed) | Change::Updated(listed) => Some(listed),
                Change::ReadChanged { .. } | Change::Deleted(_) => None,
            });
            let described = self.pipeline.exchange.describe(self.mailbox, folder, listed.collect()).await?;
            let changes: Vec<Change> = described.into_iter().map(Change::Created).collect();
            let decisions = self.ledger.identify(folder, &changes).await?;
            if decisions.iter().any(|decision| !matches!(decision, Decision::Fetch { .. } | Decision::Known | Decision::Nothing)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn any_found(&self, sample: &[Resident]) -> Result<bool, Trouble> {
        let mut folders: BTreeMap<&FolderId, Vec<Listed>> = BTreeMap::new();
        for resident in sample {
            folders.entry(&resident.folder).or_default().push(resident.listed.clone());
        }
        let mut folders: Vec<_> = folders.into_iter().collect();
        folders.sort_by_key(|(_, items)| std::cmp::Reverse(items.len()));
        for (folder, items) in folders {
            match self.pipeline.exchange.lookup(self.mailbox, &self.place(folder), &items).await {
                Ok(found) if found.iter().any(|found| matches!(found, Lookup::Found(_))) => return Ok(true),
                Ok(_) => {}
                Err(error) if matches!(error.verdict, Verdict::FolderGone | Verdict::SkipFolder) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// Those that the interface knows, each with its new id.
    async fn translate(&self, residents: &[Resident]) -> Result<Vec<(Resident, ItemId)>, Trouble> {
        let mut found = Vec::new();
        let mut forms: Vec<_> = residents.iter().map(|resident| resident.form).collect();
        forms.sort_by_key(|form| *form as u8);
        forms.dedup();
        for form in forms {
            let of_form: Vec<&Resident> = residents.iter().filter(|resident| resident.form == form).collect();
            let ids: Vec<ItemId> = of_form.iter().map(|resident| resident.listed.id.clone()).collect();
            let new = self.pipeline.exchange.translate(self.mailbox, &ids, form).await?;
            found.extend(of_form.into_iter().zip(new).filter_map(|(resident, id)| Some((resident.clone(), id?))));
        }
        Ok(found)
    }

    /// Writes down new ids, each message in the folder that corresponds to its old one.
    async fn readdress(&self, translated: Vec<(Resident, ItemId)>) -> Result<(), Trouble> {
        let mut folders: HashMap<FolderId, (Folder, Vec<Entry>)> = HashMap::new();
        for (resident, id) in translated {
            let (_, entries) = folders.entry(resident.folder).or_insert_with_key(|old| (self.counterpart(old), Vec::new()));
            entries.push(Entry::Readdressed { key: resident.key, id });
        }
        for (folder, entries) in folders.into_values() {
            self.record(&folder, entries).await?;
        }
        Ok(())
    }

    async fn readdress_the_rest(&self) -> Result<(), Trouble> {
        let mut place = Place::default();
        loop {
            let mut residents = self.ledger.foreign(place, TRANSLATED).await?;
            let Some(last) = residents.last() else { return Ok(()) };
            place = last.place;
            residents.retain(|resident| !self.set_aside(resident));
            let translated = self.translate(&residents).await?;
            self.readdress(translated).await?;
        }
    }

    /// What could not be translated has left its folder: deleted, or moved, and then a listing finds it. Of folders that are not read nothing is
    /// said. Returns how many there were.
    async fn give_up_the_rest(&self) -> Result<u64, Trouble> {
        let (mut place, mut gone) = (Place::default(), 0);
        let mut read: HashMap<FolderId, bool> = HashMap::new();
        loop {
            let residents = self.ledger.foreign(place, SWEEP).await?;
            let Some(last) = residents.last() else { return Ok(gone) };
            place = last.place;
            let mut folders: HashMap<FolderId, Vec<Entry>> = HashMap::new();
            for resident in residents.into_iter().filter(|resident| !self.set_aside(resident)) {
                let read = *read.entry(resident.folder.clone()).or_insert_with_key(|old| {
                    let now = self.counterpart(old).id;
                    self.wanted.iter().any(|wanted| wanted.id == now)
                });
                if !read {
                    continue;
                }
                let departure = Entry::Deleted { key: resident.key, id: resident.listed.id };
                folders.entry(resident.folder).or_default().push(departure);
            }
            for (folder, entries) in folders {
                gone += entries.len() as u64;
                self.record(&self.place(&folder), entries).await?;
            }
        }
    }

    async fn record(&self, folder: &Folder, entries: Vec<Entry>) -> Result<(), Trouble> {
        let changes = self.ledger.commit(folder, entries).await? as u64;
        self.pipeline.events.tell(Event::ChangesRecorded { mailbox: self.mailbox.address.clone(), folder: None, changes });
        Ok(())
    }

    /// The present folder that an old one is now: by its id, by what it is for, or by its path; the old one itself if there is none.
    fn counterpart(&self, old: &FolderId) -> Folder {
        let now = self.now.folders.get(..self.listed).unwrap_or_default();
        let was = self.place(old);
        let by_id = now.iter().find(|folder| same(&folder.id, old));
        let alike = |folder: &&Folder| folder.archive == was.archive;
        let by_use = || now.iter().filter(alike).find(|folder| was.well_known.is_some() && folder.well_known == was.well_known);
        let by_path = || now.iter().filter(alike).find(|folder| !was.path.is_empty() && folder.path == was.path);
        by_id.or_else(by_use).or_else(by_path).cloned().unwrap_or(was)
    }

    /// A folder as it is known by its old id; a nameless one where the saved folders were lost.
    fn place(&self, id: &FolderId) -> Folder {
        let nameless = || Folder::bare(id.clone(), Vec::new());
        self.known.folders.iter().chain(&self.now.folders).find(|folder| folder.id == *id).cloned().unwrap_or_else(nameless)
    }

    fn refusal(&self, sampled: usize, what: &str) -> exchange::Error {
        exchange::Error {
            verdict: Verdict::StopMailbox,
            attempt: format!("going on with the state of {}", self.mailbox.address),
            code: None,
            cause: format!("none of the {sampled} messages sampled from its catalog {what}: it is another mailbox"),
            hint: Some(
                "correct the address or the tenant in the configuration; to copy this mailbox from the start, give it another bucket or set \
                 the mailbox's folders under data/ and state/ aside"
                    .to_owned(),
            ),
        }
    }
}

/// Whether two ids are the same but for their form: Graph writes `-` and `_` for the `/` and `+` of EWS.
fn same(a: &FolderId, b: &FolderId) -> bool {
    let plain = |byte: u8| match byte {
        b'/' => b'-',
        b'+' => b'_',
        other => other,
    };
    a.0.len() == b.0.len() && a.0.bytes().map(plain).eq(b.0.bytes().map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Home, IdForm};

    fn hierarchy(home: Option<(IdForm, &str)>, unfinished: bool) -> Hierarchy {
        let home = home.map(|(form, root)| Home { form, root: FolderId(root.into()) });
        Hierarchy { home, switch: unfinished.then(|| Switch { at: Utc::now(), over: false }), ..Hierarchy::default() }
    }

    #[test]
    fn what_the_homes_ask_for() {
        let (ews, graph) = (Some((IdForm::Ews, "a")), Some((IdForm::GraphImmutable, "a")));
        for (known, now, unfinished, expected) in [
            (None, None, false, Course::GoOn),
            (ews, None, false, Course::GoOn),
            (ews, ews, false, Course::GoOn),
            (None, ews, false, Course::Ask),
            (ews, Some((IdForm::Ews, "b")), false, Course::Prove),
            (ews, graph, false, Course::Switch),
            (graph, Some((IdForm::GraphRest, "a")), false, Course::Switch),
            (ews, ews, true, Course::Switch),
        ] {
            assert_eq!(course(&hierarchy(known, unfinished), &hierarchy(now, false)), expected, "{known:?} {now:?} {unfinished}");
        }
    }

    #[test]
    fn what_is_not_shown_is_kept() {
        let folder = |id: &str, class: Option<&str>, archive| {
            let class = class.map(str::to_owned);
            Folder { class, archive, ..Folder::bare(FolderId(id.into()), vec![id.into()]) }
        };
        let known = Hierarchy {
            folders: vec![
                folder("inbox/", Some("IPF.Note"), false),
                folder("gone", Some("IPF.Note.Sub"), false),
                folder("bare", None, false),
                folder("contacts", Some("IPF.Contact"), false),
                folder("imap+", Some("IPF.Imap"), false),
                folder("old", Some("IPF.Note"), true),
            ],
            ..hierarchy(Some((IdForm::Ews, "a")), false)
        };
        for (form, shown, expected) in [
            (
                IdForm::GraphImmutable,
                vec![folder("inbox-", None, false), folder("imap_", None, false)],
                vec!["inbox-", "imap_", "contacts", "old"],
            ),
            (
                IdForm::GraphImmutable,
                vec![known.folders[5].clone(), folder("inbox-", None, false)],
                vec!["inbox-", "contacts", "imap+", "old"],
            ),
            (IdForm::Ews, vec![known.folders[0].clone()], vec!["inbox/", "old"]),
            (IdForm::Ews, vec![folder("new", None, true)], vec!["new"]),
        ] {
            let mut now = Hierarchy { folders: shown, ..hierarchy(Some((form, "a")), false) };
            let listed = keep_unshown(&known, &mut now);
            let ids: Vec<&str> = now.folders.iter().map(|folder| folder.id.0.as_str()).collect();
            assert_eq!(ids, expected, "{form:?}");
            assert!(now.folders[..listed].iter().all(|folder| form == IdForm::Ews || folder.class.is_none()));
        }
    }

    #[test]
    fn ids_are_the_same_but_for_two_characters() {
        let same = |a: &str, b: &str| same(&FolderId(a.into()), &FolderId(b.into()));
        assert!(same("AQ/k+z==", "AQ-k_z==") && same("AQ-k_z==", "AQ/k+z=="));
        assert!(!same("AQ/k", "AQ_k") && !same("AQ", "AQ=") && !same("aq", "AQ"));
    }
}
