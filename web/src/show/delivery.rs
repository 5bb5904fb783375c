//! The answer to a request for a pair of certificates (`CSRResponse`, GM/T 0092).
//!
//! ```text
//! CSRResponse ::= SEQUENCE { signCertificate CertificateSet, encryptedPrivateKey [0] SM2EnvelopedKey OPTIONAL,
//!                            encryptCertificate [1] CertificateSet OPTIONAL }
//! ```

use crypto_pool::tlv::{self, Tlv};

use super::part;
use super::read::{Read, Scope, each};
use super::tree::{Label, Thing, l};

pub(super) const RESPONSE: Label =
    l("csr-response", "Pair of certificates with the key (CSRResponse)", "双证书响应（CSRResponse）");

pub(super) fn show(outer: Tlv<'_>, size: usize, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(RESPONSE, size);
    let read = (|| {
        let mut inside = outer.inside();
        set(
            &mut thing,
            inside.expect(tlv::SET, "signCertificate")?,
            scope,
            ("signing certificate, or of its chain", "签名证书或其证书链"),
        )?;
        let key = inside.optional(0xa0)?;
        if let Some(key) = key {
            // The body of the standard tags it explicitly, its annex implicitly; both are met.
            let explicit = tlv::single(key.value, tlv::SEQUENCE, "key").is_ok();
            let whole = if explicit { key.value.to_vec() } else { tlv::write(tlv::SEQUENCE, &[key.value]) };
            let mut told = part(&whole, scope);
            told.role = Some((
                "key of the encryption certificate, for the holder's signing key",
                "加密证书的私钥，以签名公钥加密",
            ));
            if !explicit {
                told.remark(
                    "implicit-tag",
                    "its tag is implicit, as in the annex of GM/T 0092",
                    "采用隐式标签（GM/T 0092 附录写法）",
                );
            }
            thing.inside.push(told);
        }
        let encryption = inside.optional(0xa1)?;
        if let Some(certificates) = encryption {
            set(&mut thing, certificates, scope, ("encryption certificate, or of its chain", "加密证书或其证书链"))?;
        }
        if key.is_some() && encryption.is_none() {
            thing.remark("no-certificate", "there is a key and no certificate for it", "有加密私钥而无加密证书");
        }
        inside.finish("CSRResponse")
    })();
    thing.ends_with(read)
}

fn set(thing: &mut Thing, set: Tlv<'_>, scope: Scope<'_>, role: (&'static str, &'static str)) -> Read {
    // Within an explicit tag there is the SET itself.
    let list = match set.inside().any() {
        Ok(inner) if inner.tag == tlv::SET && set.tag != tlv::SET => inner.inside(),
        _ => set.inside(),
    };
    each(list, |one| {
        let mut told = part(one.whole, scope);
        told.role = Some(role);
        thing.inside.push(told);
        Ok(())
    })?;
    Ok(())
}
