//! What a row says in each of its columns.

use chrono::{DateTime, Utc};
use ratatui::text::Span;

use super::{columns::Column, meter};
use crate::{
    app::{App, Row},
    figures::{brief, bytes, clock, count, length, percent, rate, until},
    fleet::{Instance, POINTS, Track, stalled},
    mask,
    safe::{clip, tail, visible},
    status::{Figures, Folder, FolderState, Mailbox, MailboxState},
    theme::{self, Role},
};

/// A row, looked up.
pub(super) struct Subject<'a> {
    app: &'a App,
    instance: &'a Instance,
    row: &'a Row,
    mailbox: &'a Mailbox,
    folder: Option<&'a Folder>,
    track: Option<&'a Track>,
    /// What time it is at the appliance.
    clock: DateTime<Utc>,
    /// Whether no folder of the same mailbox follows.
    last: bool,
}

impl<'a> Subject<'a> {
    pub(super) fn new(app: &'a App, row: &'a Row, last: bool) -> Option<Self> {
        let instance = app.fleet().instances.get(row.source)?;
        let mailbox = instance.status.mailboxes.get(&*row.mailbox)?;
        let tracks = instance.tracks.get(&row.mailbox);
        let (folder, track) = match &row.folder {
            Some(id) => (Some(mailbox.folders.get(&**id)?), tracks.and_then(|tracks| tracks.folders.get(id))),
            None => (None, tracks.map(|tracks| &tracks.stored)),
        };
        Some(Self { app, instance, row, mailbox, folder, track, clock: instance.clock(app.now()), last })
    }

    pub(super) fn gone(&self) -> bool {
        self.instance.gone()
    }

    /// The sign, the word and the look of its state.
    pub(super) fn state(&self) -> (&'static str, &'static str, Role) {
        match self.folder {
            Some(folder) => theme::folder(folder.state),
            None if self.instance.over() => theme::left(self.mailbox),
            None if stalled(self.mailbox, self.clock) => theme::STALLED,
            None => theme::mailbox(self.mailbox.state),
        }
    }

    fn figures(&self) -> &Figures {
        self.folder.map_or(&self.mailbox.figures, |folder| &folder.figures)
    }

    fn shown(&self, text: &str) -> String {
        visible(&mask::shown(text, self.app.mask())).into_owned()
    }

    pub(super) fn cell(&self, column: Column, width: usize) -> Vec<Span<'static>> {
        let theme = self.app.theme;
        let one = |text: String, role| vec![theme.span(text, role)];
        let figures = self.figures();
        match column {
            Column::Name => self.name(width),
            Column::Instance if self.folder.is_some() && !self.app.table.folders => one(String::new(), Role::Plain),
            // Pods and ports differ at the end.
            Column::Instance => one(tail(&self.shown(self.instance.name()), width), Role::Dim),
            Column::State => one(self.state().1.into(), self.state().2),
            Column::Percent => match self.percent() {
                Some(100) => one("100%".into(), Role::Good),
                Some(percent) => one(format!("{percent}%"), Role::Plain),
                None => one(String::new(), Role::Plain),
            },
            Column::Bar if self.quiet() => one(String::new(), Role::Plain),
            Column::Bar => meter::bar(theme, self.part(), width, if self.gone() { Role::Dim } else { self.state().2 }),
            Column::Count => self.count(width),
            // How fast it is now nobody knows.
            Column::Rate if self.gone() => one(String::new(), Role::Plain),
            Column::Rate => match self.track.map_or(0.0, |track| track.rate(self.clock)) {
                some if some > 0.0 => one(rate(some), Role::Plain),
                _ => one(String::new(), Role::Plain),
            },
            Column::Spark => {
                let points = self.track.map(|track| track.points(self.app.scale, self.clock, width.min(POINTS)));
                one(points.map(|points| meter::spark(&points)).unwrap_or_default(), Role::Accent)
            }
            Column::Bytes if figures.bytes == 0 => one(String::new(), Role::Plain),
            Column::Bytes => one(bytes(figures.bytes), Role::Dim),
            Column::Lag => one(self.lag().map(length).unwrap_or_default(), Role::Dim),
            Column::Quarantine if self.folder.is_some() || self.mailbox.quarantined == 0 => one(String::new(), Role::Plain),
            Column::Quarantine => one(brief(self.mailbox.quarantined), Role::Warn),
            Column::Budget => self.budget(width),
            Column::Why => self.why(width),
        }
    }

    fn name(&self, width: usize) -> Vec<Span<'static>> {
        let theme = self.app.theme;
        match self.folder {
            None => {
                let role = if stalled(self.mailbox, self.clock) { Role::Warn } else { Role::Plain };
                let mut spans = vec![theme.span(self.shown(&self.row.mailbox), role)];
                if self.app.table.unfolded(self.row) {
                    spans.push(theme.span(" ▾", Role::Faint));
                }
                spans
            }
            Some(folder) => {
                let path = self.shown(&folder.path.join("/"));
                if self.app.table.folders {
                    // The mailbox has at most a third of the room: its name begins what the path ends.
                    let local = self.row.mailbox.split('@').next().unwrap_or_default();
                    let mailbox = if self.app.mask() { self.shown(&self.row.mailbox) } else { self.shown(local) };
                    let mailbox = clip(&mailbox, width / 3) + " ";
                    let path = tail(&path, width.saturating_sub(crate::safe::width(&mailbox)));
                    return vec![theme.span(mailbox, Role::Dim), theme.span(path, Role::Plain)];
                }
                let branch = if self.last { "└ " } else { "├ " };
                vec![theme.span(branch, Role::Faint), theme.span(tail(&path, width.saturating_sub(2)), Role::Plain)]
            }
        }
    }

    /// Not begun, or paused before anything was found.
    fn quiet(&self) -> bool {
        let queued = self.folder.map_or(self.mailbox.state == MailboxState::Queued, |folder| folder.state == FolderState::Queued);
        queued && self.figures().goal() == 0
    }

    /// Whether it was read to its end.
    fn complete(&self) -> bool {
        self.folder.map_or(self.mailbox.complete, |folder| folder.state == FolderState::Done)
    }

    fn listing(&self) -> bool {
        self.folder.map_or(self.mailbox.state == MailboxState::Listing, |folder| folder.state == FolderState::Listing)
    }

    /// What is done of what; none while it is listed for the first time.
    fn part(&self) -> Option<(u64, u64)> {
        meter::part(self.figures(), self.complete(), self.listing())
    }

    fn percent(&self) -> Option<u64> {
        self.part().and_then(|(done, all)| percent(done, all))
    }

    fn count(&self, width: usize) -> Vec<Span<'static>> {
        let theme = self.app.theme;
        let figures = self.figures();
        if self.part().is_none() {
            let text = match format!("{} listed", count(figures.listed)) {
                _ if figures.listed == 0 => String::new(),
                text if text.len() <= width => text,
                _ => format!("{} listed", brief(figures.listed)),
            };
            return vec![theme.span(text, Role::Dim)];
        }
        if figures.goal() == 0 && figures.wanted > 0 {
            return vec![theme.span("nothing stored", Role::Dim)];
        }
        if figures.goal() == 0 {
            return vec![theme.span("nothing new", Role::Faint)];
        }
        let long = format!("{}/{}", count(figures.stored), count(figures.goal()));
        if long.len() <= width {
            return vec![theme.span(count(figures.stored), Role::Plain), theme.span(format!("/{}", count(figures.goal())), Role::Dim)];
        }
        vec![theme.span(brief(figures.stored), Role::Plain), theme.span(format!("/{}", brief(figures.goal())), Role::Dim)]
    }

    /// How far the copy is behind: of a folder as it was told, of a mailbox since nothing was missing.
    fn lag(&self) -> Option<i64> {
        match self.folder {
            Some(folder) => folder.lag.and_then(|lag| i64::try_from(lag).ok()),
            None => self.mailbox.last_complete.map(|at| (self.clock - at).num_seconds()),
        }
    }

    fn budget(&self, width: usize) -> Vec<Span<'static>> {
        let (theme, None, Some(budget)) = (self.app.theme, self.folder, self.mailbox.budget) else { return Vec::new() };
        let role = match percent(budget.used, budget.limit) {
            Some(90..) => Role::Bad,
            Some(70..) => Role::Warn,
            _ => Role::Dim,
        };
        let mut spans = meter::bar(theme, Some((budget.used, budget.limit)), width.saturating_sub(5), role);
        spans.push(theme.span(format!("{:>4}%", percent(budget.used, budget.limit).unwrap_or(0)), role));
        spans
    }

    /// What it waits for and how long still, or what is wrong.
    fn why(&self, width: usize) -> Vec<Span<'static>> {
        let theme = self.app.theme;
        if let Some(folder) = self.folder {
            let error = folder.error.as_ref().map(|error| self.shown(&error.words));
            return vec![theme.span(error.unwrap_or_default(), Role::Bad)];
        }
        let mailbox = self.mailbox;
        let reason = mailbox.reason.as_deref().map(|reason| self.shown(reason));
        let error = mailbox.error.as_ref().map(|error| self.shown(&error.words));
        // Nobody counts down any more where nothing is heard, or goes on.
        let counts = width > 8 && !self.gone() && !self.instance.over();
        let left = mailbox.until.map(|at| format!("{:<5} ", clock(until(at, self.clock)))).filter(|_| counts);
        let two = |left: Option<String>, text: Option<String>, role| {
            vec![theme.span(left.unwrap_or_default(), Role::Strong), theme.span(text.unwrap_or_default(), role)]
        };
        match mailbox.state {
            MailboxState::Waiting => two(left, reason.or(error), Role::Warn),
            MailboxState::Degraded | MailboxState::Stopped => two(left, reason.or(error), Role::Bad),
            MailboxState::Paused => two(None, reason, Role::Dim),
            _ if stalled(mailbox, self.clock) => {
                let last = mailbox.last_progress.max(mailbox.since).unwrap_or(self.clock);
                let still = format!("no progress for {}", length((self.clock - last).num_seconds()));
                let why = reason.or(error).map_or(still.clone(), |why| format!("{still}: {why}"));
                two(None, Some(why), Role::Warn)
            }
            _ if mailbox.failed_folders > 0 => {
                let folders = if mailbox.failed_folders == 1 { "folder" } else { "folders" };
                let error = error.map(|error| format!(": {error}")).unwrap_or_default();
                two(None, Some(format!("{} {folders} failed{error}", mailbox.failed_folders)), Role::Bad)
            }
            _ => match &mailbox.verified {
                Some(verified) if verified.verdict.is_none() => two(None, Some("verifying…".into()), Role::Accent),
                Some(verified) if verified.bad() => two(None, verified.verdict.as_deref().map(|text| self.shown(text)), Role::Bad),
                _ if mailbox.state == MailboxState::Idle && counts => two(left, mailbox.until.map(|_| "next round".into()), Role::Faint),
                Some(verified) => two(None, verified.verdict.as_deref().map(|text| self.shown(text)), Role::Dim),
                None => two(None, error, Role::Dim),
            },
        }
    }
}
