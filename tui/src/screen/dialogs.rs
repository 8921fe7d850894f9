//! Questions and help, over everything else.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Block, BorderType, Clear, Paragraph, Widget},
};

use crate::{
    app::{App, Confirm, Dialog},
    keymap::Command,
    safe::fit,
    theme::Role,
};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    match &app.dialog {
        Some(Dialog::Help(line)) => help(app, *line, area, buffer),
        Some(Dialog::Confirm(confirm)) => question(app, *confirm, area, buffer),
        Some(Dialog::Filter { .. }) | None => {}
    }
}

/// A frame in the middle, with room for so many lines of so many columns.
fn window(app: &App, title: &str, (columns, lines): (u16, u16), area: Rect, buffer: &mut Buffer) -> Rect {
    let (width, height) = ((columns + 4).min(area.width), (lines + 2).min(area.height));
    let window = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(window, buffer);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(app.theme.style(Role::Accent))
        .title(Line::from(app.theme.span(format!(" {title} "), Role::Strong)));
    let inner = block.inner(window);
    block.render(window, buffer);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

fn question(app: &App, confirm: Confirm, area: Rect, buffer: &mut Buffer) {
    let (title, text, keys): (_, &[&str], &[(&str, &str)]) = match confirm {
        Confirm::Stop => (
            "Quit?",
            &["The work runs in this process. To stop finishes", "what is under way and ends; nothing is lost."],
            &[("enter", "stop"), ("d", "detach, the work goes on"), ("esc", "stay")],
        ),
        Confirm::PauseAll { resume: false } => (
            "Pause all?",
            &["No mailbox begins anything more, until all are", "resumed. What is under way is finished."],
            &[("enter", "pause all"), ("esc", "back")],
        ),
        Confirm::PauseAll { resume: true } => ("Resume all?", &["All mailboxes go on."], &[("enter", "resume all"), ("esc", "back")]),
        Confirm::RetryAll => ("Retry all?", &["Everything in quarantine is tried again."], &[("enter", "retry all"), ("esc", "back")]),
    };
    let mut lines: Vec<Line> = vec![Line::default()];
    lines.extend(text.iter().map(|text| Line::from(app.theme.span(*text, Role::Plain))));
    lines.push(Line::default());
    let mut choice = Line::default();
    for (key, word) in keys {
        choice.push_span(app.theme.span(*key, Role::Accent));
        choice.push_span(app.theme.span(format!(" {word}   "), Role::Dim));
    }
    lines.push(choice);
    let inner = window(app, title, (54, lines.len() as u16 + 1), area, buffer);
    Paragraph::new(lines).render(inner, buffer);
}

fn help(app: &App, line: usize, area: Rect, buffer: &mut Buffer) {
    let lines: Vec<Line> = Command::ALL
        .iter()
        .filter_map(|command| {
            let keys = app.keymap().keys(*command).join("  ");
            let keys = if keys.is_empty() { return None } else { app.theme.span(fit(&keys, 14), Role::Accent) };
            Some(Line::from(vec![keys, app.theme.span(command.what(), Role::Plain)]))
        })
        .collect();
    let inner = window(app, "Keys", (84, lines.len() as u16), area, buffer);
    let first = line.min(lines.len().saturating_sub(usize::from(inner.height)));
    Paragraph::new(lines.into_iter().skip(first).collect::<Vec<_>>()).render(inner, buffer);
}
