//! All that is known of the selected mailbox.
//!
//! ```text
//! ╭ ann@example.com ─────────────────────────────────╮
//! │ ◔ waiting for 1:12, goes on in 0:42              │
//! │ the server is busy                               │
//! │                                                  │
//! │ messages    12,345 of 40,000                     │
//! │ …                                                │
//! │ LAST REQUESTS                                    │
//! │ 08:12:09   200     42 ms  GET messages/delta     │
//! ╰──────────────────────────────────────────────────╯
//! ```

use chrono::{DateTime, Utc};
use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
    widgets::{Block, BorderType, Paragraph, Widget},
};

use super::meter;
use crate::{
    app::App,
    figures::{bytes, clock, count, length, percent, rate, until},
    fleet::{Instance, POINTS, Track},
    keymap::Command,
    mask,
    safe::{clip, visible, width, wrap},
    status::{FolderState, Mailbox, MailboxState, Request, Verified},
    text::waits,
    theme::{self, Role},
};

/// Columns of a name.
const NAME: usize = 12;

/// Width from which on requests stand beside the rest.
const TWO: u16 = 90;

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let title =
        subject(app).map_or("no mailbox is selected".into(), |(_, address, _)| visible(&mask::shown(address, app.mask())).into_owned());
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(app.theme.style(Role::Faint))
        .title(Line::from(app.theme.span(format!(" {} ", clip(&title, usize::from(area.width).saturating_sub(6))), Role::Accent)));
    block.render(area, buffer);
    let inner = inner(area);
    let Some(subject) = subject(app) else { return };
    let first = if app.in_details() { app.details.first } else { 0 };
    let mut columns = columns(app, &subject, inner).into_iter();
    let (left, right) = (columns.next().unwrap_or_default(), columns.next());
    let cut = left.len().max(right.as_ref().map_or(0, Vec::len)) > first + usize::from(inner.height);
    let shown = |lines: Vec<Line<'static>>| Paragraph::new(lines.into_iter().skip(first).collect::<Vec<_>>());
    match right {
        Some(right) => {
            let half = inner.width / 2;
            shown(left).render(Rect { width: half - 2, ..inner }, buffer);
            shown(right).render(Rect { x: inner.x + half, width: inner.width - half, ..inner }, buffer);
        }
        None => shown(left).render(inner, buffer),
    }
    if cut && let Some(key) = app.keymap().key(if app.in_details() { Command::PageDown } else { Command::Expand }) {
        let text = app.theme.span(format!(" {key} for more "), Role::Dim);
        let width = (text.width() as u16).min(inner.width);
        text.render(Rect { x: inner.right() - width, y: area.bottom() - 1, width, height: 1 }, buffer);
    }
}

/// The selected mailbox, and whose it is.
type Subject<'a> = (&'a Instance, &'a str, &'a Mailbox);

fn subject(app: &App) -> Option<Subject<'_>> {
    let row = app.table.selected()?;
    let instance = app.fleet().instances.get(row.source)?;
    Some((instance, &row.mailbox, instance.status.mailboxes.get(&*row.mailbox)?))
}

/// Within the frame.
fn inner(area: Rect) -> Rect {
    area.inner(Margin::new(2, 1))
}

/// Lines that are shown at once, and lines that there are.
pub(super) fn size(app: &App, area: Rect) -> (usize, usize) {
    let inner = inner(area);
    let lines = subject(app).and_then(|subject| columns(app, &subject, inner).iter().map(Vec::len).max());
    (usize::from(inner.height), lines.unwrap_or(0))
}

/// All that is told: in one column, or where there is room in two.
fn columns(app: &App, (instance, address, mailbox): &Subject<'_>, inner: Rect) -> Vec<Vec<Line<'static>>> {
    let about = About { app, instance, mailbox, clock: instance.clock(app.now()) };
    let two = inner.width >= TWO;
    let columns = usize::from(if two { inner.width / 2 - 2 } else { inner.width });
    let mut lines = about.state(columns);
    lines.extend(about.figures(address, columns));
    let requests = about.requests();
    if two {
        return vec![within(lines, columns), within(requests, usize::from(inner.width - inner.width / 2))];
    }
    lines.push(Line::default());
    lines.extend(requests);
    vec![within(lines, columns)]
}

/// Lines with a mark where they go on beyond so many columns.
fn within(mut lines: Vec<Line<'static>>, columns: usize) -> Vec<Line<'static>> {
    for line in &mut lines {
        let mut room = columns;
        for span in &mut line.spans {
            if width(&span.content) > room {
                span.content = clip(&span.content, room).into();
            }
            room -= width(&span.content);
        }
    }
    lines
}

struct About<'a> {
    app: &'a App,
    instance: &'a Instance,
    mailbox: &'a Mailbox,
    clock: DateTime<Utc>,
}

impl About<'_> {
    fn shown(&self, text: &str) -> String {
        visible(&mask::shown(text, self.app.mask())).into_owned()
    }

    fn ago(&self, at: DateTime<Utc>) -> String {
        format!("{} ago", length((self.clock - at).num_seconds()))
    }

    fn named(&self, name: &str, text: impl Into<String>, role: Role) -> Line<'static> {
        let name = self.app.theme.span(format!("{name:<NAME$}"), Role::Dim);
        Line::from(vec![name, self.app.theme.span(text, role)])
    }

    /// A text that may need several lines.
    fn long(&self, name: &str, text: &str, role: Role, columns: usize) -> Vec<Line<'static>> {
        let lines = wrap(text, columns.saturating_sub(NAME));
        lines.into_iter().enumerate().map(|(at, line)| self.named(if at == 0 { name } else { "" }, line, role)).collect()
    }

    /// A spark over what room there is.
    fn spark(&self, name: &str, figure: String, track: &Track, columns: usize) -> Line<'static> {
        let theme = self.app.theme;
        let room = columns.saturating_sub(NAME + 8 + 8).min(POINTS);
        let mut line = self.named(name, format!("{figure:<8}"), Role::Plain);
        line.push_span(theme.span(meter::spark(&track.points(self.app.scale, self.clock, room)), Role::Accent));
        line.push_span(theme.span(format!("  {}", self.app.scale.span(room)), Role::Faint));
        line
    }

    /// What it is doing, since when, until when, and why.
    fn state(&self, columns: usize) -> Vec<Line<'static>> {
        let (sign, word, role) = theme::mailbox(self.mailbox.state);
        let mut text = format!("{sign} {word}");
        if let Some(since) = self.mailbox.since {
            text += &format!(" for {}", clock((self.clock - since).num_seconds()));
        }
        if let Some(until_when) = self.mailbox.until {
            text += &format!(", goes on in {}", clock(until(until_when, self.clock)));
        }
        let mut lines = vec![Line::from(self.app.theme.span(text, role))];
        if let Some(reason) = &self.mailbox.reason {
            lines.extend(wrap(&self.shown(reason), columns).into_iter().map(|line| Line::from(self.app.theme.span(line, role))));
        }
        lines.push(Line::default());
        lines
    }

    fn figures(&self, address: &str, columns: usize) -> Vec<Line<'static>> {
        let (mailbox, figures) = (self.mailbox, &self.mailbox.figures);
        let part = meter::part(figures, mailbox.complete, mailbox.state == MailboxState::Listing);
        let part = part.and_then(|(done, all)| percent(done, all)).map(|percent| format!("  {percent} %")).unwrap_or_default();
        let mut lines = vec![
            self.named(
                "messages",
                format!("{} of {}{part}  {}", count(figures.stored), count(figures.goal()), bytes(figures.bytes)),
                Role::Strong,
            ),
            self.named(
                "listed",
                format!("{}; {} on the server, {} changes", count(figures.listed), count(figures.items), count(figures.changes)),
                Role::Plain,
            ),
        ];
        if figures.known > 0 {
            lines.push(self.named("known", format!("{} already stored", count(figures.known)), Role::Plain));
        }
        if figures.passed_over > 0 {
            lines.push(self.named("passed over", format!("{} by filters", count(figures.passed_over)), Role::Plain));
        }
        if let Some(tracks) = self.instance.tracks.get(address) {
            let (stored, asked) = (tracks.stored.rate(self.clock), tracks.requests.rate(self.clock));
            lines.push(self.spark("stored", rate(stored), &tracks.stored, columns));
            lines.push(self.spark("asked", rate(asked), &tracks.requests, columns));
        }
        let done = mailbox.folders.values().filter(|folder| folder.state == FolderState::Done).count();
        let failed = if mailbox.failed_folders > 0 { format!(", {} failed", mailbox.failed_folders) } else { String::new() };
        let role = if mailbox.failed_folders > 0 { Role::Bad } else { Role::Plain };
        lines.push(self.named("folders", format!("{} of {} read{failed}", count(done as u64), count(mailbox.folder_count)), role));
        let cursors = mailbox.folders.values().filter_map(|folder| folder.cursor);
        if let (Some(oldest), Some(newest)) = (cursors.clone().min(), cursors.max()) {
            lines.push(self.named("cursors", format!("oldest {}, newest {}", self.ago(oldest), self.ago(newest)), Role::Plain));
        }
        lines.extend(mailbox.in_sink.map(|n| self.named("in sink", count(n), Role::Plain)));
        lines.push(self.named("progress", mailbox.last_progress.map_or("none yet".into(), |at| self.ago(at)), Role::Plain));
        lines.push(self.named("complete", mailbox.last_complete.map_or("not yet".into(), |at| self.ago(at)), Role::Plain));
        if let Some(expires) = self.instance.status.head.token_expires {
            lines.push(self.named("token", format!("good for {}", length(until(expires, self.clock))), Role::Plain));
        }
        lines.extend(self.budget());
        let troubles = format!(
            "{} answered, {} retried, {} {}",
            count(mailbox.requests_answered),
            count(mailbox.retried),
            count(mailbox.throttled),
            waits(mailbox.throttled, mailbox.waited)
        );
        lines.push(self.named("requests", troubles, Role::Plain));
        if mailbox.quarantined > 0 {
            lines.push(self.named("quarantine", count(mailbox.quarantined), Role::Warn));
        }
        if let Some(error) = &mailbox.error {
            let text = format!("{}: {}", self.ago(error.at), self.shown(&error.words));
            lines.extend(self.long("last error", &text, Role::Bad, columns));
        }
        lines.extend(self.verified(columns));
        lines
    }

    fn budget(&self) -> Option<Line<'static>> {
        let budget = self.mailbox.budget?;
        let mut line = Line::from(self.app.theme.span(format!("{:<NAME$}", "budget"), Role::Dim));
        line.spans.extend(meter::bar(self.app.theme, Some((budget.used, budget.limit)), 16, Role::Accent));
        let window = i64::try_from(budget.window).unwrap_or(i64::MAX);
        let text = format!("  {} of {} in {}", count(budget.used), count(budget.limit), length(window));
        line.push_span(self.app.theme.span(text, Role::Plain));
        Some(line)
    }

    fn verified(&self, columns: usize) -> Vec<Line<'static>> {
        match &self.mailbox.verified {
            None => Vec::new(),
            Some(Verified { at, verdict: None, .. }) => {
                vec![self.named("verified", format!("under way, begun {}", self.ago(*at)), Role::Accent)]
            }
            Some(verified @ Verified { at, verdict: Some(verdict), .. }) => {
                let (sign, role) = if verified.bad() { ("✗", Role::Bad) } else { ("✓", Role::Good) };
                self.long("verified", &format!("{sign} {}: {}", self.ago(*at), self.shown(verdict)), role, columns)
            }
        }
    }

    /// The last requests, the newest first.
    fn requests(&self) -> Vec<Line<'static>> {
        let theme = self.app.theme;
        let mut lines = vec![Line::from(theme.span("LAST REQUESTS", Role::Dim))];
        lines.extend(self.mailbox.requests.iter().rev().map(|request| self.request(request)));
        if lines.len() == 1 {
            lines.push(Line::from(theme.span("none yet", Role::Faint)));
        }
        lines
    }

    fn request(&self, request: &Request) -> Line<'static> {
        let theme = self.app.theme;
        let role = match (&request.code, request.status) {
            (None, Some(100..400)) => Role::Good,
            (_, Some(429 | 503)) => Role::Warn,
            _ => Role::Bad,
        };
        let status = request.status.map_or("none".into(), |status| status.to_string());
        let mut spans: Vec<Span> = vec![
            theme.span(self.app.settings.zone.format(request.at, "%H:%M:%S"), Role::Dim),
            theme.span(format!("  {status:>4}"), role),
            theme.span(format!("  {:>9}  ", format!("{} ms", count(request.millis))), Role::Plain),
            theme.span(self.shown(&request.what), Role::Plain),
        ];
        if let Some(code) = &request.code {
            spans.push(theme.span(format!("  {}", self.shown(code)), role));
        }
        Line::from(spans)
    }
}
