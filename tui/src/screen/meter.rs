//! Bars and sparks.

use ratatui::text::Span;

use crate::{
    status::Figures,
    theme::{Role, Theme},
};

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A bar of so many columns. Without a whole there is nothing to be a part of: it is dashed.
pub(super) fn bar(theme: Theme, part: Option<(u64, u64)>, columns: usize, role: Role) -> Vec<Span<'static>> {
    let Some((done, all)) = part.filter(|(_, all)| *all > 0) else { return vec![theme.span("╌".repeat(columns), Role::Faint)] };
    let halves = (done.min(all) as f64 / all as f64 * columns as f64 * 2.0) as usize;
    let (full, half) = (halves / 2, halves % 2);
    vec![theme.span("━".repeat(full) + &"╸".repeat(half), role), theme.span("─".repeat(columns.saturating_sub(full + half)), Role::Faint)]
}

/// One column a figure, as high as it is beside the highest.
pub(super) fn spark(points: &[f64]) -> String {
    let highest = points.iter().copied().fold(0.0, f64::max);
    points.iter().map(|point| if highest > 0.0 { level(*point / highest) } else { " " }).collect()
}

/// A column of so many of one; something is never shown as nothing.
pub(super) fn level(part: f64) -> &'static str {
    if part > 0.0 { LEVELS[((part * 8.0).ceil() as usize).clamp(1, 8) - 1] } else { " " }
}

/// What is done of what; none while it is listed for the first time, when that would be a part of nobody knows what.
pub(super) fn part(figures: &Figures, complete: bool, listing: bool) -> Option<(u64, u64)> {
    let (stored, goal) = (figures.stored, figures.goal());
    match (stored, goal) {
        _ if complete && stored >= goal => Some((1, 1)),
        (_, 0) => None,
        (0, _) if listing => None,
        _ => Some((stored, goal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn bars_fill_by_halves() {
        let theme = Theme::new(&Settings::default(), |_| None);
        let text = |part| bar(theme, part, 4, Role::Accent).iter().map(|span| span.content.to_string()).collect::<String>();
        assert_eq!([text(None), text(Some((0, 8))), text(Some((3, 8))), text(Some((9, 8)))], ["╌╌╌╌", "────", "━╸──", "━━━━"]);
    }

    #[test]
    fn the_highest_is_full_and_something_is_seen() {
        assert_eq!(spark(&[0.0, 0.001, 4.0, 8.0]), " ▁▄█");
        assert_eq!(spark(&[0.0, 0.0]), "  ");
    }
}
