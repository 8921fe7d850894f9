use super::*;
use roxmltree::Document;

fn verdict(operation: &str) -> Result<(), Violation> {
    let text = format!("<x xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES_NS}\">\n{operation}</x>");
    let document = Document::parse(&text).expect("well-formed test input");
    let node = document.root_element().first_element_child().expect("an operation");
    check_operation(node)
}

const SHAPE: &str = "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>";
const INBOX: &str = "<m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"/></m:FolderIds>";

#[test]
fn every_type_named_in_the_table_exists() {
    let known = |kind: &str| {
        GRAMMAR.types.contains_key(kind)
            || GRAMMAR.enumerations.contains_key(kind)
            || NUMBERS.iter().any(|(name, ..)| *name == kind)
            || ["any", "string", "nonempty", "bool", "date-time", "property-tag"].contains(&kind)
    };
    for (name, row) in GRAMMAR.operations.iter().chain(&GRAMMAR.types) {
        for attribute in &row.attributes {
            assert!(known(attribute.kind), "{name}@{}", attribute.name);
        }
        if let Content::Elements(particles) = &row.content {
            for particle in particles {
                assert!(!particle.alternatives.is_empty(), "{name} has an empty group");
                for one in &particle.alternatives {
                    assert!(known(one.kind), "{name}/{}: {}", one.name, one.kind);
                }
            }
        }
    }
}

#[test]
fn a_proper_request_passes() {
    assert_eq!(verdict(&format!("<m:GetFolder>{SHAPE}{INBOX}</m:GetFolder>")), Ok(()));
}

#[test]
fn order_is_forced_and_the_place_is_told() {
    let wrong = verdict(&format!("<m:GetFolder>\n  {INBOX}{SHAPE}</m:GetFolder>"));
    let wrong = wrong.expect_err("the order is wrong");
    assert_eq!((wrong.line, wrong.column), (3, 3));
    assert!(wrong.text.contains("'FolderIds'") && wrong.text.contains("'FolderShape'"));
}

#[test]
fn missing_parts_and_wrong_namespaces_are_violations() {
    for wrong in [
        format!("<m:GetFolder>{INBOX}</m:GetFolder>"),
        format!("<m:GetFolder>{SHAPE}</m:GetFolder>"),
        format!("<m:FindFolder>{SHAPE}</m:FindFolder>"),
        format!("<m:GetFolder>{}{INBOX}</m:GetFolder>", SHAPE.replace("t:", "m:")),
        format!("<m:GetFolder>{SHAPE}<m:FolderIds/></m:GetFolder>"),
        format!("<m:GetFolder Odd=\"1\">{SHAPE}{INBOX}</m:GetFolder>"),
        format!("<m:GetFolder>stray{SHAPE}{INBOX}</m:GetFolder>"),
        format!("<m:GetFolder>{SHAPE}{}</m:GetFolder>", INBOX.replace("inbox", "Inbox")),
    ] {
        assert!(verdict(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn ranges_and_names_are_checked() {
    let stream = |minutes: &str| {
        verdict(&format!(
            "<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>a</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>{minutes}</m:ConnectionTimeout></m:GetStreamingEvents>"
        ))
    };
    assert!(stream("30").is_ok() && stream("31").is_err() && stream("0").is_err() && stream("x").is_err());
    let field = |name: &str| {
        verdict(&format!(
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI=\"{name}\"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id=\"a\"/></m:ItemIds></m:GetItem>"
        ))
    };
    assert!(field("item:Subject").is_ok() && field("item:Colour").is_err());
}

#[test]
fn property_tags_come_in_two_forms() {
    assert_eq!(parse_property_tag("0x10F4"), Some(4340));
    assert_eq!(parse_property_tag("4340"), Some(4340));
    assert_eq!(parse_property_tag("0x10F4F"), None);
    assert_eq!(parse_property_tag("PR_SUBJECT"), None);
}
