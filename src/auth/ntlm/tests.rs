//! The worked example of MS-NLMP 4.2.4, and what it leaves out: the integrity code, the binding, and hostile challenges.

use proptest::prelude::*;

use super::*;
use crate::auth::Secret;

const NONCE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

fn login(user: &str) -> Login {
    Login { user: user.to_owned(), password: Secret::new("Password") }
}

fn nonces() -> Nonces {
    Nonces { challenge: [0xaa; 8], session_key: [0x55; 16], filetime: 0 }
}

fn target_info(pairs: &[(u16, &[u8])]) -> Vec<u8> {
    av::write(&pairs.iter().map(|(id, value)| av::Pair { id: *id, value: value.to_vec() }).collect::<Vec<_>>())
}

fn challenge_bytes(flags: u32, info: &[u8]) -> Vec<u8> {
    let mut bytes = [&SIGNATURE[..], &[2, 0, 0, 0], &[0, 0, 0, 0, 56, 0, 0, 0], &flags.to_le_bytes(), &NONCE, &[0; 8]].concat();
    let length = u16::try_from(info.len()).unwrap().to_le_bytes();
    bytes.extend_from_slice(&[&length[..], &length, &[56, 0, 0, 0], &[0; 8], info].concat());
    bytes
}

/// The example's target information; the specification's fixed client list is the server's own, so ours has the service name more.
fn example_info() -> Vec<u8> {
    target_info(&[(2, &utf16("Domain")), (1, &utf16("Server"))])
}

fn part(message: &[u8], field: usize) -> Vec<u8> {
    let at = 12 + 8 * field;
    let length = usize::from(u16::from_le_bytes([message[at], message[at + 1]]));
    let offset = u32::from_le_bytes(message[at + 4..at + 8].try_into().unwrap()) as usize;
    message[offset..offset + length].to_vec()
}

#[test]
fn the_specifications_numbers() {
    let account = Account { domain: "Domain".into(), user: "User".into() };
    let key = crypt::response_key(&account, &Secret::new("Password"));
    assert_eq!(hex::encode(key), "0c868a403bfd7a93a3001ef22ef02e3f");
    let temp = hex::decode(concat!(
        "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e",
        "0001000c005300650072007600650072000000000000000000"
    ))
    .unwrap();
    let proof = crypt::hmac_md5(&key, &[&NONCE, &temp]);
    assert_eq!(hex::encode(proof), "68cd0ab851e51c96aabc927bebef6a1c");
    let base_key = crypt::hmac_md5(&key, &[&proof]);
    assert_eq!(hex::encode(base_key), "8de40ccadbc14a82f15cb0ad0de95ca3");
    assert_eq!(hex::encode(crypt::rc4(&base_key, &[0x55; 16])), "c5dad2544fc9799094ce1ce90bc9d03e");
    assert_eq!(temp[28..64], example_info());
}

#[test]
fn without_a_server_time_the_older_proof_goes_along() {
    let challenge = Challenge::parse(&challenge_bytes(flags::OFFERED, &example_info())).unwrap();
    let message = authenticate(&Negotiate::new(), &challenge, &login("Domain\\User"), "HTTP/x", None, &nonces());
    assert_eq!(hex::encode(part(&message, 0)), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
    assert_eq!(message[72..88], [0; 16]);
    assert_eq!((part(&message, 2), part(&message, 3)), (utf16("Domain"), utf16("User")));
}

#[test]
fn with_a_server_time_the_message_carries_an_integrity_code() {
    let info = target_info(&[(7, &[9, 0, 0, 0, 0, 0, 0, 0]), (77, b"?"), (6, &[1, 0, 0, 0])]);
    let challenge = Challenge::parse(&challenge_bytes(flags::OFFERED, &info)).unwrap();
    let negotiate = Negotiate::new();
    let mut message = authenticate(&negotiate, &challenge, &login("user@example.com"), "HTTP/x", None, &nonces());
    assert_eq!(part(&message, 0), [0; 24]);
    assert_eq!((part(&message, 2), part(&message, 3)), (Vec::new(), utf16("user@example.com")));

    let nt_response = part(&message, 1);
    assert_eq!(nt_response[24], 9, "the server's time is used");
    let pairs = av::parse(&nt_response[44..]).unwrap();
    let ids: Vec<u16> = pairs.iter().map(|pair| pair.id).collect();
    assert_eq!(ids, [7, 77, 6, 9], "unknown pairs are copied, and no binding is claimed");
    assert_eq!(pairs[2].value, [3, 0, 0, 0], "the flag joins those of the server");

    let code = message[72..88].to_vec();
    message[72..88].fill(0);
    assert_eq!(code, crypt::hmac_md5(&[0x55; 16], &[negotiate.as_bytes(), &challenge.bytes, &message]));
}

#[test]
fn the_binding_is_the_md5_of_the_channel() {
    // Recomputed apart: MD5(00 * 16, 35000000, "tls-server-end-point:", 00..1f).
    let binding = Binding::of_certificate_hash(&std::array::from_fn::<u8, 32, _>(|i| i as u8));
    assert_eq!(hex::encode(binding.digest()), "8f1214c9c9cab8dc3bf866da9aba57a7");
    let challenge = Challenge::parse(&challenge_bytes(flags::OFFERED, &example_info())).unwrap();
    let message = authenticate(&Negotiate::new(), &challenge, &login("User"), "HTTP/x", Some(&binding), &nonces());
    let pairs = av::parse(&part(&message, 1)[44..]).unwrap();
    assert_eq!(pairs.last().unwrap(), &av::Pair { id: 10, value: binding.digest().to_vec() });
}

#[test]
fn a_server_without_key_exchange_gets_none() {
    let challenge = Challenge::parse(&challenge_bytes(flags::UNICODE | flags::NTLM, &[])).unwrap();
    let message = authenticate(&Negotiate::new(), &challenge, &login("User"), "HTTP/x", None, &nonces());
    assert_eq!(part(&message, 5), [0; 0]);
}

#[test]
fn challenges_that_are_none_are_refused() {
    let good = challenge_bytes(flags::OFFERED, &example_info());
    assert!(Challenge::parse(&good).is_ok());
    for length in 0..good.len() - 4 {
        assert!(Challenge::parse(&good[..length]).is_err(), "{length}");
    }
    let mut far = good.clone();
    far[44..48].fill(0xff);
    assert_eq!(Challenge::parse(&far), Err(Invalid("the NTLM challenge points outside itself")));
    assert!(Challenge::parse(&challenge_bytes(flags::NTLM, &[])).is_err());
    assert!(Challenge::parse(Negotiate::new().as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_challenge_panics(tail in prop::collection::vec(any::<u8>(), 0..120), user in "\\PC{0,12}") {
        let bytes = [&SIGNATURE[..], &[2, 0, 0, 0], &tail].concat();
        if let Ok(challenge) = Challenge::parse(&bytes) {
            authenticate(&Negotiate::new(), &challenge, &login(&user), "HTTP/x", None, &nonces());
        }
    }
}
