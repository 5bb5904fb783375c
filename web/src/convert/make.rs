//! Writing a form.

use crypto_pool::cms::certificates_only;
use crypto_pool::envelope::{device, enveloped_key, message, private_key, skf};
use crypto_pool::{password, pkcs12};
use der::pem::LineEnding;
use pki_config::Random;
use zeroize::Zeroizing;

use super::refusal::{Missing, Reason};
use super::{Form, Given, Means, Refusal};

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The form.
    pub form: Form,
    /// How passphrases protect it.
    pub suite: password::Suite,
    /// Whether a private key goes out without a passphrase.
    pub clear: bool,
    /// The name that programs show for the key in a PKCS#12 file.
    pub name: &'a str,
}

/// Writes what was given in the form that is wanted.
///
/// # Errors
/// It does not make up the form; [`Means`] does not have what it takes.
pub fn make<M: Means>(
    order: Order<'_>,
    given: &Given,
    means: &mut M,
    random: &dyn Random,
) -> Result<Zeroizing<Vec<u8>>, M::Error> {
    let suite = order.suite;
    match order.form {
        Form::P7b => {
            some_certificate(given)?;
            Ok(Zeroizing::new(certificates_only(given.certificates.iter().map(Vec::as_slice))))
        }
        Form::Pem => {
            if given.key.is_none() {
                some_certificate(given)?;
            }
            let mut text = Zeroizing::new(String::new());
            if let Some(key) = &given.key {
                let (label, der) = if order.clear {
                    ("PRIVATE KEY", key.clone())
                } else {
                    let chosen = means.new_passphrase()?;
                    let der = password::encrypt_pkcs8(suite, key, &chosen, random).map_err(Refusal::from)?;
                    ("ENCRYPTED PRIVATE KEY", Zeroizing::new(der))
                };
                text.push_str(&armour(label, &der)?);
            }
            for certificate in &given.certificates {
                text.push_str(&armour("CERTIFICATE", certificate)?);
            }
            Ok(Zeroizing::new(text.as_bytes().to_vec()))
        }
        Form::Pkcs8 if order.clear => Ok(given.key()?.clone()),
        Form::Pkcs8 => {
            let key = given.key()?;
            let chosen = means.new_passphrase()?;
            let der = password::encrypt_pkcs8(suite, key, &chosen, random).map_err(Refusal::from)?;
            Ok(Zeroizing::new(der))
        }
        Form::P12 => {
            some_certificate(given)?;
            let key = given.key()?;
            let certificates = given.own_first()?;
            let chosen = means.new_passphrase()?;
            let file = pkcs12::write(suite, key, &certificates, order.name, &chosen, random);
            Ok(file.map_err(Refusal::from)?)
        }
        Form::EnvelopedKey | Form::EnvelopedData | Form::Skf => {
            let key = given.sm2()?;
            let certificate = means.recipient()?;
            let public =
                private_key::public_of_spki(certificate.spki()).map_err(|_| Refusal::Whole(Reason::Recipient))?;
            let envelope = match order.form {
                Form::EnvelopedKey => enveloped_key::write(&key, &public, random),
                Form::Skf => skf::write(&key, &public, random),
                _ => message::write(&key, &certificate, random),
            };
            Ok(envelope.map(Zeroizing::new).map_err(Refusal::from)?)
        }
        Form::Sdf if !order.clear => Err(Refusal::Missing(Missing::Clear).into()),
        Form::Sdf => Ok(device::write(&given.sm2()?)),
    }
}

fn some_certificate(given: &Given) -> Result<(), Refusal> {
    if given.certificates.is_empty() { Err(Refusal::Missing(Missing::Certificate)) } else { Ok(()) }
}

fn armour(label: &'static str, der: &[u8]) -> Result<Zeroizing<String>, Refusal> {
    let text = der::pem::encode_string(label, LineEnding::LF, der);
    text.map(Zeroizing::new).map_err(|_| Refusal::Whole(Reason::Armour))
}
