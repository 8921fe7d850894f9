//! What is told where there is no room for a table: the summary, or the question that is open, wrapped.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Paragraph, Widget, Wrap},
};

use super::dialogs;
use crate::{
    Status,
    app::{App, Dialog},
    mask,
    safe::visible,
    text,
};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let whole = Status { head: app.fleet().head(app.now()), ..Status::default() };
    let line = match (&app.dialog, &app.notice) {
        (Some(Dialog::Confirm(confirm)), _) => dialogs::in_a_line(*confirm),
        (Some(Dialog::Help(_)), _) => "there is no room for help here".into(),
        (Some(Dialog::Text { text, .. }), _) => {
            let words: Vec<_> = text.words.iter().map(|(_, words)| visible(words)).collect();
            words.join("  ")
        }
        (_, Some(notice)) => visible(&notice.text).into_owned(),
        _ => match app.fleet().lost() {
            0 => text::line_in(&whole, app.settings.zone),
            lost => format!("connection lost to {lost} of {}; {}", app.fleet().instances.len(), text::line_in(&whole, app.settings.zone)),
        },
    };
    Paragraph::new(mask::shown(&line, app.mask()).into_owned()).wrap(Wrap { trim: true }).render(area, buffer);
}
