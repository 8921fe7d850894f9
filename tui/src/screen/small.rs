//! What is told where there is no room for a table: the summary, wrapped.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Paragraph, Widget, Wrap},
};

use crate::{Status, app::App, mask, text};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let whole = Status { head: app.fleet().head(app.now()), ..Status::default() };
    let line = text::line_in(&whole, app.settings.zone);
    Paragraph::new(mask::shown(&line, app.mask).into_owned()).wrap(Wrap { trim: true }).render(area, buffer);
}
