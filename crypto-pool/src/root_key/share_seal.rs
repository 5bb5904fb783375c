//! The root key sealed so that some of its keepers together open it. The shares are of a secret of their own, which
//! wraps the root key: shared anew, the secret is another and the root key the same; replaced, the root key is
//! another and the shares stay.

use std::fmt;
use std::path::{Path, PathBuf};

use engine::sm4::Gcm;
use pki_config::Random;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::file::{SEALED, read_private, unusable, write_once};
use super::seal::CHECK;
use super::shares::{BadShare, Quorum, SECRET, Share, ShareSet, combine, split};
use super::{RootKey, previous};
use crate::error::Error;
use crate::hex;

const VERSION: u32 = 1;

/// The root key of a data directory, sealed by shares in `DIR/root.sealed`.
#[derive(Debug)]
pub struct ShareSeal {
    path: PathBuf,
}

/// The file: TOML, every byte string in hexadecimal. Nothing in it tells anything of the shares' secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedToml {
    version: u32,
    /// `K-of-N`; by this field a file is known to be of this kind.
    shares: String,
    set: String,
    generation: u32,
    /// Of each share, in their order: what a changed or made-up one is known by when it is given.
    marks: Vec<String>,
    nonce: String,
    /// SM4-GCM of the root key under a key that follows from the secret.
    wrapped: String,
    /// A key derived from the root key for nothing else: binds the file to one root key.
    check: String,
    /// The root key before, under this one, while it is being replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

/// The file, read.
pub struct ShareFile {
    set: ShareSet,
    marks: Vec<Vec<u8>>,
    nonce: [u8; 12],
    wrapped: Vec<u8>,
    check: Vec<u8>,
    previous: Option<String>,
    path: PathBuf,
}

impl ShareSeal {
    /// The seal of this data directory.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join(SEALED) }
    }

    /// Draws a root key and shares of a new set. `hand_out` gives the shares to their keepers before the file is
    /// written: a crash in between leaves shares of nothing.
    ///
    /// # Errors
    /// [`Error::RootKeyFile`] if there is one already or it cannot be written; [`Error::Random`]; what `hand_out` says.
    pub fn make<E: From<Error>>(
        &self,
        quorum: Quorum,
        random: &dyn Random,
        hand_out: impl FnOnce(&[Share]) -> Result<(), E>,
    ) -> Result<RootKey, E> {
        let root = RootKey::draw(random)?;
        let mut id = [0; 4];
        random.fill(&mut id).map_err(Error::from)?;
        let (text, shares) = self.text(&root, ShareSet { id, generation: 1, quorum }, random)?;
        hand_out(&shares)?;
        write_once(&self.path, text.as_bytes())?;
        Ok(root)
    }

    /// The text of a `root.sealed` that holds `root`, and the new shares that open it.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn text(&self, root: &RootKey, set: ShareSet, random: &dyn Random) -> Result<(String, Vec<Share>), Error> {
        let mut secret = Zeroizing::new([0; SECRET]);
        random.fill(&mut *secret)?;
        let shares = split(&secret, set, random)?;
        let marks = shares.iter().map(|share| share.mark().to_vec()).collect();
        let text = self.write(&secret, &set, marks, root, random)?;
        Ok((text, shares))
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::RootKeyFile`].
    pub fn read(&self) -> Result<ShareFile, Error> {
        let text = read_private(&self.path)?;
        let file: SharedToml = toml::from_str(&text).map_err(|why| unusable(&self.path, why.message()))?;
        if file.version != VERSION {
            return Err(unusable(&self.path, "its version is not known"));
        }
        let read = || {
            let quorum: Quorum = file.shares.parse().ok()?;
            let set = ShareSet { id: hex::read(&file.set)?.try_into().ok()?, generation: file.generation, quorum };
            let marks = file.marks.iter().map(|mark| hex::read(mark)).collect::<Option<Vec<_>>>()?;
            if marks.len() != usize::from(quorum.count()) {
                return None;
            }
            Some(ShareFile {
                set,
                marks,
                nonce: hex::read(&file.nonce)?.try_into().ok()?,
                wrapped: hex::read(&file.wrapped)?,
                check: hex::read(&file.check)?,
                previous: file.previous.clone(),
                path: self.path.clone(),
            })
        };
        read().ok_or_else(|| unusable(&self.path, "a field is malformed"))
    }

    fn write(
        &self,
        secret: &[u8; SECRET],
        set: &ShareSet,
        marks: Vec<Vec<u8>>,
        root: &RootKey,
        random: &dyn Random,
    ) -> Result<String, Error> {
        let mut nonce = [0; 12];
        random.fill(&mut nonce)?;
        let file = SharedToml {
            version: VERSION,
            shares: set.quorum.to_string(),
            set: hex::of(&set.id),
            generation: set.generation,
            marks: marks.iter().map(|mark| hex::of(mark)).collect(),
            nonce: hex::of(&nonce),
            wrapped: hex::of(&around(secret).seal(&nonce, &aad(set), root.as_bytes())),
            check: hex::of(&*root.derive::<16>(CHECK)),
            previous: previous::wrap(root, random)?,
        };
        toml::to_string(&file).map_err(|why| unusable(&self.path, why))
    }
}

impl ShareFile {
    /// Which shares open it.
    #[must_use]
    pub const fn set(&self) -> &ShareSet {
        &self.set
    }

    /// Refuses a share of another set or generation, and one that was never given out.
    ///
    /// # Errors
    /// [`BadShare`].
    pub fn admits(&self, share: &Share) -> Result<(), BadShare> {
        share.belongs_to(&self.set)?;
        let mark = usize::from(share.number()).checked_sub(1).and_then(|at| self.marks.get(at));
        match mark {
            Some(mark) if bool::from(mark.ct_eq(&share.mark()[..])) => Ok(()),
            _ => Err(BadShare::Forged { number: share.number() }),
        }
    }

    /// The root key, with the one before it while it is being replaced.
    ///
    /// # Errors
    /// [`Error::Share`] with what is wrong; [`Error::UnsealFailed`] if the file was changed.
    pub fn open(&self, shares: &[Share]) -> Result<RootKey, Error> {
        let secret = self.secret(shares)?;
        let root = around(&secret).open(&self.nonce, &aad(&self.set), &self.wrapped).ok();
        let root = root.map(|root| Zeroizing::new(root.to_vec())).and_then(RootKey::from_bytes);
        let root = root.filter(|root| bool::from(root.derive::<16>(CHECK)[..].ct_eq(&self.check)));
        previous::unwrap(root.ok_or(Error::UnsealFailed)?, self.previous.as_deref())
            .ok_or_else(|| unusable(&self.path, "a field is malformed"))
    }

    /// The text of a `root.sealed` that holds another root key and that the same shares open.
    ///
    /// # Errors
    /// As [`ShareFile::open`]; [`Error::Random`].
    pub fn holding(&self, shares: &[Share], root: &RootKey, random: &dyn Random) -> Result<String, Error> {
        let secret = self.secret(shares)?;
        ShareSeal { path: self.path.clone() }.write(&secret, &self.set, self.marks.clone(), root, random)
    }

    fn secret(&self, shares: &[Share]) -> Result<Zeroizing<[u8; SECRET]>, Error> {
        shares.iter().try_for_each(|share| self.admits(share))?;
        Ok(combine(shares)?)
    }
}

impl fmt::Debug for ShareFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShareFile({}, generation {})", self.set.quorum, self.set.generation)
    }
}

/// What the root key is wrapped with.
fn around(secret: &[u8; SECRET]) -> Gcm {
    let mac = Zeroizing::new(engine::sm3::hmac(secret, &[b"yinxin key around the root key"]));
    let mut key = Zeroizing::new([0; 16]);
    key.iter_mut().zip(mac.iter()).for_each(|(octet, from)| *octet = *from);
    Gcm::new(&key)
}

/// A file whose set, generation or quorum was changed does not open.
fn aad(set: &ShareSet) -> Vec<u8> {
    format!("yinxin root key under shares, version 1, {} {} {}", hex::of(&set.id), set.generation, set.quorum)
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;
    use crate::root_key::{SealedBy, replace_sealed, sealed_by};

    fn sealed(dir: &Path, seed: u64) -> (RootKey, Vec<Share>) {
        let mut out = Vec::new();
        let quorum = Quorum::new(3, 5).unwrap();
        let root = ShareSeal::new(dir).make(quorum, &SeededRandom::new(seed), |shares| {
            out = shares.to_vec();
            Ok::<_, Error>(())
        });
        (root.unwrap(), out)
    }

    fn why(error: Error) -> BadShare {
        match error {
            Error::Share(why) => why,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn any_three_of_five_open_it_and_two_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let (root, shares) = sealed(dir.path(), 1);
        let file = ShareSeal::new(dir.path()).read().unwrap();
        for [a, b, c] in [[0, 1, 2], [4, 2, 0], [1, 3, 4]] {
            let some = [shares[a].clone(), shares[b].clone(), shares[c].clone()];
            assert_eq!(file.open(&some).unwrap().as_bytes(), root.as_bytes());
        }
        assert_eq!(file.open(&shares).unwrap().as_bytes(), root.as_bytes());
        assert_eq!(why(file.open(&shares[..2]).unwrap_err()), BadShare::TooFew { given: 2, needed: 3 });
        assert_eq!(sealed_by(dir.path()).unwrap(), SealedBy::Shares(*file.set()));
    }

    #[test]
    fn a_share_that_was_never_given_out_is_told_from_the_others_when_it_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let (_, shares) = sealed(dir.path(), 1);
        let file = ShareSeal::new(dir.path()).read().unwrap();
        // The same set by name, another secret: what somebody makes up who knows all but the secret.
        let made_up = split(&[7; SECRET], *file.set(), &SeededRandom::new(9)).unwrap();
        assert_eq!(file.admits(&made_up[1]).unwrap_err(), BadShare::Forged { number: 2 });
        assert!(file.admits(&shares[1]).is_ok());
        let (_, others) = sealed(tempfile::tempdir().unwrap().path(), 2);
        assert_eq!(file.admits(&others[1]).unwrap_err(), BadShare::OtherSet);
    }

    #[test]
    fn shared_anew_the_old_shares_are_stale_and_the_root_key_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (root, old) = sealed(dir.path(), 1);
        let seal = ShareSeal::new(dir.path());
        let set = *seal.read().unwrap().set();
        let next = ShareSet { generation: 2, quorum: Quorum::new(2, 3).unwrap(), ..set };
        let (text, new) = seal.text(&root, next, &SeededRandom::new(3)).unwrap();
        // Not yet in place: the old ones work.
        assert!(seal.read().unwrap().open(&old[..3]).is_ok());
        replace_sealed(dir.path(), &text).unwrap();
        let file = seal.read().unwrap();
        let stale = BadShare::Stale { generation: 1, current: 2 };
        assert_eq!(why(file.open(&old[..3]).unwrap_err()), stale);
        assert_eq!(why(file.open(&[new[0].clone(), old[1].clone()]).unwrap_err()), stale);
        assert_eq!(file.open(&new[1..]).unwrap().as_bytes(), root.as_bytes());
    }

    #[test]
    fn a_replaced_root_key_opens_with_the_same_shares_and_carries_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let (old, shares) = sealed(dir.path(), 1);
        let random = SeededRandom::new(4);
        let new = RootKey::draw(&random).unwrap().in_place_of(&old);
        let file = ShareSeal::new(dir.path()).read().unwrap();
        replace_sealed(dir.path(), &file.holding(&shares[..3], &new, &random).unwrap()).unwrap();
        let opened = ShareSeal::new(dir.path()).read().unwrap().open(&shares[2..]).unwrap();
        assert_eq!(opened.as_bytes(), new.as_bytes());
        assert_eq!(opened.previous().unwrap().as_bytes(), old.as_bytes());
    }

    #[test]
    fn a_changed_field_opens_nothing_and_the_file_holds_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let (root, shares) = sealed(dir.path(), 1);
        let path = dir.path().join(SEALED);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&hex::of(&root.as_bytes()[..8])));
        for (from, to) in [("generation = 1", "generation = 2"), ("3-of-5", "2-of-5")] {
            replace_sealed(dir.path(), &text.replace(from, to)).unwrap();
            assert!(ShareSeal::new(dir.path()).read().unwrap().open(&shares[..3]).is_err(), "{to}");
        }
        for field in ["nonce", "wrapped", "check", "set"] {
            let at = text.find(&format!("{field} = \"")).unwrap() + field.len() + 4;
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            replace_sealed(dir.path(), std::str::from_utf8(&changed).unwrap()).unwrap();
            assert!(ShareSeal::new(dir.path()).read().unwrap().open(&shares[..3]).is_err(), "{field}");
        }
    }

    #[test]
    fn shares_that_could_not_be_handed_out_seal_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let quorum = Quorum::new(2, 2).unwrap();
        let made = ShareSeal::new(dir.path()).make(quorum, &SeededRandom::new(1), |_| Err(Error::Busy));
        assert!(made.is_err());
        assert!(!dir.path().join(SEALED).exists());
    }
}
