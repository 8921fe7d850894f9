use mail_parser::MessageParser;

use super::*;

fn batch(count: u64, kinds: &[Kind], bytes: u64) -> Batch {
    Batch {
        seed: 11,
        count,
        owner: Address { name: Some("Alice".into()), email: Some("alice@example.com".into()) },
        role: Role::Received,
        from: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        to: DateTime::from_timestamp(1_760_000_000, 0).unwrap(),
        sizes: vec![SizeShare { bytes, weight: 1 }],
        big: Vec::new(),
        kinds: kinds.iter().map(|kind| (*kind, 1)).collect(),
        unread_percent: 20,
    }
}

const ALL: &[Kind] = &[
    Kind::Text,
    Kind::Alternative,
    Kind::Attachment,
    Kind::Inline,
    Kind::Forwarded,
    Kind::Charset,
    Kind::EncodedHeaders,
    Kind::LongLines,
    Kind::MissingHeaders,
    Kind::NoMessageId,
    Kind::DuplicateMessageId,
    Kind::ControlCharacters,
    Kind::NonDelivery,
    Kind::ReadReceipt,
    Kind::MeetingRequest,
    Kind::MeetingResponse,
    Kind::MeetingCancellation,
    Kind::SmimeSigned,
    Kind::Post,
];

async fn bytes(item: &NewItem) -> Vec<u8> {
    match &item.mime {
        Mime::Content(content) => {
            let bytes = content.bytes(1 << 24).await.unwrap();
            assert_eq!(bytes.len() as u64, content.len());
            bytes.to_vec()
        }
        Mime::Refused(code) => panic!("no MIME: {code}"),
    }
}

#[tokio::test]
async fn sizes_are_met_exactly_and_mail_can_be_parsed() {
    for kind in ALL {
        for size in [8_000, 8_001, 8_077, 8_078, 70_001] {
            let item = batch(5, &[*kind], size).make(2);
            let mime = bytes(&item).await;
            assert_eq!(mime.len() as u64, size, "{kind:?}");
            let parsed = MessageParser::default().parse(&mime).unwrap();
            assert_eq!(parsed.message_id().map(|id| format!("<{id}>")), item.message_id, "{kind:?}");
            if !matches!(kind, Kind::MissingHeaders | Kind::ControlCharacters) {
                assert_eq!(parsed.subject(), item.subject.as_deref(), "{kind:?}");
                assert_eq!(parsed.from().unwrap().first().unwrap().address(), item.from.as_ref().unwrap().email.as_deref());
            }
        }
    }
}

#[tokio::test]
async fn attached_files_are_valid_base64() {
    let mime = bytes(&batch(1, &[Kind::Attachment], 100_000).make(0)).await;
    let list = crate::content::attachments(&mime);
    assert_eq!(list.len(), 1);
    let crate::content::AttachmentBody::File(file) = &list[0].body else { panic!("no file") };
    assert!(file.len() > 60_000);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes() {
    let (one, two) = (batch(50, ALL, 9_000), batch(50, ALL, 9_000));
    let mut other = batch(50, ALL, 9_000);
    other.seed = 12;
    let mut differ = 0;
    for ordinal in 0..50 {
        let mime = bytes(&one.make(ordinal)).await;
        assert_eq!(mime, bytes(&two.make(ordinal)).await);
        differ += u32::from(mime != bytes(&other.make(ordinal)).await);
    }
    assert_eq!(differ, 50);
}

#[test]
fn dates_are_in_order_and_in_range() {
    let batch = batch(1_000, &[Kind::Text], 100);
    let dates: Vec<_> = (0..1_000).map(|ordinal| batch.date(ordinal)).collect();
    assert!(dates.is_sorted() && dates[0] >= batch.from && dates[999] <= batch.to);
    assert_eq!((0..1_000).filter(|ordinal| !batch.make(*ordinal).read).count() as u64, batch.unread());
}

#[test]
fn the_newest_are_the_big_ones() {
    let mut batch = batch(10, &[Kind::Text], 3_000);
    batch.big = vec![(157_286_400, 1), (1_000_000, 2)];
    let length = |ordinal| match batch.make(ordinal).mime {
        Mime::Content(content) => content.len(),
        Mime::Refused(_) => 0,
    };
    assert_eq!([length(9), length(8), length(7), length(6)], [157_286_400, 1_000_000, 1_000_000, 3_000]);
}

#[test]
fn kinds_without_mime_say_why_and_give_properties() {
    for kind in [Kind::Contact, Kind::Task, Kind::DistributionList, Kind::StickyNote, Kind::Corrupt, Kind::SmimeOpaque] {
        let item = batch(1, &[kind], 3_000).make(0);
        assert!(matches!(item.mime, Mime::Refused(code) if code.starts_with("Error")));
        assert!(item.subject.is_some() && item.class == kind.class());
    }
}

#[test]
fn what_is_said_of_receipt_without_making_an_item_is_true() {
    let mut drafts = batch(40, ALL, 3_000);
    drafts.role = Role::Drafts;
    let mail = batch(40, &[Kind::Text, Kind::NonDelivery], 3_000);
    let mixed = batch(40, &[Kind::Text, Kind::Contact], 3_000);
    for ordinal in 0..40 {
        for batch in [&drafts, &mail, &mixed] {
            let said = batch.received(ordinal);
            assert!(said.is_none_or(|said| said == batch.make(ordinal).received));
        }
        assert!(drafts.received(ordinal).is_some() && mail.received(ordinal).is_some() && mixed.received(ordinal).is_none());
    }
}
