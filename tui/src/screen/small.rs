//! What is told where there is no room for a table: the summary, or the question that is open, wrapped.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Paragraph, Widget, Wrap},
};

use super::dialogs;
use crate::{
    Status,
    app::{App, Dialog},
    mask,
    safe::{visible, wrap},
    text,
};

pub(super) fn draw(app: &mut App, area: Rect, buffer: &mut Buffer) {
    if let Some(Dialog::Text { text, line }) = &app.dialog {
        let words: Vec<_> = text.words.iter().map(|(_, words)| visible(&mask::shown(words, app.mask())).into_owned()).collect();
        let lines = wrap(&words.join("  "), usize::from(area.width));
        let first = lines.len().saturating_sub(usize::from(area.height)).min(*line);
        Paragraph::new(lines.into_iter().skip(first).map(Line::from).collect::<Vec<_>>()).render(area, buffer);
        if let Some(Dialog::Text { line, .. }) = &mut app.dialog {
            *line = first;
        }
        return;
    }
    let whole = Status { head: app.fleet().head(app.now()), ..Status::default() };
    let line = match (&app.dialog, &app.notice) {
        (Some(Dialog::Confirm(confirm)), _) => dialogs::in_a_line(*confirm),
        (Some(Dialog::Help(_)), _) => "there is no room for help here".into(),
        (_, Some(notice)) => visible(&notice.text).into_owned(),
        _ => match app.fleet().lost() {
            0 => text::line_in(&whole, app.settings.zone),
            lost => format!("connection lost to {lost} of {}; {}", app.fleet().instances.len(), text::line_in(&whole, app.settings.zone)),
        },
    };
    Paragraph::new(mask::shown(&line, app.mask()).into_owned()).wrap(Wrap { trim: true }).render(area, buffer);
}
