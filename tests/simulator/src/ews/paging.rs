//! Pages of FindItem and FindFolder.
//!
//! Source: documentation pages "IndexedPageItemView", "FractionalPageItemView", "RootFolder (FindItemResponseMessage)".

use super::envelope::part;
use super::error::EwsError;
use super::xml::Xml;
use roxmltree::Node;
use std::ops::Range;

/// The page a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// Everything, as far as the server's cap goes.
    Whole,
    /// From an offset counted from the beginning or the end.
    Indexed {
        /// The most entries.
        most: usize,
        /// The offset.
        offset: usize,
        /// Counted from the end, going backwards.
        from_end: bool,
    },
    /// From a fraction of the whole.
    Fractional {
        /// The most entries.
        most: usize,
        /// Above the line.
        numerator: u64,
        /// Below the line.
        denominator: u64,
    },
}

impl Page {
    /// Reads whichever view element an operation has.
    pub fn read(operation: Node<'_, '_>, indexed: &str, fractional: &str) -> Result<Self, EwsError> {
        if let Some(view) = part(operation, indexed) {
            let number = |name: &str| view.attribute(name).and_then(|text| text.trim().parse::<i64>().ok());
            let offset = usize::try_from(number("Offset").unwrap_or(0))
                .map_err(|_| EwsError::new("ErrorInvalidIndexedPagingParameters", "Indexed paging: the offset cannot be negative."))?;
            return Ok(Self::Indexed {
                most: limit(number("MaxEntriesReturned")),
                offset,
                from_end: view.attribute("BasePoint").map(str::trim) == Some("End"),
            });
        }
        if let Some(view) = part(operation, fractional) {
            let number = |name: &str| view.attribute(name).and_then(|text| text.trim().parse::<i64>().ok());
            let (above, below) = (number("Numerator").unwrap_or(0), number("Denominator").unwrap_or(1));
            return match (u64::try_from(above), u64::try_from(below)) {
                (Ok(numerator), Ok(denominator)) if denominator > 0 && numerator <= denominator => {
                    Ok(Self::Fractional { most: limit(number("MaxEntriesReturned")), numerator, denominator })
                }
                _ => Err(EwsError::new(
                    "ErrorInvalidFractionalPagingParameters",
                    "Fractional paging: the fraction must lie between 0 and 1.",
                )),
            };
        }
        Ok(Self::Whole)
    }

    /// The entries of the page among `total`, at most `cap` of them.
    pub fn range(&self, total: usize, cap: usize) -> Range<usize> {
        let (start, end) = match *self {
            Self::Whole => (0, total.min(cap)),
            Self::Indexed { most, offset, from_end: false } => {
                let start = offset.min(total);
                (start, start.saturating_add(most.min(cap)))
            }
            Self::Indexed { most, offset, from_end: true } => {
                let end = total.saturating_sub(offset);
                (end.saturating_sub(most.min(cap)), end)
            }
            Self::Fractional { most, numerator, denominator } => {
                let start = (total as u128 * u128::from(numerator) / u128::from(denominator)) as usize;
                (start, start.saturating_add(most.min(cap)))
            }
        };
        start..end.min(total).max(start)
    }
}

fn limit(asked: Option<i64>) -> usize {
    asked.and_then(|number| usize::try_from(number).ok()).unwrap_or(usize::MAX)
}

/// Opens `m:RootFolder` with the attributes that tell where the next page begins.
pub(super) fn write_root(xml: &mut Xml, page: &Page, range: &Range<usize>, total: usize) {
    let (next, last) = match page {
        Page::Indexed { from_end: true, .. } => (total - range.start, range.start == 0),
        _ => (range.end, range.end >= total),
    };
    let (next, last, all) = (next.to_string(), last.to_string(), total.to_string());
    let mut attributes: Vec<(&str, &str)> = Vec::with_capacity(5);
    let (above, below) = (range.end.to_string(), total.max(1).to_string());
    match page {
        Page::Fractional { .. } => attributes.extend([("NumeratorOffset", above.as_str()), ("AbsoluteDenominator", below.as_str())]),
        Page::Indexed { .. } => attributes.push(("IndexedPagingOffset", &next)),
        Page::Whole => {}
    }
    attributes.extend([("TotalItemsInView", all.as_str()), ("IncludesLastItemInRange", last.as_str())]);
    xml.open_with("m:RootFolder", &attributes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_cut_right() {
        let page = |offset, from_end| Page::Indexed { most: 3, offset, from_end };
        assert_eq!(page(0, false).range(10, 1000), 0..3);
        assert_eq!(page(9, false).range(10, 1000), 9..10);
        assert_eq!(page(50, false).range(10, 1000), 10..10);
        assert_eq!(page(0, true).range(10, 1000), 7..10);
        assert_eq!(page(9, true).range(10, 1000), 0..1);
        assert_eq!(page(0, false).range(10, 2), 0..2);
        assert_eq!(Page::Whole.range(2000, 1000), 0..1000);
        let half = Page::Fractional { most: 2, numerator: 1, denominator: 2 };
        assert_eq!(half.range(10, 1000), 5..7);
    }
}
