//! Which of an issuer's lists: whole or one share of it, full or what changed since.

use std::fmt;

use pki_config::IssuerId;

/// The most shares an issuer's list can be split into. Each is signed and logged at least once a day.
pub const MOST_SHARDS: u16 = 256;

/// One of an issuer's lists.
///
/// The whole list tells of every certificate of the issuer. A *shard* tells of those that name its address: a
/// certificate is given a shard when it is issued, and keeps it. Each of these has, if configured, a *delta*: what
/// changed since the newest full one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct List {
    shard: u16,
    delta: bool,
}

impl List {
    /// Everything.
    pub const WHOLE: Self = Self { shard: 0, delta: false };

    /// A shard, counted from 1; 0 is the whole list. `None` above [`MOST_SHARDS`].
    #[must_use]
    pub const fn shard(number: u16) -> Option<Self> {
        if number > MOST_SHARDS { None } else { Some(Self { shard: number, delta: false }) }
    }

    /// What changed since this list.
    #[must_use]
    pub const fn delta(self) -> Self {
        Self { shard: self.shard, delta: true }
    }

    /// The full list of the same certificates.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { shard: self.shard, delta: false }
    }

    /// The number of its shard, 0 for the whole list.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.shard
    }

    /// Whether it tells of changes only.
    #[must_use]
    pub const fn is_delta(self) -> bool {
        self.delta
    }

    /// Its file, which is also the end of its address: `ec.crl`, `ec.7.crl`, `ec.delta.crl`, `ec.7.delta.crl`. No
    /// issuer's word holds a dot, so none is another issuer's.
    #[must_use]
    pub fn file_name(self, issuer: &IssuerId) -> String {
        let delta = if self.delta { ".delta" } else { "" };
        match self.shard {
            0 => format!("{issuer}{delta}.crl"),
            shard => format!("{issuer}.{shard}{delta}.crl"),
        }
    }

    /// Whose and which list has this file name.
    #[must_use]
    pub fn of_file(name: &str) -> Option<(IssuerId, Self)> {
        let mut parts = name.strip_suffix(".crl")?.split('.');
        let issuer = parts.next()?.parse().ok()?;
        let rest: Vec<&str> = parts.collect();
        let (number, delta) = match rest.as_slice() {
            [] => ("0", false),
            ["delta"] => ("0", true),
            [number] => (*number, false),
            [number, "delta"] => (*number, true),
            _ => return None,
        };
        let list = Self { delta, ..Self::shard(number.parse().ok()?)? };
        // One name for each: no `ec.0.crl`, no `ec.07.crl`.
        (list.file_name(&issuer) == name).then_some((issuer, list))
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.shard, self.delta) {
            (0, false) => f.write_str("whole"),
            (0, true) => f.write_str("delta"),
            (shard, false) => write!(f, "shard {shard}"),
            (shard, true) => write!(f, "delta of shard {shard}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_tells_whose_and_which_list_it_is() {
        let issuer: IssuerId = "ec-issuing".parse().unwrap();
        let seven = List::shard(7).unwrap();
        for (list, name) in [
            (List::WHOLE, "ec-issuing.crl"),
            (List::WHOLE.delta(), "ec-issuing.delta.crl"),
            (seven, "ec-issuing.7.crl"),
            (seven.delta(), "ec-issuing.7.delta.crl"),
        ] {
            assert_eq!(list.file_name(&issuer), name);
            assert_eq!(List::of_file(name), Some((issuer.clone(), list)));
        }
    }

    #[test]
    fn every_list_has_one_name() {
        for name in [
            "",
            ".crl",
            "ec",
            "ec.crl.new",
            "ec.0.crl",
            "ec.07.crl",
            "ec.+7.crl",
            "ec.257.crl",
            "ec.99999.crl",
            "ec.delta.7.crl",
            "ec.7.delta.delta.crl",
            "ec..crl",
            "EC.crl",
            "../ec.crl",
        ] {
            assert_eq!(List::of_file(name), None, "{name}");
        }
        assert!(List::shard(MOST_SHARDS).is_some() && List::shard(MOST_SHARDS + 1).is_none());
    }
}
