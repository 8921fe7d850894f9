//! A number that a scenario expects.

use serde::{
    Deserialize,
    de::{Deserializer, Error as _},
};

/// Exactly so many, or from `least` to `most`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    least: f64,
    most: f64,
}

impl Bound {
    /// Nothing at all.
    pub const NONE: Self = Self { least: 0.0, most: 0.0 };

    pub fn holds(self, value: f64) -> bool {
        (self.least..=self.most).contains(&value)
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Range {
            least: Option<f64>,
            most: Option<f64>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Exactly(f64),
            Between(Range),
        }
        match Written::deserialize(deserializer)? {
            Written::Exactly(value) => Ok(Self { least: value, most: value }),
            Written::Between(Range { least: None, most: None }) => Err(D::Error::custom("give least, most, or both")),
            Written::Between(Range { least, most }) => {
                Ok(Self { least: least.unwrap_or(f64::NEG_INFINITY), most: most.unwrap_or(f64::INFINITY) })
            }
        }
    }
}
