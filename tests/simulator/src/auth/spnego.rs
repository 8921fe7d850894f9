//! The wrapping `Negotiate` puts around NTLM (RFC 4178, MS-SPNG), as far as a server that only knows NTLM needs it.

use super::ntlm::is_ntlm;

/// 1.3.6.1.5.5.2
const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];
/// 1.3.6.1.4.1.311.2.2.10
const NTLMSSP: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;

/// What a client's `Negotiate` token holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// NTLM without any wrapping, which IIS takes as well.
    Raw(&'a [u8]),
    /// NTLM inside SPNEGO.
    Wrapped(&'a [u8]),
    /// SPNEGO that offers NTLM but began with another mechanism, such as Kerberos.
    OffersNtlm,
    /// Nothing this server can use.
    Unusable,
}

/// Looks inside a token.
pub(super) fn open(token: &[u8]) -> Token<'_> {
    if is_ntlm(token) {
        return Token::Raw(token);
    }
    open_initial(token).or_else(|| open_response(token)).unwrap_or(Token::Unusable)
}

/// NegTokenInit: the mechanisms a client offers, and the first one's token.
fn open_initial(token: &[u8]) -> Option<Token<'_>> {
    let (outer, _) = element(token, 0x60)?;
    let (object, rest) = element(outer, OBJECT)?;
    if object != SPNEGO {
        return None;
    }
    let (fields, _) = element(element(rest, 0xa0)?.0, SEQUENCE)?;
    let (mechanisms, rest) = element(fields, 0xa0)?;
    let mut list = element(mechanisms, SEQUENCE)?.0;
    let mut offered = false;
    while let Some((mechanism, next)) = element(list, OBJECT) {
        offered |= mechanism == NTLMSSP;
        list = next;
    }
    // Request flags may stand between the list and the token.
    let rest = element(rest, 0xa1).map_or(rest, |(_, after)| after);
    let inner = element(rest, 0xa2).and_then(|(field, _)| element(field, OCTETS));
    match inner {
        Some((inner, _)) if is_ntlm(inner) => Some(Token::Wrapped(inner)),
        _ if offered => Some(Token::OffersNtlm),
        _ => None,
    }
}

/// NegTokenResp: what a client sends from its second token on.
fn open_response(token: &[u8]) -> Option<Token<'_>> {
    let (outer, _) = element(token, 0xa1)?;
    let (mut rest, _) = element(outer, SEQUENCE)?;
    for optional in [0xa0, 0xa1] {
        rest = element(rest, optional).map_or(rest, |(_, after)| after);
    }
    let (inner, _) = element(element(rest, 0xa2)?.0, OCTETS)?;
    is_ntlm(inner).then_some(Token::Wrapped(inner))
}

/// Wraps a challenge, or asks for NTLM when there is none yet: NegTokenResp "accept-incomplete".
pub(super) fn go_on(challenge: Option<&[u8]>) -> Vec<u8> {
    let mut fields = tagged(0xa0, &tagged(ENUMERATED, &[1]));
    fields.extend(tagged(0xa1, &tagged(OBJECT, NTLMSSP)));
    if let Some(challenge) = challenge {
        fields.extend(tagged(0xa2, &tagged(OCTETS, challenge)));
    }
    tagged(0xa1, &tagged(SEQUENCE, &fields))
}

/// NegTokenResp "accept-completed".
pub(super) fn done() -> Vec<u8> {
    let fields = tagged(0xa0, &tagged(ENUMERATED, &[0]));
    tagged(0xa1, &tagged(SEQUENCE, &fields))
}

/// Splits off one element with this tag: its contents, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn tagged(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = contents.len();
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(contents);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initial(mechanisms: &[&[u8]], token: &[u8]) -> Vec<u8> {
        let list: Vec<u8> = mechanisms.iter().flat_map(|it| tagged(OBJECT, it)).collect();
        let mut fields = tagged(0xa0, &tagged(SEQUENCE, &list));
        fields.extend(tagged(0xa2, &tagged(OCTETS, token)));
        let mut outer = tagged(OBJECT, SPNEGO);
        outer.extend(tagged(0xa0, &tagged(SEQUENCE, &fields)));
        tagged(0x60, &outer)
    }

    #[test]
    fn ntlm_is_found_inside_and_wrapped_again() {
        let ntlm = [&b"NTLMSSP\0"[..], &[1; 300]].concat();
        assert_eq!(open(&ntlm), Token::Raw(&ntlm));
        assert_eq!(open(&initial(&[NTLMSSP], &ntlm)), Token::Wrapped(&ntlm));
        assert_eq!(open(&go_on(Some(&ntlm))), Token::Wrapped(&ntlm));
    }

    #[test]
    fn other_mechanisms_are_told_apart() {
        let kerberos: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
        assert_eq!(open(&initial(&[kerberos, NTLMSSP], b"ticket")), Token::OffersNtlm);
        assert_eq!(open(&initial(&[kerberos], b"ticket")), Token::Unusable);
    }

    #[test]
    fn damage_anywhere_is_unusable_and_never_a_panic() {
        let whole = initial(&[NTLMSSP], b"NTLMSSP\0");
        for end in 0..whole.len() {
            let cut = whole.get(..end).unwrap();
            assert!(!matches!(open(cut), Token::Raw(_)), "{end}");
        }
        assert_eq!(open(&[0x60, 0x84, 0xff, 0xff, 0xff, 0xff]), Token::Unusable);
        assert_eq!(open(&[]), Token::Unusable);
    }
}
