use super::client::Client;
use super::crypto::{hmac_md5, ntowf_v2, rc4};
use super::{Challenge, Realm, Refusal};
use crate::auth::binding::channel_binding;
use crate::options::ExtendedProtection::{self, Allowed, Off, Required};

const NOW: u64 = 1_800_000_000_000_000_000;
const END_POINT: [u8; 32] = [7; 32];

fn client() -> Client<'static> {
    Client { user: "User", domain: "Domain", password: "Password", mic: true, binding: None, target: None }
}

fn challenge(negotiate: &[u8]) -> Challenge {
    Challenge::answer(negotiate, &Realm::default(), [1, 2, 3, 4, 5, 6, 7, 8], NOW).unwrap()
}

fn outcome(client: &Client<'_>, protection: ExtendedProtection, tls: bool) -> Result<(), Refusal> {
    let negotiate = Client::negotiate();
    let challenge = challenge(&negotiate);
    let answer = client.authenticate(&negotiate, challenge.message());
    challenge.check(&answer, "Password", protection, tls.then_some(&END_POINT[..]))
}

/// MS-NLMP section 4.2.4.
#[test]
fn the_arithmetic_gives_the_specification_s_numbers() {
    let key = ntowf_v2("Password", "User", "Domain");
    assert_eq!(hex::encode(key), "0c868a403bfd7a93a3001ef22ef02e3f");
    let temp = hex::decode(concat!(
        "01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000",
        "02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000"
    ))
    .unwrap();
    let nonce = hex::decode("0123456789abcdef").unwrap();
    let proof = hmac_md5(&key, &[&nonce, &temp]);
    assert_eq!(hex::encode(proof), "68cd0ab851e51c96aabc927bebef6a1c");
    let session = hmac_md5(&key, &[&proof]);
    assert_eq!(hex::encode(session), "8de40ccadbc14a82f15cb0ad0de95ca3");
    assert_eq!(hex::encode(rc4(&session, &[0x55; 16])), "c5dad2544fc9799094ce1ce90bc9d03e");
}

#[test]
fn a_right_answer_is_believed_and_names_its_user() {
    assert_eq!(outcome(&client(), Off, false), Ok(()));
    assert_eq!(outcome(&Client { mic: false, ..client() }, Off, false), Ok(()));
    let negotiate = Client::negotiate();
    let challenge = challenge(&negotiate);
    let answer = client().authenticate(&negotiate, challenge.message());
    let claim = challenge.claim(&answer).unwrap();
    assert_eq!((claim.domain.as_str(), claim.user.as_str()), ("Domain", "User"));
}

#[test]
fn the_user_s_case_does_not_matter_but_the_password_s_does() {
    assert_eq!(outcome(&Client { user: "uSER", ..client() }, Off, false), Ok(()));
    assert_eq!(outcome(&Client { password: "password", ..client() }, Off, false), Err(Refusal::Credentials));
}

#[test]
fn a_message_changed_on_its_way_is_refused() {
    let negotiate = Client::negotiate();
    let challenge = challenge(&negotiate);
    let mut answer = client().authenticate(&negotiate, challenge.message());
    answer[72] ^= 1;
    assert_eq!(challenge.check(&answer, "Password", Off, None), Err(Refusal::Integrity));

    let mut other = negotiate.clone();
    other[12] ^= 0x10;
    let answer = client().authenticate(&other, challenge.message());
    assert_eq!(challenge.check(&answer, "Password", Off, None), Err(Refusal::Integrity));
}

#[test]
fn an_answer_to_another_challenge_is_refused() {
    let negotiate = Client::negotiate();
    let first = challenge(&negotiate);
    let second = Challenge::answer(&negotiate, &Realm::default(), [9; 8], NOW).unwrap();
    let answer = client().authenticate(&negotiate, first.message());
    assert_eq!(second.check(&answer, "Password", Off, None), Err(Refusal::Credentials));
}

#[test]
fn an_old_clock_is_refused() {
    let negotiate = Client::negotiate();
    let first = challenge(&negotiate);
    let late = Challenge::answer(&negotiate, &Realm::default(), [1, 2, 3, 4, 5, 6, 7, 8], NOW + 3_600_000_000_000).unwrap();
    let answer = Client { mic: false, ..client() }.authenticate(&negotiate, first.message());
    assert_eq!(late.check(&answer, "Password", Off, None), Err(Refusal::Clock));
}

#[test]
fn extended_protection_asks_for_the_right_binding() {
    let right = Some(channel_binding(&END_POINT));
    let wrong = Some(channel_binding(&[8; 32]));
    let zero = Some([0; 16]);
    let cases = [
        (Required, right, Ok(())),
        (Required, wrong, Err(Refusal::ChannelBinding)),
        (Required, zero, Err(Refusal::ChannelBinding)),
        (Required, None, Err(Refusal::ChannelBinding)),
        (Allowed, right, Ok(())),
        (Allowed, wrong, Err(Refusal::ChannelBinding)),
        (Allowed, zero, Ok(())),
        (Allowed, None, Ok(())),
        (Off, wrong, Ok(())),
    ];
    for (protection, binding, expected) in cases {
        assert_eq!(outcome(&Client { binding, ..client() }, protection, true), expected, "{protection:?} {binding:?}");
    }
    assert_eq!(outcome(&Client { binding: wrong, ..client() }, Required, false), Ok(()), "nothing to bind to without TLS");
}

#[test]
fn an_answer_made_for_another_service_is_refused() {
    for (target, expected) in
        [("HTTP/mail.example.com", Ok(())), ("http/127.0.0.1", Ok(())), ("", Ok(())), ("cifs/mail.example.com", Err(Refusal::TargetName))]
    {
        assert_eq!(outcome(&Client { target: Some(target), ..client() }, Allowed, true), expected, "{target}");
    }
}

#[test]
fn version_1_is_refused() {
    let negotiate = Client::negotiate();
    let challenge = challenge(&negotiate);
    let mut answer = client().authenticate(&negotiate, challenge.message());
    answer[20..22].copy_from_slice(&24u16.to_le_bytes());
    assert_eq!(challenge.check(&answer, "Password", Off, None), Err(Refusal::OldVersion));
}

#[test]
fn damaged_messages_are_refused_wherever_they_are_cut() {
    let negotiate = Client::negotiate();
    let challenge = challenge(&negotiate);
    let answer = client().authenticate(&negotiate, challenge.message());
    for end in 0..answer.len() {
        let cut = &answer[..end];
        assert!(challenge.check(cut, "Password", Off, None).is_err(), "{end}");
    }
    assert!(Challenge::answer(b"NTLMSSP\0\x03\0\0\0", &Realm::default(), [0; 8], NOW).is_err());
    assert!(Challenge::answer(b"NTLMSSP\0\x01\0\0\0", &Realm::default(), [0; 8], NOW).is_err());
}

/// The binding of the documentation's worked example has 53 bytes of application data for SHA-256.
#[test]
fn a_channel_binding_is_the_md5_of_73_bytes() {
    use md5::{Digest, Md5};
    let mut bytes = vec![0; 16];
    bytes.extend([0x35, 0, 0, 0]);
    bytes.extend(b"tls-server-end-point:");
    bytes.extend(END_POINT);
    assert_eq!(bytes.len(), 73);
    let expected: [u8; 16] = Md5::digest(&bytes).into();
    assert_eq!(channel_binding(&END_POINT), expected);
}
