//! Which columns of the table there is room for, and how wide they are.

/// A column of the table, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Instance,
    State,
    Percent,
    Bar,
    Count,
    Rate,
    Spark,
    Bytes,
    Lag,
    Quarantine,
    Budget,
    Why,
}

/// What is known of all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wants {
    /// The columns of the longest name.
    pub(super) names: usize,
    /// Those of the longest instance; none where there is but one.
    pub(super) instances: Option<usize>,
    /// Whether any server grants a budget.
    pub(super) budget: bool,
}

/// Columns between two.
pub(super) const GAP: usize = 2;

/// Columns before the first: what is selected, and the sign of the state.
pub(super) const MARGIN: usize = 4;

const ALL: [Column; 13] = [
    Column::Name,
    Column::Instance,
    Column::State,
    Column::Percent,
    Column::Bar,
    Column::Count,
    Column::Rate,
    Column::Spark,
    Column::Bytes,
    Column::Lag,
    Column::Quarantine,
    Column::Budget,
    Column::Why,
];

impl Column {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Name => "MAILBOX",
            Self::Instance => "INSTANCE",
            Self::State => "STATE",
            Self::Percent => "DONE",
            Self::Bar => "",
            Self::Count => "MESSAGES",
            Self::Rate => "RATE",
            Self::Spark => "OF LATE",
            Self::Bytes => "BYTES",
            Self::Lag => "LAG",
            Self::Quarantine => "QUAR",
            Self::Budget => "BUDGET",
            Self::Why => "WAIT / WHY",
        }
    }

    /// Whether figures stand at its right edge.
    pub(super) fn right(self) -> bool {
        matches!(self, Self::Percent | Self::Count | Self::Rate | Self::Bytes | Self::Lag | Self::Quarantine)
    }

    /// The least and the greatest width. What is wrong is worth more than pictures, except where there is hardly room for its beginning.
    fn range(self, room: usize, wants: Wants) -> (usize, usize) {
        match self {
            Self::Name => (18, wants.names.clamp(18, 48)),
            Self::Instance => (8, wants.instances.unwrap_or(0).clamp(8, 20)),
            Self::State => (8, 8),
            Self::Percent => (4, 4),
            Self::Bar => (6, 24),
            Self::Count => (13, 21),
            Self::Rate => (7, 7),
            Self::Spark => (10, 60),
            Self::Bytes => (8, 8),
            Self::Lag => (7, 7),
            Self::Quarantine => (5, 5),
            Self::Budget => (8, 12),
            Self::Why => (if room < 90 { 16 } else { 26 }, 400),
        }
    }

    /// The greater, the later it gives way.
    fn weight(self) -> u8 {
        match self {
            Self::Name => 12,
            Self::State => 11,
            Self::Percent => 10,
            Self::Why => 9,
            Self::Count => 8,
            Self::Instance => 7,
            Self::Rate => 6,
            Self::Bar => 5,
            Self::Quarantine => 4,
            Self::Spark => 3,
            Self::Budget => 2,
            Self::Bytes => 1,
            Self::Lag => 0,
        }
    }
}

/// The columns that fit, each with its width.
pub(super) fn layout(width: u16, wants: Wants) -> Vec<(Column, usize)> {
    let wanted = |column: &Column| match column {
        Column::Instance => wants.instances.is_some(),
        Column::Budget => wants.budget,
        _ => true,
    };
    let room = usize::from(width).saturating_sub(MARGIN);
    let range = |column: Column| column.range(room, wants);
    let mut columns: Vec<(Column, usize)> = ALL.into_iter().filter(wanted).map(|column| (column, range(column).0)).collect();
    let taken = |columns: &[(Column, usize)]| columns.iter().map(|(_, width)| width + GAP).sum::<usize>().saturating_sub(GAP);
    while taken(&columns) > room && columns.len() > 1 {
        let lightest = columns.iter().map(|(column, _)| column.weight()).min();
        columns.retain(|(column, _)| Some(column.weight()) != lightest);
    }
    // What is left is handed out in turn: each column up to so much.
    let mut rest = room.saturating_sub(taken(&columns));
    for (which, most) in GROWTH {
        for (column, width) in columns.iter_mut().filter(|(column, _)| which.contains(column)) {
            let more = range(*column).1.min(*most).saturating_sub(*width).min(rest);
            *width += more;
            rest -= more;
        }
    }
    columns
}

/// Which columns grow beyond their least width, and up to how much, the most wanted first.
const GROWTH: &[(&[Column], usize)] = &[
    (&[Column::Name], 26),
    (&[Column::Why], 34),
    (&[Column::Count], 15),
    (&[Column::Name], 48),
    (&[Column::Bar, Column::Spark], 16),
    (&[Column::Why], 48),
    (&[Column::Count, Column::Instance, Column::Budget], 21),
    (&[Column::Bar, Column::Spark], 30),
    (&[Column::Why], 72),
    (&[Column::Spark], 60),
    (&[Column::Why], 400),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_width_and_the_important_ones_stay() {
        for width in 60..=300 {
            for wants in [Wants::default(), Wants { names: 40, instances: Some(9), budget: true }] {
                let columns = layout(width, wants);
                let taken = columns.iter().map(|(_, width)| width + GAP).sum::<usize>() - GAP + MARGIN;
                assert_eq!(taken, usize::from(width), "{columns:?}");
                for column in [Column::Name, Column::State, Column::Percent, Column::Why] {
                    assert!(columns.iter().any(|(other, _)| *other == column), "{column:?} at {width}");
                }
            }
        }
        assert_eq!(layout(160, Wants { names: 30, instances: Some(9), budget: true }).len(), 13);
    }
}
