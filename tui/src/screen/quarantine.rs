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
    mask,
    safe::{clip, fit, right, tail, visible},
    status::Quarantined,
    theme::Role,
};

/// Lines below the list.
const BELOW: u16 = 7;

/// The part of the area that the rows have.
pub(super) fn list(area: Rect) -> Rect {
    let below = if area.height > BELOW + 3 { BELOW } else { 0 };
    Rect { y: area.y + 1, height: area.height.saturating_sub(below + 1), ..area }
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let (theme, items, rows) = (app.theme, &app.quarantine.items, list(area));
    let columns = Columns::new(app, area.width);
    theme.span(columns.row("  ", ["WHEN", "MAILBOX", "FOLDER", "TRIES", "CODE"]), Role::Dim).render(Rect { height: 1, ..area }, buffer);
    let refused = app.quarantine.answers.iter().filter_map(|answer| answer.as_ref()?.as_ref().err());
    let notes: Vec<_> = refused.map(|words| (format!("the list cannot be had: {words}"), Role::Warn)).collect();
    let none = match app.quarantine.answers.iter().any(Option::is_none) {
        true => Some(("it is asked for…".to_owned(), Role::Dim)),
        false => (items.is_empty() && notes.is_empty()).then(|| ("nothing is in quarantine".to_owned(), Role::Good)),
    };
    if items.is_empty() {
        for ((text, role), y) in notes.into_iter().chain(none).zip(rows.y + 1..rows.bottom()) {
            theme.span(format!("    {}", visible(&text)), role).render(Rect { y, height: 1, ..rows }, buffer);
        }
    }
    for (place, y) in (app.quarantine.list.offset..items.len()).zip(rows.y..rows.bottom()) {
        let line = Rect { y, height: 1, ..rows };
        let selected = place == app.quarantine.list.cursor;
        if selected {
            buffer.set_style(line, theme.style(Role::Selected));
        }
        let (_, item) = &items[place];
        let shown = |text: &str| visible(&mask::shown(text, app.mask)).into_owned();
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
    let shown = |text: &str| visible(&mask::shown(text, app.mask)).into_owned();
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
