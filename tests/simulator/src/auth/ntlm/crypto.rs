//! The arithmetic of NTLM version 2 (MS-NLMP section 3.3.2).

use hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::{Digest, Md5};

/// A key or a check sum.
pub(super) type Block = [u8; 16];

/// UTF-16 in little-endian order, as NTLM writes text.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// HMAC-MD5 over several parts in a row.
pub(super) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> Block {
    // A key of any length is accepted by HMAC, so the error cannot happen; an empty answer would only fail a login.
    let Ok(mut mac) = <Hmac<Md5> as KeyInit>::new_from_slice(key) else {
        return Block::default();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// NTOWFv2: what a password is worth for this user in this domain. The user's name counts without regard to case, the domain as sent.
pub(super) fn ntowf_v2(password: &str, user: &str, domain: &str) -> Block {
    let hash = Md4::digest(utf16(password));
    hmac_md5(&hash, &[&utf16(&user.to_uppercase()), &utf16(domain)])
}

/// Whether two blocks are equal, in a time that does not depend on where they differ.
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |difference, (left, right)| difference | (left ^ right)) == 0
}

/// RC4 over `data`, which both hides and reveals; used on the session key alone (MS-NLMP section 3.4.5.1). Its
/// table has 256 places and every index is a byte, so no index can be out of place.
pub(super) fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut table: [u8; 256] = std::array::from_fn(|place| place as u8);
    let mut other = 0u8;
    for (place, key) in (0..=255u8).zip(key.iter().cycle()) {
        other = other.wrapping_add(table[usize::from(place)]).wrapping_add(*key);
        table.swap(usize::from(place), usize::from(other));
    }
    let (mut first, mut second) = (0u8, 0u8);
    data.iter()
        .map(|byte| {
            first = first.wrapping_add(1);
            second = second.wrapping_add(table[usize::from(first)]);
            table.swap(usize::from(first), usize::from(second));
            let sum = table[usize::from(first)].wrapping_add(table[usize::from(second)]);
            byte ^ table[usize::from(sum)]
        })
        .collect()
}
