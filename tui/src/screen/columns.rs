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

    /// The least and the greatest width.
    fn range(self, wants: Wants) -> (usize, usize) {
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
            Self::Why => (16, 400),
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
            Self::Spark => 5,
            Self::Quarantine => 4,
            Self::Bar => 3,
            Self::Bytes => 2,
            Self::Budget => 1,
            Self::Lag => 0,
        }
    }

    /// The greater, the sooner it grows beyond its least width.
    fn greed(self) -> u8 {
        match self {
            Self::Name => 4,
            Self::Count => 3,
            Self::Why => 1,
            _ => 2,
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
    let mut columns: Vec<(Column, usize)> = ALL.into_iter().filter(wanted).map(|column| (column, column.range(wants).0)).collect();
    let room = usize::from(width).saturating_sub(MARGIN);
    let taken = |columns: &[(Column, usize)]| columns.iter().map(|(_, width)| width + GAP).sum::<usize>().saturating_sub(GAP);
    while taken(&columns) > room && columns.len() > 1 {
        let lightest = columns.iter().map(|(column, _)| column.weight()).min();
        columns.retain(|(column, _)| Some(column.weight()) != lightest);
    }
    // Why is worth more than a wide picture: it is given some of the room first.
    let mut rest = room.saturating_sub(taken(&columns));
    let mut grow = |columns: &mut Vec<(Column, usize)>, which: &dyn Fn(Column) -> bool, most: &dyn Fn(Column) -> usize| {
        for (column, width) in columns.iter_mut().filter(|(column, _)| which(*column)) {
            let more = most(*column).saturating_sub(*width).min(rest);
            *width += more;
            rest -= more;
        }
    };
    let most = |column: Column| column.range(wants).1;
    grow(&mut columns, &|column| column.greed() == 4, &most);
    grow(&mut columns, &|column| column.greed() == 1, &|_| 32);
    grow(&mut columns, &|column| column.greed() == 3, &most);
    grow(&mut columns, &|column| column.greed() == 2, &|column| most(column).min(30));
    grow(&mut columns, &|column| column.greed() == 1, &|_| 60);
    grow(&mut columns, &|column| column.greed() == 2, &most);
    grow(&mut columns, &|column| column.greed() == 1, &most);
    columns
}

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
