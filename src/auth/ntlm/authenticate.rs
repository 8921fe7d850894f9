//! The third message: the proof (MS-NLMP 2.2.1.3, computed as in 3.1.5.1.2 and 3.3.2).

use std::time::{Duration, SystemTime};

use super::{Account, Binding, Challenge, Invalid, Negotiate, SIGNATURE, av, crypt, flags, negotiate, utf16};
use crate::auth::Login;

/// Where the integrity code lies: behind the fixed fields and the version.
const CODE: std::ops::Range<usize> = 72..88;

/// Seconds from the start of Windows' clock, 1601, to 1970.
const FROM_1601: Duration = Duration::from_secs(11_644_473_600);

/// What must be new in every login.
#[derive(Clone)]
pub struct Nonces {
    /// The client's challenge.
    pub challenge: [u8; 8],
    /// The session key.
    pub session_key: [u8; 16],
    /// Our time, used where the server gives none: 100 ns units since 1601.
    pub filetime: u64,
}

impl Nonces {
    /// Random ones, and the time of now.
    pub fn fresh() -> Result<Self, Invalid> {
        let (mut challenge, mut session_key) = ([0; 8], [0; 16]);
        getrandom::fill(&mut challenge)
            .and_then(|()| getrandom::fill(&mut session_key))
            .map_err(|_| Invalid("the system has no randomness"))?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + FROM_1601;
        Ok(Self { challenge, session_key, filetime: u64::try_from(now.as_nanos() / 100).unwrap_or(u64::MAX) })
    }
}

/// The AUTHENTICATE_MESSAGE. `service` is the service principal name, such as `HTTP/mail.example.com`.
pub fn authenticate(
    negotiate: &Negotiate,
    challenge: &Challenge,
    login: &Login,
    service: &str,
    binding: Option<&Binding>,
    nonces: &Nonces,
) -> Vec<u8> {
    let account = Account::of(login);
    let key = crypt::response_key(&account, &login.password);
    let theirs = av::timestamp(&challenge.pairs);
    let pairs = av::write(&av::answer(&challenge.pairs, service, binding, theirs.is_some()));

    let blob = blob(theirs.unwrap_or(nonces.filetime), &nonces.challenge, &pairs);
    let proof = crypt::hmac_md5(&key, &[&challenge.nonce, &blob]);
    let nt_response = [&proof[..], &blob].concat();
    let lm_response = match theirs {
        // A server that gives its time understands the full proof and wants no second, weaker one.
        Some(_) => vec![0; 24],
        None => [&crypt::hmac_md5(&key, &[&challenge.nonce, &nonces.challenge])[..], &nonces.challenge].concat(),
    };

    let base_key = crypt::hmac_md5(&key, &[&proof]);
    let agreed = flags::OFFERED & challenge.flags;
    let (session_key, wrapped_key) = match agreed & flags::KEY_EXCHANGE {
        0 => (base_key, Vec::new()),
        _ => (nonces.session_key, crypt::rc4(&base_key, &nonces.session_key).to_vec()),
    };

    let workstation = Vec::new();
    let fields = [lm_response, nt_response, utf16(&account.domain), utf16(&account.user), workstation, wrapped_key];
    let mut message = assemble(&fields, agreed | flags::VERSION);
    if theirs.is_some() {
        let code = crypt::hmac_md5(&session_key, &[negotiate.as_bytes(), &challenge.bytes, &message]);
        if let Some(place) = message.get_mut(CODE) {
            place.copy_from_slice(&code);
        }
    }
    message
}

/// What the proof covers besides the server's nonce: the NTLMv2_CLIENT_CHALLENGE (MS-NLMP 2.2.2.7).
fn blob(filetime: u64, nonce: &[u8; 8], pairs: &[u8]) -> Vec<u8> {
    [&[1, 1, 0, 0, 0, 0, 0, 0], &filetime.to_le_bytes()[..], nonce, &[0; 4], pairs, &[0; 4]].concat()
}

/// Fixed part, version, a zeroed integrity code, then the fields in order.
fn assemble(fields: &[Vec<u8>; 6], agreed: u32) -> Vec<u8> {
    let mut message = [&SIGNATURE[..], &3u32.to_le_bytes()].concat();
    let mut offset = CODE.end;
    for field in fields {
        // Longer than 64 KiB would take a target list of that size, which no challenge can carry: its own length field has 16 bits as well.
        let length = u16::try_from(field.len()).unwrap_or(u16::MAX).to_le_bytes();
        message.extend_from_slice(&length);
        message.extend_from_slice(&length);
        message.extend_from_slice(&u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
        offset += field.len();
    }
    message.extend_from_slice(&agreed.to_le_bytes());
    message.extend_from_slice(&negotiate::VERSION);
    message.extend_from_slice(&[0; 16]);
    fields.iter().for_each(|field| message.extend_from_slice(field));
    message
}
