//! Real mail, read before and after by a parser of other hands.

use std::path::PathBuf;

use super::*;

fn corpus() -> Option<PathBuf> {
    let told = std::env::var_os("EXCHANGE_SYNC_SHARED").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = told.or_else(|| beside.is_dir().then_some(beside))?;
    Some(shared.join("mail-corpus")).filter(|corpus| corpus.is_dir())
}

fn files(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => files(&entry, found),
            false if entry.extension().is_some_and(|extension| extension == "eml" || extension == "txt") => found.push(entry),
            false => {}
        }
    }
}

#[test]
fn real_mail_reads_the_same() {
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no folder mail-corpus; EXCHANGE_SYNC_SHARED names the folder that holds it");
        return;
    };
    let mut messages = Vec::new();
    files(&corpus, &mut messages);
    assert!(messages.len() >= 210, "only {} messages", messages.len());
    let (mut written, mut compared) = (0, 0);
    for path in &messages {
        let original = std::fs::read(path).unwrap();
        let (out, survey) = reencoded(&original, &[4096]);
        assert!(std::str::from_utf8(&out).is_ok(), "{}", path.display());
        let Some(_) = survey.plan else {
            assert_eq!(out, original);
            continue;
        };
        written += 1;
        let (Some(before), Some(after)) = (seen(&original), seen(&out)) else { panic!("{} cannot be read", path.display()) };
        assert_eq!(before.texts.len(), after.texts.len(), "{}", path.display());
        // Where the parser could not decode the original there is nothing to compare with.
        let decoded = |text: &str| !text.contains('\u{fffd}');
        if before.subject.as_deref().is_none_or(decoded) {
            assert_eq!(before.subject, after.subject, "{}", path.display());
        }
        for (before, after) in before.texts.iter().zip(&after.texts).filter(|(before, _)| decoded(before)) {
            assert_eq!(before, after, "{}", path.display());
            compared += 1;
        }
        assert_eq!(before.attached.len(), after.attached.len(), "{}", path.display());
        for (before, after) in before.attached.iter().zip(&after.attached) {
            assert_eq!(before.1, after.1, "{}", path.display());
            if before.0.as_deref().is_none_or(decoded) {
                assert_eq!(before.0, after.0, "{}", path.display());
            }
        }
    }
    assert!(written >= 10 && compared >= 10, "{written} written anew, {compared} texts compared");
    eprintln!("{} messages, {written} written anew, {compared} texts compared", messages.len());
}
