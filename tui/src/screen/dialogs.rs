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

/// What is asked: a title, the text, and keys with what they answer.
type Question = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

fn words(confirm: Confirm) -> Question {
    match confirm {
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
    }
}

/// The question where there is no room for a window.
pub(super) fn in_a_line(confirm: Confirm) -> String {
    let (title, _, keys) = words(confirm);
    let keys: Vec<_> = keys.iter().map(|(key, word)| format!("{key}: {word}")).collect();
    format!("{title} {}", keys.join(", "))
}

fn question(app: &App, confirm: Confirm, area: Rect, buffer: &mut Buffer) {
    let (title, text, keys) = words(confirm);
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

/// Columns of the keys, and of a key with its words.
const KEYS: usize = 12;
const ENTRY: u16 = 48;

fn help(app: &App, line: usize, area: Rect, buffer: &mut Buffer) {
    let entries: Vec<Line> = Command::ALL
        .iter()
        .filter_map(|command| {
            let keys = app.keymap().keys(*command).join("  ");
            let keys = if keys.is_empty() { return None } else { app.theme.span(fit(&keys, KEYS), Role::Accent) };
            Some(Line::from(vec![keys, app.theme.span(format!(" {}", command.what()), Role::Plain)]))
        })
        .collect();
    // Two columns where there is room for them.
    let columns = if area.width >= 2 * ENTRY + 4 { 2 } else { 1 };
    let lines = entries.len().div_ceil(columns);
    let inner = window(app, "Keys", (ENTRY * columns as u16, lines as u16), area, buffer);
    let first = line.min(lines.saturating_sub(usize::from(inner.height)));
    for (column, entries) in entries.chunks(lines.max(1)).enumerate() {
        let x = inner.x + ENTRY * column as u16;
        for (entry, y) in entries.iter().skip(first).zip(inner.top()..inner.bottom()) {
            entry.render(Rect { x, y, width: ENTRY.min(inner.width), height: 1 }, buffer);
        }
    }
    if first + usize::from(inner.height) < lines {
        let more = app.keymap().key(Command::Down).unwrap_or_default();
        let text = app.theme.span(format!(" {more} for more "), Role::Dim);
        let width = text.width() as u16;
        text.render(Rect { x: inner.right().saturating_sub(width), y: inner.bottom(), width, height: 1 }, buffer);
    }
}
