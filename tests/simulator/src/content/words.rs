//! People, subjects and sentences of generated mail.

use super::rng::Rng;
use crate::store::Address;

const GIVEN: &[&str] = &["Anna", "Ben", "Carla", "David", "Elena", "Felix", "Grace", "Hugo", "Irene", "Jonas", "Klara", "Leon"];
const SURNAME: &[&str] = &["Abel", "Brandt", "Costa", "Dietz", "Evans", "Falk", "Garcia", "Hahn", "Ivanova", "Jensen", "Keller", "Lind"];
const FOREIGN: &[&str] = &["Jürgen Weiß", "Zoë Brontë", "Анна Иванова", "山田 太郎", "Łukasz Żak", "Νίκος Παππάς"];
const TOPIC: &[&str] = &[
    "Invoice",
    "Contract",
    "Quarterly report",
    "Travel plan",
    "Budget",
    "Delivery",
    "Claim",
    "Meeting notes",
    "Offer",
    "Renewal",
    "Audit",
    "Onboarding",
    "Server maintenance",
    "Order",
    "Complaint",
];
const PREFIX: &[&str] = &["", "", "", "", "Re: ", "Re: ", "FW: ", "AW: "];

/// A person with an address of example.com.
pub(super) fn person(rng: &mut Rng) -> Address {
    let (given, surname) = (rng.word(GIVEN), rng.word(SURNAME));
    Address {
        name: Some(format!("{given} {surname}")),
        email: Some(format!("{}.{}@example.com", given.to_lowercase(), surname.to_lowercase())),
    }
}

/// A person whose name needs more than ASCII.
pub(super) fn foreigner(rng: &mut Rng) -> Address {
    let number = rng.below(90) + 10;
    Address { name: Some(rng.word(FOREIGN).to_owned()), email: Some(format!("guest{number}@example.org")) }
}

/// Given name and surname.
pub(super) fn names(rng: &mut Rng) -> (String, String) {
    (rng.word(GIVEN).to_owned(), rng.word(SURNAME).to_owned())
}

/// A subject; several messages share one, so that there are conversations.
pub(super) fn subject(rng: &mut Rng) -> String {
    let prefix = rng.word(PREFIX);
    format!("{prefix}{} {}", rng.word(TOPIC), 1_000 + rng.below(400))
}

/// A text and its subject in one character set: the set's name, subject, text.
pub(super) const CHARSETS: &[(&str, &str, &str)] = &[
    ("utf-8", "Größe und Maße €", "Die Größe beträgt 5 €. 日本語も、русский тоже. 🙂"),
    ("iso-8859-1", "Übersicht für März", "Schöne Grüße aus München, à bientôt."),
    ("iso-8859-2", "Žádost o schůzku", "Příliš žluťoučký kůň úpěl ďábelské ódy."),
    ("iso-8859-15", "Coût en euros", "Le coût est de 12 €, cœur et œuvre."),
    ("windows-1252", "“Quoted” – dashed", "It’s “quoted” – with a dash…"),
    ("windows-1251", "Отчёт за квартал", "Съешь ещё этих мягких французских булок."),
    ("windows-1250", "Zażółć gęślą jaźń", "Zażółć gęślą jaźń, proszę."),
    ("koi8-r", "Договор поставки", "Прошу подтвердить получение договора."),
    ("iso-2022-jp", "会議の件", "お世話になっております。会議の件です。"),
    ("shift_jis", "見積書", "見積書を送付いたします。"),
    ("gb18030", "合同草案", "请查收附件中的合同草案。"),
    ("big5", "會議記錄", "請查收會議記錄。"),
    ("euc-kr", "회의 일정", "회의 일정을 확인해 주세요."),
];
