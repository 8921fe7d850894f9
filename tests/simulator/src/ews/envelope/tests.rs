use super::*;

const OPERATION: &str = "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"/></m:FolderIds></m:GetFolder>";

fn envelope(soap: &str, head: &str, body: &str) -> String {
    format!("<s:Envelope xmlns:s=\"{soap}\" xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\">{head}<s:Body>{body}</s:Body></s:Envelope>")
}

fn read_head_of(text: &str) -> Result<Head, Refused> {
    let document = parse(text).map_err(Refused::from)?;
    read(&document, true).map(|envelope| envelope.head)
}

fn code(result: Result<Head, Refused>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(Refused::Exchange(error)) => error.code,
        Err(Refused::Soap(code, _)) => code.to_owned(),
    }
}

#[test]
fn headers_are_read() {
    let head = "<s:Header><t:RequestServerVersion Version=\"Exchange2013_SP1\"/><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>a@example.com</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header>";
    let head = read_head_of(&envelope(SOAP, head, OPERATION)).expect("a proper request");
    assert!(head.is_at_least("Exchange2013_SP1") && !head.is_at_least("Exchange2016"));
    assert_eq!(head.connecting_as, Some(ConnectingAs::Primary("a@example.com".into())));
    let none = read_head_of(&envelope(SOAP, "", OPERATION)).expect("headers may be missing");
    assert!(!none.is_at_least("Exchange2007"));
}

#[test]
fn what_is_wrong_is_named() {
    let version = "<t:RequestServerVersion Version=\"Exchange2013\"/>";
    let head = |inner: &str| format!("<s:Header>{inner}</s:Header>");
    for (text, expected) in [
        (envelope("https://schemas.xmlsoap.org/soap/envelope/", "", OPERATION), "VersionMismatch"),
        (envelope(SOAP, "", ""), "Client"),
        (envelope(SOAP, "", "<m:MakeCoffee/>"), "ErrorSchemaValidation"),
        (envelope(SOAP, "", "<m:UploadItems/>"), "ErrorInvalidOperation"),
        (envelope(SOAP, "", &format!("{OPERATION}{OPERATION}")), "ErrorSchemaValidation"),
        (envelope(SOAP, &head("<t:RequestServerVersion Version=\"Exchange2099\"/>"), OPERATION), "ErrorInvalidServerVersion"),
        (envelope(SOAP, &head("<t:ExchangeImpersonation/>"), OPERATION), "ErrorSchemaValidation"),
        (envelope(SOAP, &head(&format!("{version}{version}")), OPERATION), "ErrorDuplicateSOAPHeader"),
        (envelope(SOAP, &head("<x:Odd xmlns:x=\"urn:x\" s:mustUnderstand=\"1\"/>"), OPERATION), "MustUnderstand"),
        (envelope(SOAP, &head("<x:Odd xmlns:x=\"urn:x\"/>"), OPERATION), "accepted"),
        ("<s:Envelope".to_owned(), "ErrorSchemaValidation"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_owned(), "ErrorSchemaValidation"),
        (String::new(), "ErrorSchemaValidation"),
    ] {
        assert_eq!(code(read_head_of(&text)), expected, "{text}");
    }
}

#[test]
fn a_lenient_server_takes_what_the_schema_forbids() {
    let text = envelope(
        SOAP,
        "<s:Header><t:RequestServerVersion Version=\"Exchange2099\"/></s:Header>",
        "<m:GetFolder><m:FolderIds/></m:GetFolder>",
    );
    let document = parse(&text).expect("well-formed");
    assert!(read(&document, true).is_err());
    let head = read(&document, false).map(|envelope| envelope.head).expect("lenient");
    assert!(head.is_at_least("V2017_07_11"));
}

#[test]
fn bodies_are_decoded() {
    assert_eq!(decode(&Bytes::from_static(b"\xef\xbb\xbf<a/>")).as_deref(), Ok("<a/>"));
    assert_eq!(decode(&Bytes::from_static(b"\xff\xfe<\0a\0/\0>\0")).as_deref(), Ok("<a/>"));
    assert!(decode(&Bytes::from_static(b"<a>\xff</a>")).is_err());
}
