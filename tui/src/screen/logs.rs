//! What happened, newest last.
//!
//! ```text
//! 08:12:09  ▲ warn   ann@example.com       the server asked for a wait of 42 s
//! 08:12:10  · info                         round 12 of 40 mailboxes begun
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Paragraph, Widget, Wrap},
};

use crate::{
    app::App,
    mask,
    safe::{clip, fit, tail, visible, width},
    status::LogLine,
    theme::{self, Role},
};

/// Lines below the list in which the selected one is seen whole.
const WHOLE: u16 = 3;

/// The part of the area that the list has.
pub(super) fn list(app: &App, area: Rect) -> Rect {
    // Who follows looks at all of it; who stands still at one line.
    let below = if app.in_log() && !app.logs.follow && area.height > 3 * WHOLE { WHOLE + 1 } else { 0 };
    Rect { height: area.height.saturating_sub(below), ..area }
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let logs = &app.logs;
    let list = list(app, area);
    if logs.lines.is_empty() {
        let text = if logs.filter.is_empty() { "    nothing to tell" } else { "    nothing passes the filter" };
        app.theme.span(text, Role::Dim).render(Rect { height: 1, ..list }, buffer);
    }
    for (place, y) in (logs.list.offset..logs.lines.len()).zip(list.y..list.bottom()) {
        let Some((source, line)) = logs.line(app.fleet(), place) else { continue };
        let row = Rect { y, height: 1, ..list };
        let selected = place == logs.list.cursor && app.in_log() && !logs.follow;
        if selected {
            buffer.set_style(row, app.theme.style(Role::Selected));
        }
        let mut spans = head(app, source, line, selected);
        let taken: usize = spans.iter().map(Span::width).sum();
        let text = visible(&mask::shown(&line.text, app.mask())).into_owned();
        spans.push(app.theme.span(clip(&text, usize::from(area.width).saturating_sub(taken)), theme::level(line.level).2));
        Line::from(spans).render(row, buffer);
    }
    if list.height < area.height
        && let Some((_, line)) = logs.line(app.fleet(), logs.list.cursor)
    {
        let rule = Rect { y: list.bottom(), height: 1, ..area };
        app.theme.span("─".repeat(usize::from(area.width)), Role::Faint).render(rule, buffer);
        let whole = Rect { x: area.x + 2, y: list.bottom() + 1, width: area.width.saturating_sub(4), height: WHOLE };
        let text = visible(&mask::shown(&line.text, app.mask())).into_owned();
        Paragraph::new(text).wrap(Wrap { trim: true }).render(whole, buffer);
    }
}

/// When, how grave, of whom.
fn head(app: &App, source: usize, line: &LogLine, selected: bool) -> Vec<Span<'static>> {
    let theme = app.theme;
    let (sign, word, role) = theme::level(line.level);
    let shown = |text: &str| visible(&mask::shown(text, app.mask())).into_owned();
    let mut spans = vec![
        theme.span(if selected { "› " } else { "  " }, Role::Accent),
        theme.span(app.settings.zone.format(line.at, "%H:%M:%S  "), Role::Dim),
        theme.span(format!("{sign} {word:<5}  "), role),
    ];
    let instances = &app.fleet().instances;
    if instances.len() > 1 {
        let columns = instances.iter().map(|instance| width(instance.name())).max().unwrap_or(0).min(16);
        spans.push(theme.span(fit(&tail(&shown(instances[source].name()), columns), columns) + "  ", Role::Dim));
    }
    let columns = app.table.names.clamp(8, 32);
    spans.push(theme.span(fit(&shown(line.mailbox.as_deref().unwrap_or_default()), columns) + "  ", Role::Dim));
    spans
}
