//! One line of pieces, of which the least important give way where it is narrow.

use ratatui::text::{Line, Span};

/// A piece, from its longest form to its shortest.
pub(super) struct Piece {
    forms: Vec<Vec<Span<'static>>>,
    weight: u8,
}

/// A piece that gives way the later the more it weighs.
pub(super) fn piece(weight: u8, forms: impl IntoIterator<Item = Vec<Span<'static>>>) -> Piece {
    Piece { forms: forms.into_iter().collect(), weight }
}

/// The pieces at the left and at the right edge of a line of so many columns.
pub(super) fn strip(width: u16, gap: usize, mut left: Vec<Piece>, mut right: Vec<Piece>) -> Line<'static> {
    let width = usize::from(width);
    while taken(&left, gap) + taken(&right, gap) > width + gap {
        let shown = left.iter_mut().chain(right.iter_mut()).filter(|piece| !piece.forms.is_empty());
        // Of those that weigh the same the last one gives way.
        match shown.reduce(|least, piece| if piece.weight <= least.weight { piece } else { least }) {
            Some(piece) => drop(piece.forms.remove(0)),
            None => break,
        }
    }
    let rest = width.saturating_sub(taken(&left, gap) + taken(&right, gap).saturating_sub(gap));
    let mut spans = joined(left, gap);
    if taken(&right, gap) > 0 {
        spans.push(Span::raw(" ".repeat(if spans.is_empty() { rest } else { rest + gap })));
        spans.extend(joined(right, gap));
    }
    Line::from(spans)
}

/// Columns of the pieces, each with a gap behind it.
fn taken(pieces: &[Piece], gap: usize) -> usize {
    let widths = pieces.iter().filter_map(|piece| piece.forms.first());
    widths.map(|form| form.iter().map(|span| crate::safe::width(&span.content)).sum::<usize>() + gap).sum()
}

fn joined(pieces: Vec<Piece>, gap: usize) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for form in pieces.into_iter().filter_map(|piece| piece.forms.into_iter().next()) {
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(gap)));
        }
        spans.extend(form);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(width: u16) -> String {
        let of = |weight, forms: &[&str]| piece(weight, forms.iter().map(|form| vec![Span::raw((*form).to_owned())]));
        strip(width, 2, vec![of(9, &["state"]), of(1, &["long form", "short"])], vec![of(5, &["right"])]).to_string()
    }

    #[test]
    fn the_lightest_gives_way_first() {
        assert_eq!(text(26), "state  long form     right");
        assert_eq!(text(23), "state  long form  right");
        assert_eq!(text(20), "state  short   right");
        assert_eq!(text(14), "state    right");
        assert_eq!(text(6), "state");
    }
}
