//! The mathematics of NTLMv2 (MS-NLMP 3.3.2).

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;

use super::{Account, utf16};
use crate::auth::Secret;

/// HMAC-MD5 over the concatenation of `parts`.
pub fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    // HMAC takes a key of any length; the other branch has no way to be reached.
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(key) else { return [0; 16] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// NTOWFv2: the key that stands for user, domain and password. The user counts in upper case, the domain as written.
pub fn response_key(account: &Account, password: &Secret) -> [u8; 16] {
    let name = utf16(&(upper(&account.user) + &account.domain));
    hmac_md5(&Md4::digest(utf16(password.reveal())), &[&name])
}

/// Upper case as Windows means it: character by character within the basic plane, so `ß` stays.
fn upper(text: &str) -> String {
    let one = |c: char| {
        let mut many = c.to_uppercase();
        match (many.next(), many.next()) {
            (Some(upper), None) if u32::from(c) < 0x1_0000 => upper,
            _ => c,
        }
    };
    text.chars().map(one).collect()
}

/// RC4. Broken as a cipher; here it only wraps a session key that HTTP never uses.
pub fn rc4(key: &[u8; 16], data: &[u8; 16]) -> [u8; 16] {
    let mut state: [u8; 256] = std::array::from_fn(|i| i as u8);
    let mut j = 0u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % 16]);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0u8, 0u8);
    data.map(|byte| {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(usize::from(i), usize::from(j));
        byte ^ state[usize::from(state[usize::from(i)].wrapping_add(state[usize::from(j)]))]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_is_the_one_of_windows() {
        assert_eq!(upper("jürgen.straße@ÿ"), "JÜRGEN.STRAßE@Ÿ");
        assert_eq!(upper("\u{10428}"), "\u{10428}");
    }
}
