//! Messages that could not be read or stored, newest first, and all that is known of the selected one.
//!
//! ```text
//!     WHEN             MAILBOX           FOLDER          TRIES  CODE
//! ›   Mon 08:12        ann@example.com   Inbox/Reports       3  ErrorItemCorrupt
//! ──────────────────────────────────────────────────────────────────────────────
//!   key   1f0c…        the key, whole, so that it can be copied
//!   item  AAMk…
//!   ErrorItemCorrupt: the server's words
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Paragraph, Widget, Wrap},
};

use crate::{
    app::App,
    figures::count,
    mask,
    safe::{clip, fit, right, tail, visible},
    status::Quarantined,
    theme::Role,
};

/// Lines below the list.
const BELOW: u16 = 7;

/// Notes that stand above the rows at most.
const NOTES: usize = 3;

/// The part of the area that the rows have.
pub(super) fn list(app: &App, area: Rect) -> Rect {
    let below = if area.height > BELOW + 3 { BELOW } else { 0 };
    let above = 1 + notes(app).len() as u16;
    Rect { y: area.y + above, height: area.height.saturating_sub(below + above), ..area }
}

/// What is to be known of the list as a whole: that it is asked for, cannot be had, or is not all.
fn notes(app: &App) -> Vec<(String, Role)> {
    let (quarantine, instances) = (&app.quarantine, &app.fleet().instances);
    let mut notes = Vec::new();
    for (source, answer) in quarantine.answers.iter().enumerate() {
        let name =
            instances.get(source).filter(|_| instances.len() > 1).map(|instance| format!("{}: ", instance.name())).unwrap_or_default();
        match answer {
            Some(Err(words)) => notes.push((format!("{name}the list cannot be had: {words}"), Role::Warn)),
            Some(Ok(true)) => {
                let told = quarantine.items.iter().filter(|(of, _)| *of == source).count() as u64;
                notes.push((format!("{name}there are more than these {}; `quarantine list` has all", count(told)), Role::Warn));
            }
            Some(Ok(false)) | None => {}
        }
    }
    notes.truncate(NOTES);
    if quarantine.items.is_empty() {
        if quarantine.answers.iter().any(Option::is_none) {
            notes.push(("it is asked for…".to_owned(), Role::Dim));
        } else if notes.is_empty() {
            notes.push(("nothing is in quarantine".to_owned(), Role::Good));
        }
    }
    notes
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let (theme, items, rows) = (app.theme, &app.quarantine.items, list(app, area));
    let columns = Columns::new(app, area.width);
    theme.span(columns.row("  ", ["WHEN", "MAILBOX", "FOLDER", "TRIES", "CODE"]), Role::Dim).render(Rect { height: 1, ..area }, buffer);
    for ((text, role), y) in notes(app).into_iter().zip(area.y + 1..area.bottom()) {
        let text = clip(&format!("    {}", visible(&mask::shown(&text, app.mask()))), usize::from(area.width));
        theme.span(text, role).render(Rect { y, height: 1, ..area }, buffer);
    }
    for (place, y) in (app.quarantine.list.offset..items.len()).zip(rows.y..rows.bottom()) {
        let line = Rect { y, height: 1, ..rows };
        let selected = place == app.quarantine.list.cursor;
        if selected {
            buffer.set_style(line, theme.style(Role::Selected));
        }
        let (_, item) = &items[place];
        let shown = |text: &str| visible(&mask::shown(text, app.mask())).into_owned();
        let folder = tail(&shown(&item.folder.join("/")), columns.folder);
        let (at, tries) = (app.settings.zone.wall(item.at, app.now()), item.attempts.to_string());
        let cells = [&at, &shown(&item.mailbox), &folder, &tries, &shown(&item.code)];
        let text = columns.row(if selected { "› " } else { "  " }, cells.map(String::as_str));
        Line::from(theme.span(text, Role::Plain)).render(line, buffer);
    }
    if rows.bottom() < area.bottom()
        && let Some((_, item)) = items.get(app.quarantine.list.cursor)
    {
        whole(app, item, Rect { y: rows.bottom(), height: area.bottom() - rows.bottom(), ..area }, buffer);
    }
}

/// All that is known of a message.
fn whole(app: &App, item: &Quarantined, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    theme.span("─".repeat(usize::from(area.width)), Role::Faint).render(Rect { height: 1, ..area }, buffer);
    let shown = |text: &str| visible(&mask::shown(text, app.mask())).into_owned();
    let named = |name: &str, text: String| Line::from(vec![theme.span(format!("{name:<8}"), Role::Dim), theme.span(text, Role::Plain)]);
    let lines = vec![
        named("key", shown(&item.key)),
        named("item", shown(&item.item)),
        named("folder", format!("{}  {}", shown(&item.mailbox), shown(&item.folder.join("/")))),
        Line::from(theme.span(format!("{}: {}", shown(&item.code), shown(&item.words)), Role::Warn)),
    ];
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(1) };
    Paragraph::new(lines).wrap(Wrap { trim: false }).render(inner, buffer);
}

/// Widths of the columns that vary.
struct Columns {
    mailbox: usize,
    folder: usize,
    code: usize,
}

impl Columns {
    fn new(app: &App, width: u16) -> Self {
        let room = usize::from(width).saturating_sub(2 + 12 + 5 + 4 * 2);
        let mailbox = app.table.names.clamp(12, (room / 3).max(12));
        let code = (room - mailbox.min(room)) / 2;
        Self { mailbox, folder: room.saturating_sub(mailbox + code), code }
    }

    fn row(&self, mark: &str, [at, mailbox, folder, tries, code]: [&str; 5]) -> String {
        format!(
            "{mark}{}  {}  {}  {}  {}",
            fit(at, 12),
            fit(mailbox, self.mailbox),
            fit(folder, self.folder),
            right(tries, 5),
            clip(code, self.code)
        )
    }
}
