//! The negotiate flags we use (MS-NLMP 2.2.2.5).

pub const UNICODE: u32 = 0x0000_0001;
pub const REQUEST_TARGET: u32 = 0x0000_0004;
pub const SIGN: u32 = 0x0000_0010;
pub const NTLM: u32 = 0x0000_0200;
pub const ALWAYS_SIGN: u32 = 0x0000_8000;
pub const EXTENDED_SESSION_SECURITY: u32 = 0x0008_0000;
pub const TARGET_INFO: u32 = 0x0080_0000;
pub const VERSION: u32 = 0x0200_0000;
pub const KEY_128: u32 = 0x2000_0000;
pub const KEY_EXCHANGE: u32 = 0x4000_0000;
pub const KEY_56: u32 = 0x8000_0000;

/// What we offer. Nothing is signed or sealed over HTTP, but the message integrity code needs a session key, and servers grant one only with these.
pub const OFFERED: u32 = UNICODE
    | REQUEST_TARGET
    | SIGN
    | NTLM
    | ALWAYS_SIGN
    | EXTENDED_SESSION_SECURITY
    | TARGET_INFO
    | VERSION
    | KEY_128
    | KEY_EXCHANGE
    | KEY_56;
