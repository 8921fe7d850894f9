//! What fills the body, and how it is looked at.
//!
//! ```text
//!  1 Mailboxes 120   2 Log   3 Quarantine 12   4 Charts          worst first · filter ann (12) · FROZEN
//! ```

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, text::Span, widgets::Widget};

use super::{
    strip::{piece, strip},
    table,
};
use crate::{
    app::{App, Tab},
    figures::count,
    keymap::Command,
    mask,
    safe::visible,
    screen::Spot,
    status::Level,
    theme::Role,
};

fn names(app: &App) -> [(Tab, Command, String); 4] {
    let head = app.fleet().head(app.now());
    let quarantined = match head.totals.quarantined {
        0 => String::new(),
        n => format!(" {}", count(n)),
    };
    [
        (Tab::Mailboxes, Command::Mailboxes, format!("Mailboxes {}", count(head.totals.mailboxes))),
        (Tab::Logs, Command::Logs, "Log".into()),
        (Tab::Quarantine, Command::Quarantine, format!("Quarantine{quarantined}")),
        (Tab::Charts, Command::Charts, "Charts".into()),
    ]
}

/// The words of each tab as they stand there.
fn words(app: &App) -> Vec<(Tab, Command, String)> {
    let key = |command| app.keymap().key(command).map(|key| format!("{key} ")).unwrap_or_default();
    names(app).into_iter().map(|(tab, command, name)| (tab, command, format!(" {}{name} ", key(command)))).collect()
}

/// Draws them above a body, which may be narrower, or not be seen at all.
pub(super) fn draw(app: &App, area: Rect, body: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    buffer.set_style(area, theme.style(Role::Selected).remove_modifier(Modifier::REVERSED));
    let tab = |(tab, _, words): (Tab, Command, String)| -> Span<'static> {
        match tab == app.tab {
            true => Span::styled(words, theme.style(Role::Accent).add_modifier(Modifier::BOLD | Modifier::REVERSED)),
            false => theme.span(words, Role::Dim),
        }
    };
    let tabs = words(app).into_iter().map(tab).collect();
    let mut right = Vec::new();
    let mut say = |weight, text: String, role| right.push(piece(weight, [vec![theme.span(text, role)]]));
    if let Some(speed) = app.fleet().instances.iter().find_map(|instance| instance.replay) {
        say(9, format!("REPLAY ×{speed}"), Role::Warn);
    }
    if app.frozen() {
        say(8, "FROZEN".into(), Role::Warn);
    }
    if app.mask() {
        say(3, "masked".into(), Role::Dim);
    }
    let (filter, found) = match app.tab {
        Tab::Logs => (app.logs.filter.as_str(), app.logs.lines.len()),
        Tab::Mailboxes if app.table.folders => (app.table.filter.as_str(), app.table.rows.len()),
        Tab::Mailboxes => (app.table.filter.as_str(), app.table.mailboxes),
        Tab::Quarantine | Tab::Charts => ("", 0),
    };
    if !filter.is_empty() {
        say(7, format!("filter “{}” {}", visible(&mask::typed(filter, app.mask())), count(found as u64)), Role::Accent);
    }
    match app.tab {
        Tab::Mailboxes => {
            if app.table.folders {
                say(5, "all folders".into(), Role::Dim);
            }
            let reverse = if app.table.reverse { ", reversed" } else { "" };
            say(4, format!("{}{reverse}", app.table.order.name()), Role::Dim);
            if let Some(points) = table::sparks(app, body) {
                say(2, format!("sparks {}", app.scale.span(points)), Role::Dim);
            }
        }
        Tab::Logs => {
            say(4, level(app).into(), Role::Dim);
            if let Some((_, only)) = &app.logs.only {
                say(6, format!("only {}", visible(&mask::shown(only, app.mask()))), Role::Accent);
            }
            say(5, if app.logs.follow { "following" } else { "standing still" }.into(), Role::Dim);
        }
        Tab::Quarantine | Tab::Charts => {}
    }
    strip(area.width.saturating_sub(1), 2, vec![piece(10, [tabs])], right).render(area, buffer);
}

/// Which lines of the log are shown.
pub(super) fn level(app: &App) -> &'static str {
    match app.logs.level {
        Level::Error => "errors",
        Level::Warn => "warnings and errors",
        Level::Info => "without details",
        Level::Debug => "all",
    }
}

/// The tab at a column.
pub(super) fn spot(app: &App, x: u16) -> Spot {
    let mut end = 0;
    for (_, command, words) in words(app) {
        end += crate::safe::width(&words);
        if usize::from(x) < end {
            return Spot::Tab(command);
        }
    }
    Spot::Nothing
}
