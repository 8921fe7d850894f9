//! Addresses this server gives out for the next page or the next round.

use crate::graph::{Call, encode};

/// The address of a collection of this call, without a query.
pub(super) fn address(call: &Call<'_>) -> String {
    let mut address = call.base();
    for segment in &call.segments {
        address.push('/');
        address.push_str(&encode(segment));
    }
    address
}

/// The address of a list's page that begins after so many entries.
pub(super) fn page(call: &Call<'_>, skip: usize) -> String {
    address(call) + &call.query.link(&[("$skip", &skip.to_string())])
}
