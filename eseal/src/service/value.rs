//! The signatures themselves: to be signed, signed by the pool, put together with a time-stamp.

use std::sync::Arc;

use crypto_pool::cms;
use crypto_pool::to_sign::{SealCmsToSign, ToSign};
use pki_config::Instant;
use pki_config::ports::StampHash;

use super::{Eseal, Kept, Made};
use crate::core::facts::Hash;
use crate::core::order::Form;
use crate::core::ses::TbsSign;
use crate::error::Error;

/// What is signed, whatever its form.
pub(super) enum Value {
    /// A use of the seal.
    Seal(TbsSign),
    /// Attributes over the document's digest.
    Cms(Box<SealCmsToSign>),
}

/// The key that signs this form.
pub(super) fn key_for(made: &Made, form: Form) -> Result<&Kept, Error> {
    let kept = match form {
        Form::Seal | Form::Cms => made.sm2.as_ref(),
        Form::Pades => made.ec.as_ref(),
    };
    let elsewhere = "this seal's holders keep its keys: prepare and finish, with the form seal";
    kept.ok_or_else(|| Error::Order(elsewhere.to_owned()))
}

/// The hash by which this form measures a document.
pub(super) const fn hash_of(form: Form) -> Hash {
    match form {
        Form::Seal | Form::Cms => Hash::Sm3,
        Form::Pades => Hash::Sha256,
    }
}

impl Value {
    pub(super) fn new(
        made: &Made,
        form: Form,
        at: Instant,
        digest: &[u8],
        property: &str,
        kept: Option<&Kept>,
    ) -> Result<Self, Error> {
        match (form, kept) {
            (Form::Seal, _) => TbsSign::new(&made.seal, at, digest, property)
                .map(Self::Seal)
                .map_err(|why| Error::Order(why.to_string())),
            (_, Some(kept)) => SealCmsToSign::new(digest.to_vec(), Arc::clone(&kept.signer))
                .map(|message| Self::Cms(Box::new(message)))
                .map_err(|_| Error::Order("the digest is of another length".to_owned())),
            (_, None) => Err(Error::Order("keys held elsewhere sign with the form seal only".to_owned())),
        }
    }

    /// The bytes that are signed.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Seal(tbs) => tbs.der(),
            Self::Cms(message) => message.attributes(),
        }
    }

    pub(super) fn to_sign(&self, kept: &Kept) -> ToSign {
        match self {
            Self::Seal(tbs) => tbs.to_sign(&kept.cert),
            Self::Cms(message) => ToSign::SealCms((**message).clone()),
        }
    }

    /// What goes into the document. `signer`: the certificate; `kept`: the key of ours, for the forms that carry its
    /// issuers.
    pub(super) fn finish(
        &self,
        signer: &[u8],
        kept: Option<&Kept>,
        signature: &[u8],
        token: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        match (self, kept) {
            (Self::Seal(tbs), _) => Ok(tbs.finish(signer, signature, token)),
            (Self::Cms(message), Some(kept)) => {
                Ok(kept.signer.assemble_detached(message.attributes(), signature, token, cms::Arc::Cms))
            }
            (Self::Cms(_), None) => Err(Error::Damaged("the signer of a seal")),
        }
    }
}

impl Eseal {
    /// A time-stamp over the octets of a signature.
    pub(super) async fn time_stamp(&self, form: Form, signature: &[u8]) -> Result<Vec<u8>, Error> {
        let stamper = self.0.options.time_stamper.as_ref();
        let stamper = stamper.ok_or_else(|| Error::NoTimeStamp("there is no time-stamping authority".to_owned()))?;
        let token = match hash_of(form) {
            Hash::Sha256 => {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, signature);
                stamper.stamp(StampHash::Sha256, digest.as_ref()).await
            }
            _ => stamper.stamp(StampHash::Sm3, &engine::sm3::hash(signature)).await,
        };
        token.map_err(|why| Error::NoTimeStamp(why.to_string()))
    }
}
