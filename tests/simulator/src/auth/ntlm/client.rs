//! A client for the tests alone, written from MS-NLMP section 3.1.5.1.2 by offsets, with as little in common with the acceptor as can be.

use crate::auth::ntlm::crypto::{hmac_md5, ntowf_v2, rc4, utf16};

/// How a test client answers.
pub(crate) struct Client<'a> {
    pub(crate) user: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) password: &'a str,
    pub(crate) mic: bool,
    pub(crate) binding: Option<[u8; 16]>,
    pub(crate) target: Option<&'a str>,
}

impl Client<'_> {
    pub(crate) fn negotiate() -> Vec<u8> {
        let mut out = b"NTLMSSP\0\x01\0\0\0".to_vec();
        out.extend(0xe208_8217_u32.to_le_bytes());
        out.extend([0; 16]);
        out.extend([10, 0, 0, 0, 0, 0, 0, 15]);
        out
    }

    pub(crate) fn authenticate(&self, negotiate: &[u8], challenge: &[u8]) -> Vec<u8> {
        let number = |at: usize| u32::from_le_bytes(challenge[at..at + 4].try_into().unwrap()) as usize;
        let short = |bytes: &[u8], at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
        let info = &challenge[number(44)..number(44) + short(challenge, 40)];
        let mut time = [0; 8];
        let mut at = 0;
        while short(info, at) != 0 {
            if short(info, at) == 7 {
                time.copy_from_slice(&info[at + 4..at + 12]);
            }
            at += 4 + short(info, at + 2);
        }
        let mut pairs = info[..at].to_vec();
        let mut pair = |id: u16, value: &[u8]| {
            pairs.extend(id.to_le_bytes());
            pairs.extend((value.len() as u16).to_le_bytes());
            pairs.extend(value);
        };
        if self.mic {
            pair(6, &[2, 0, 0, 0]);
        }
        if let Some(binding) = self.binding {
            pair(10, &binding);
        }
        if let Some(target) = self.target {
            pair(9, &utf16(target));
        }
        pairs.extend([0; 4]);

        let blob = [&[1, 1, 0, 0, 0, 0, 0, 0], &time[..], &[0xaa; 8], &[0; 4], &pairs, &[0; 4]].concat();
        let key = ntowf_v2(self.password, self.user, self.domain);
        let proof = hmac_md5(&key, &[&challenge[24..32], &blob]);
        let session = hmac_md5(&key, &[&proof]);
        let exported = [0x55; 16];
        let nt = [&proof[..], &blob].concat();
        let fields = [vec![0; 24], nt, utf16(self.domain), utf16(self.user), utf16("CLIENT"), rc4(&session, &exported)];
        let mut out = b"NTLMSSP\0\x03\0\0\0".to_vec();
        let mut place = 88;
        for field in &fields {
            out.extend((field.len() as u16).to_le_bytes());
            out.extend((field.len() as u16).to_le_bytes());
            out.extend((place as u32).to_le_bytes());
            place += field.len();
        }
        out.extend(&challenge[20..24]);
        out.extend([10, 0, 0, 0, 0, 0, 0, 15]);
        out.extend([0; 16]);
        out.extend(fields.concat());
        if self.mic {
            let mic = hmac_md5(&exported, &[negotiate, challenge, &out]);
            out[72..88].copy_from_slice(&mic);
        }
        out
    }
}
