//! How much a watcher has seen, as it carries it along: the `id` of an event, which comes back as `Last-Event-ID`.

use crate::status::Seen;

/// The mark of a run's watcher.
pub fn write(run: &str, seen: &Seen) -> String {
    let (revision, turns) = seen.mark();
    format!("{run}.{revision}.{turns}")
}

/// What a watcher of this run has seen by its mark. None where the mark is of another run, or none of ours: it is told everything.
pub fn read(mark: &str, run: &str) -> Option<Seen> {
    let (revision, turns) = mark.strip_prefix(run)?.strip_prefix('.')?.split_once('.')?;
    Some(Seen::marked(revision.parse().ok()?, turns.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_run() {
        let seen = Seen::marked(12, 3);
        let mark = write("3f2a", &seen);
        assert_eq!(mark, "3f2a.12.3");
        assert_eq!(read(&mark, "3f2a").unwrap().mark(), (12, 3));
        for (strange, run) in
            [("3f2a.12.3", "9c"), ("3f2a.12", "3f2a"), ("3f2a", "3f2a"), ("", ""), ("3f2a.-1.0", "3f2a"), ("3f2a.1.x", "3f2a")]
        {
            assert!(read(strange, run).is_none(), "{strange}");
        }
    }
}
