//! What a 401 offers: the schemes of its `WWW-Authenticate` headers (RFC 9110, section 11.6.1).

use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// One scheme offered, with what follows its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The scheme, as written.
    pub scheme: String,
    /// A token, or the first of the parameters; empty where there is none.
    pub rest: String,
}

impl Offer {
    /// Whether the offer is of this scheme; case does not count.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }
}

/// All offers, in order. Several may stand in one header, separated by commas.
pub fn offers(headers: &HeaderMap) -> Vec<Offer> {
    let lines = headers.get_all(WWW_AUTHENTICATE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    lines.flat_map(|line| pieces(&line).into_iter().filter_map(|piece| offer(&piece)).collect::<Vec<_>>()).collect()
}

/// The names of the schemes, for an error.
pub fn names(offers: &[Offer]) -> String {
    if offers.is_empty() {
        return "no scheme".to_owned();
    }
    offers.iter().map(|offer| offer.scheme.as_str()).collect::<Vec<_>>().join(", ")
}

/// Splits at commas outside quotes.
fn pieces(line: &str) -> Vec<String> {
    let (mut pieces, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in line.chars() {
        match c {
            ',' if !quoted => {
                pieces.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    pieces
}

/// A piece that begins with `name=` is a further parameter of the scheme before it.
fn offer(piece: &str) -> Option<Offer> {
    let piece = piece.trim();
    let (scheme, rest) = piece.split_once(char::is_whitespace).unwrap_or((piece, ""));
    let is_name = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    (is_name && !rest.trim_start().starts_with('=')).then(|| Offer { scheme: scheme.to_owned(), rest: rest.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Vec<(String, String)> {
        let headers = lines.iter().map(|line| (WWW_AUTHENTICATE, line.parse().unwrap())).collect();
        offers(&headers).into_iter().map(|offer| (offer.scheme, offer.rest)).collect()
    }

    #[test]
    fn one_a_line_or_all_in_one_line() {
        let expected = [("Negotiate", ""), ("NTLM", ""), ("Basic", "realm=\"a, b\"")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(read(&["Negotiate", "NTLM", "Basic realm=\"a, b\""]), expected);
        assert_eq!(read(&["Negotiate, NTLM, Basic realm=\"a, b\", charset=\"UTF-8\""]), expected);
    }

    #[test]
    fn a_token_keeps_its_padding() {
        assert_eq!(read(&["NTLM TlRMTVNTUAAC=="]), [("NTLM".to_owned(), "TlRMTVNTUAAC==".to_owned())]);
    }

    #[test]
    fn junk_offers_nothing() {
        for line in ["", ",,", "a=b", "\"\\\"", "x = y"] {
            assert!(read(&[line]).is_empty(), "{line}");
        }
        assert_eq!(names(&[]), "no scheme");
    }
}
